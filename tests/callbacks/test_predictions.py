"""The board, one call in detail, test periods of series that have ended, what settled lately."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from callbacks import prediction_rows
from core import market_name
from core.clock import from_ms, to_ms, utc_now
from core.jobs import PREDICT_DUE
from core.roles import Role
from core.timeframe import parse
from db.queries import audit, candles, job_claims, jobs, markets, predictions, trained_models
from ml import predictor, registry, scorekeeping, settling
from tests.candles import START_MS, walk
from tests.fire import fire
from tests.ml import versions
from tests.ml.ledger import past_call
from tests.web import SignIn

HOUR = parse("1h")
LOOK = {"theme": "light", "updown": "blue-orange"}


def look(client: FlaskClient, search: str = "", seen: Any = None) -> Any:
    inputs = {"predictions-tick.n_intervals": 1, "_pages_location.search": search, "shell-look.data": LOOK}
    return fire(client, inputs, {"predictions-seen.data": seen})


def store(session: Session, market: str, *, last_ms: int, bars: int = 1_500) -> int:
    name = market_name.parse(market)
    row = markets.get_or_create(session, name, simulated=name.exchange == "demo")
    start = last_ms - (bars - 1) * HOUR.ms
    candles.upsert(session, row.id, "1h", walk(bars, start_ms=start))
    return row.id


def model(session: Session, folder: Path, market: str) -> None:
    asked = versions.config(market)
    versions.publish(session, folder, versions.card(asked, versions.prepared(asked)), asked)


def called(session: Session, folder: Path, market: str, now: datetime) -> int:
    """A market with a model and a call on its last closed candle."""
    market_id = store(session, market, last_ms=HOUR.last_closed(to_ms(now)))
    model(session, folder, market)
    predictor.predict_now(session, market_name.parse(market), "1h", models=folder, now=now)
    session.commit()
    return market_id


def test_an_empty_page_leads_to_models(signed_in: SignIn, session: Session) -> None:
    text = str(look(signed_in(Role.VIEWER)).get_json())
    assert "No call has been made yet" in text
    assert "/models" in text


def test_r28_the_page_says_when_a_models_files_are_damaged(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    client = signed_in(Role.VIEWER)
    called(session, tmp_path, "demo:BTC/USDT", utc_now())
    for damaged in ([], ["The model's file x/model.onnx is damaged. Restore it, or train again."], []):
        job = jobs.create(session, PREDICT_DUE, {})
        claimed = job_claims.claim(session, job.id)
        assert claimed is not None
        result = {"written": 0, "refused": {}, "damaged": damaged}
        assert job_claims.succeed(session, job.id, claimed.attempt, result=result)
        session.commit()
        assert ("model.onnx is damaged" in str(look(client).get_json())) == bool(damaged)


def test_calls_on_simulated_markets_are_said_to_prove_nothing(
    signed_in: SignIn, session: Session, tmp_path: Path
) -> None:
    called(session, tmp_path, "demo:BTC/USDT", utc_now())
    text = str(look(signed_in(Role.VIEWER)).get_json())
    assert "prove nothing" in text
    assert "SIM" in text
    (row,) = predictions.latest(session)
    detail = str(look(signed_in(Role.VIEWER), f"?market=demo/BTC-USDT&tf=1h&model={row.model_id}").get_json())
    assert "SIMULATED" in detail and "Latest call, 3 bars" in detail
    assert "No call of this model in this market has settled yet." in detail


def test_headline_counts_real_markets_alone(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    now = utc_now()
    called(session, tmp_path, "demo:BTC/USDT", now)
    called(session, tmp_path, "binance:ETH/USDT", now)
    text = str(look(signed_in(Role.VIEWER)).get_json())
    assert "None of 1 market has a model that has beaten simple rules so far." in text


def test_nothing_is_drawn_again_within_the_minute(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    client = signed_in(Role.VIEWER)
    called(session, tmp_path, "demo:BTC/USDT", utc_now())
    seen = look(client).get_json()["response"]["predictions-seen"]["data"]
    seen[-1] = utc_now().strftime("%H:%M")
    assert look(client, seen=seen).status_code == 204


def test_a_series_that_has_ended_shows_its_models_test_period(
    signed_in: SignIn, session: Session, tmp_path: Path
) -> None:
    end = START_MS + 1_499 * HOUR.ms
    store(session, "binance:BTC/USDT", last_ms=end)
    model(session, tmp_path, "binance:BTC/USDT")
    session.commit()
    (version,) = trained_models.table(session)
    assert "Test periods" in str(look(signed_in(Role.VIEWER)).get_json())
    text = str(look(signed_in(Role.VIEWER), f"?market=binance/BTC-USDT&tf=1h&model={version.id}").get_json())
    assert "End of the test period, BTC/USDT on binance" in text
    closed = from_ms(end + HOUR.ms)
    assert f"{closed.day} {closed:%b %Y, %H:%M} UTC" in text
    assert "Latest call" not in text


def test_address_chooses_the_call_in_detail(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    now = utc_now()
    called(session, tmp_path, "demo:BTC/USDT", now)
    called(session, tmp_path, "demo:ETH/USDT", now)
    row = next(r for r in predictions.latest(session) if r.symbol == "ETH/USDT")
    text = str(look(signed_in(Role.VIEWER), f"?market=demo/ETH-USDT&tf=1h&model={row.model_id}").get_json())
    assert "Past calls, ETH/USDT on demo" in text
    board = str(look(signed_in(Role.VIEWER), "?market=%00&tf=x&model=y").get_json())
    assert "Past calls" not in board and "With evidence 0" in board


def test_the_record_of_a_model_is_shown_and_exported(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    now, client = utc_now(), signed_in(Role.VIEWER)
    market_id = called(session, tmp_path, "binance:BTC/USDT", now)
    (version,) = trained_models.table(session)
    first = HOUR.last_closed(to_ms(now)) - 130 * HOUR.ms
    for n in range(110):
        at = first + n * HOUR.ms
        past_call(session, model_id=version.id, market_id=market_id, open_ms=at, simulated=False)
    assert settling.settle_due(session, now=now) == 110
    scorekeeping.refresh(session, scorekeeping.note_rules(session, now=now))
    session.commit()
    board = str(look(client).get_json())
    assert "110" in board and "Export CSV" in board and "0 of 100" not in board
    assert "No market fits" in str(look(client, "?show=abstaining").get_json())
    text = str(look(client, f"?market=binance/BTC-USDT&tf=1h&model={version.id}").get_json())
    for words in (
        "Over 110 settled calls",
        "Scorecard against simple rules",
        "Needs 1,717",
        "By kind of market",
        "Never settled",
    ):
        assert words in text
    export = client.get("/predictions/scorecard.csv")
    assert "scorecards_exported" in audit.actions(session)
    assert export.status_code == 200 and export.mimetype == "text/csv"
    assert export.get_data(as_text=True).splitlines()[1].split(",")[2] == '"binance:BTC/USDT"'


def ended(session: Session, **result: Any) -> None:
    """A round of calls that ended with this result."""
    job = jobs.create(session, PREDICT_DUE, {})
    claimed = job_claims.claim(session, job.id)
    assert claimed is not None
    assert job_claims.succeed(session, job.id, claimed.attempt, result={"written": 0, "refused": {}} | result)
    session.commit()


def test_a_followed_market_that_no_model_calls_is_on_the_board(
    signed_in: SignIn, session: Session, tmp_path: Path
) -> None:
    client = signed_in(Role.VIEWER)
    market_id = store(session, "binance:ETH/USDT", last_ms=HOUR.last_closed(to_ms(utc_now())), bars=5)
    session.commit()
    assert "No model calls this market" not in str(look(client).get_json())
    markets.set_followed(session, market_id, True)
    session.commit()
    assert "No model calls this market" in str(look(client).get_json()), "also before any call was made"
    markets.set_followed(session, called(session, tmp_path, "binance:BTC/USDT", utc_now()), True)
    simulated = store(session, "demo:DOGE/USDT", last_ms=HOUR.last_closed(to_ms(utc_now())), bars=5)
    markets.set_followed(session, simulated, True)
    session.commit()
    text = str(look(client).get_json())
    assert text.count("No model calls this market") == 1 and "Train a model" in text
    assert "first call is made when its next candle closes" in text, "a champion calls simulated markets too"
    assert "Without calls" not in str(look(client, "?show=evidence").get_json())


def test_a_row_says_why_its_last_candle_was_not_called(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    client = signed_in(Role.VIEWER)
    called(session, tmp_path, "binance:BTC/USDT", utc_now())
    eth = store(session, "binance:ETH/USDT", last_ms=HOUR.last_closed(to_ms(utc_now())), bars=5)
    markets.set_followed(session, eth, True)
    why = "The last 48 candles have a hole, so there is no window to call on."
    ended(session, refused={"binance:BTC/USDT 1h": why, "binance:ETH/USDT 1h": "Its series has ended."})
    text = str(look(client).get_json())
    assert why in text and "Its series has ended." in text and "No model calls" not in text
    ended(session)
    assert why not in str(look(client).get_json())


def test_a_call_that_is_over_names_the_last_stored_candle(session: Session) -> None:
    store(session, "binance:BTC/USDT", last_ms=START_MS, bars=1)
    (row,) = markets.table(session)
    closed = from_ms(START_MS + HOUR.ms)
    assert f"{closed:%H:%M} UTC" in prediction_rows.no_newer(row, "1h")
    assert "no candles of this market are stored" in prediction_rows.no_newer(None, "1h")


def test_a_model_past_its_age_is_marked_on_the_board_and_its_card(
    signed_in: SignIn, session: Session, tmp_path: Path
) -> None:
    client = signed_in(Role.VIEWER)
    called(session, tmp_path, "binance:BTC/USDT", utc_now())
    mark = "Trained 180 days ago, stale"
    for days, told in ((179, False), (180, True)):
        (version,) = trained_models.table(session)
        made = trained_models.get(session, version.id)
        made.created_at = utc_now() - timedelta(days=days, minutes=1)
        session.commit()
        assert (mark in str(look(client).get_json())) == told
        inputs = {"models-tick.n_intervals": 1, "_pages_location.search": "", "shell-look.data": LOOK}
        card = fire(client, inputs, {"models-seen.data": None}).get_json()["response"]["models-card"]
        assert (mark in str(card)) == told


def test_a_demotion_is_told_on_the_page(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    called(session, tmp_path, "demo:BTC/USDT", utc_now())
    (version,) = trained_models.table(session)
    model_row = trained_models.get(session, version.id)
    registry.demote(session, model_row, "What it sees no longer looks like its training.", now=utc_now())
    session.commit()
    text = str(look(signed_in(Role.VIEWER)).get_json())
    assert "was demoted" in text and "no longer looks like its training" in text


def test_settled_calls_of_the_last_day_are_listed(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    now = utc_now()
    called(session, tmp_path, "demo:BTC/USDT", now)
    (row,) = predictions.latest(session)
    outcome = {
        "prediction_id": row.id,
        "outcome": "bearish" if row.call != "bearish" else "bullish",
        "entry": row.close,
        "log_return": -0.0164,
        "ambiguous": False,
        "t1": row.due_at,
        "log_loss": 1.2,
        "brier": 0.9,
    }
    predictions.settle(session, [outcome])
    session.commit()
    text = str(look(signed_in(Role.VIEWER)).get_json())
    assert "1 simulated call: 0 right, 1 wrong." in text
    assert "Wrong" in text
