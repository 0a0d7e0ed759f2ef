"""Calls are made once, on the last closed candle, before its outcome exists, by files that are whole."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms, to_ms, utc_now
from core.errors import ModelUnavailable, NotFound, Refused, SeriesEnded
from core.timeframe import parse
from db.queries import candles, markets, predictions
from db.tables import Market, Prediction, TrainedModel
from market.candles import latest
from ml import artefacts, features, labels, novelty, predictor, serving, sessions
from ml.card import Card
from tests.candles import walk
from tests.ml import versions

HOUR = parse("1h")
DEMO = market_name.parse("demo:BTC/USDT")
REAL = market_name.parse("binance:BTC/USDT")
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))


def stored(session: Session, name: market_name.MarketName, *, now: datetime, bars: int = 400, late: int = 0) -> Market:
    """A market whose newest stored candle is the last closed one, or `late` bars older."""
    market = markets.get_or_create(session, name, simulated=name.exchange == "demo")
    start = HOUR.last_closed(to_ms(now)) - (bars - 1 + late) * HOUR.ms
    candles.upsert(session, market.id, "1h", walk(bars, start_ms=start))
    return market


def model(session: Session, models: Path, card: Card = CARD, *, seed: int = 1) -> TrainedModel:
    return versions.publish(session, models, card, ASKED, seed=seed)


@pytest.fixture
def now() -> datetime:
    return utc_now()


def test_call_on_the_last_closed_candle_is_written(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, DEMO, now=now)
    model(session, tmp_path)
    row = predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    assert row["market"] == "demo:BTC/USDT"
    assert row["open_time"] == from_ms(HOUR.last_closed(to_ms(now))).isoformat()
    assert sum(row["probabilities"].values()) == pytest.approx(1)
    assert row["confidence"] == max(row["probabilities"].values()) == row["probabilities"][row["call"]]
    assert datetime.fromisoformat(row["due_at"]) - datetime.fromisoformat(row["closed_at"]) == timedelta(hours=3)
    assert row["simulated"] is True
    assert row["outcome"] is None


def test_the_same_candle_is_never_called_twice(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, DEMO, now=now)
    model(session, tmp_path)
    first = predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    assert predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now) == first
    assert predictor.predict_due(session, models=tmp_path, now=now).written == 0
    assert session.execute(text("SELECT count(*) FROM predictions")).scalar_one() == 1


def test_call_is_what_the_network_says_of_the_last_window(session: Session, tmp_path: Path, now: datetime) -> None:
    market = stored(session, DEMO, now=now)
    made = model(session, tmp_path)
    row = predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    found = latest(session, market.id, "1h", 400)
    loaded = artefacts.load(tmp_path, made.folder, made.manifest)
    window = loaded.scaler.apply(features.compute(found, HOUR.ms)[-60:])
    p = sessions.open_session(loaded.model).run(None, {"window": window[None]})[0][0]
    np.testing.assert_allclose(list(row["probabilities"].values()), p, atol=1e-6)
    sigma = labels.sigma(found, HOUR.ms, 100)[-1:]
    assert row["upper_factor"] == pytest.approx(labels.factors(sigma, 0.8, 3)[0][0])


def test_a_call_keeps_what_it_rules_out_and_why_it_abstains(session: Session, tmp_path: Path, now: datetime) -> None:
    market = stored(session, DEMO, now=now)
    made = model(session, tmp_path)
    found = latest(session, market.id, "1h", 400)
    loaded = artefacts.load(tmp_path, made.folder, made.manifest)
    assert serving.forecast(found, loaded).abstain_reason is None  # a version from before knows no doubt
    narrow = novelty.fit(np.zeros((50, len(features.NAMES))))
    for threshold, known, reason in ((0.9, None, None), (0.0, None, "undecided"), (0.9, narrow, "novel")):
        said = serving.forecast(found, replace(loaded, threshold=threshold, novelty=known))
        assert said.abstain_reason == reason
        assert said.conformal_set is not None
        assert len(said.conformal_set.split(",")) == (3 if reason == "undecided" else 1)
    predictor._write(session, made, market, HOUR, said, close=1.0, open_ms=HOUR.last_closed(to_ms(now)))
    row = session.scalars(select(Prediction)).one()
    assert (row.abstained, row.abstain_reason, row.conformal_set) == (True, "novel", said.conformal_set)
    assert row.novelty == pytest.approx(said.novelty)
    assert row.call in said.conformal_set  # what it would have called is kept all the same


def test_an_ended_series_is_not_called(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, DEMO, now=now, late=1_000)
    model(session, tmp_path)
    with pytest.raises(SeriesEnded, match=r"last candle closed .* UTC"):
        predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    assert predictor.predict_due(session, models=tmp_path, now=now).written == 0


def test_a_candle_that_is_late_is_waited_for(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, DEMO, now=now, late=1)
    model(session, tmp_path)
    with pytest.raises(SeriesEnded, match="has not arrived yet"):
        predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)


def test_the_database_clock_decides_what_is_too_late(session: Session, tmp_path: Path, now: datetime) -> None:
    """A caller whose clock is two hours behind cannot write a call whose outcome has begun."""
    behind = now - timedelta(hours=2)
    stored(session, DEMO, now=behind)
    model(session, tmp_path)
    with pytest.raises(SeriesEnded):
        predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=behind)
    assert session.execute(text("SELECT count(*) FROM predictions")).scalar_one() == 0


def test_a_written_call_cannot_be_changed(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, DEMO, now=now)
    model(session, tmp_path)
    predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text("UPDATE predictions SET call = 'neutral'"))


def test_without_a_model_the_answer_says_how_to_train_one(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, REAL, now=now)
    with pytest.raises(Refused, match="train --markets binance:BTC/USDT"):
        predictor.predict_now(session, REAL, "1h", models=tmp_path, now=now)


def test_an_unknown_market_is_not_found(session: Session, tmp_path: Path, now: datetime) -> None:
    with pytest.raises(NotFound):
        predictor.predict_now(session, REAL, "1h", models=tmp_path, now=now)


def test_a_hole_in_the_last_window_is_refused(session: Session, tmp_path: Path, now: datetime) -> None:
    market = stored(session, DEMO, now=now)
    model(session, tmp_path)
    hole = from_ms(HOUR.last_closed(to_ms(now)) - 30 * HOUR.ms)
    session.execute(text("DELETE FROM candles WHERE open_time = :t AND market_id = :m"), {"t": hole, "m": market.id})
    with pytest.raises(Refused, match="hole"):
        predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    due = predictor.predict_due(session, models=tmp_path, now=now)
    assert due.written == 0
    assert list(due.refused) == ["demo:BTC/USDT 1h"]


def test_due_round_calls_every_market_of_the_model_at_once(session: Session, tmp_path: Path, now: datetime) -> None:
    asked = versions.config()
    stored(session, DEMO, now=now)
    stored(session, market_name.parse("demo:ETH/USDT"), now=now)
    stored(session, REAL, now=now)
    versions.publish(session, tmp_path, CARD, asked)
    assert predictor.predict_due(session, models=tmp_path, now=now).written == 2
    called = {(row.exchange, row.symbol) for row in predictions.latest(session)}
    assert called == {("demo", "BTC/USDT"), ("demo", "ETH/USDT")}


def champion(name: str, *markets_: str) -> TrainedModel:
    return TrainedModel(name=name, markets=list(markets_), timeframe="1h")


def test_a_real_market_is_called_only_by_models_trained_on_it() -> None:
    own, other = champion("own", "binance:BTC/USDT"), champion("other", "demo:BTC/USDT")
    assert predictor.callers([other, own], REAL, simulated=False) == [own]
    assert predictor.callers([other], REAL, simulated=False) == []


def test_a_simulated_market_is_called_by_its_own_models_then_by_kin_then_by_any() -> None:
    own, kin, real = champion("own", str(DEMO)), champion("kin", "demo:ETH/USDT"), champion("real", str(REAL))
    assert predictor.callers([real, kin, own], DEMO, simulated=True) == [own]
    assert predictor.callers([real, kin], DEMO, simulated=True) == [kin]
    assert predictor.callers([real], DEMO, simulated=True) == [real]


def test_a_model_of_simulated_candles_marks_all_its_calls(session: Session, tmp_path: Path, now: datetime) -> None:
    market = stored(session, REAL, now=now)
    simulated = model(session, tmp_path)
    simulated.markets = [str(REAL)]
    session.flush()
    assert not market.simulated
    assert predictor.predict_now(session, REAL, "1h", models=tmp_path, now=now)["simulated"] is True


def test_damaged_champion_falls_back_to_the_previous_good_version(
    session: Session, tmp_path: Path, now: datetime
) -> None:
    stored(session, DEMO, now=now)
    old = model(session, tmp_path, versions.with_gain(CARD, 0.01), seed=1)
    new = model(session, tmp_path, versions.with_gain(CARD, 0.02), seed=2)
    assert new.state == "champion"
    (tmp_path / new.folder / "model.onnx").write_bytes(b"half")
    assert predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)["model_id"] == old.id


def test_a_family_calls_a_candle_once_whichever_version_made_the_call(
    session: Session, tmp_path: Path, now: datetime
) -> None:
    stored(session, DEMO, now=now)
    old = model(session, tmp_path, versions.with_gain(CARD, 0.01), seed=1)
    assert predictor.predict_due(session, models=tmp_path, now=now).written == 1
    model(session, tmp_path, versions.with_gain(CARD, 0.02), seed=2)
    assert predictor.predict_due(session, models=tmp_path, now=now).written == 0
    assert predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)["model_id"] == old.id


def test_nothing_whole_is_unavailable_and_writes_nothing(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, DEMO, now=now)
    made = model(session, tmp_path)
    (tmp_path / made.folder / "scaler.json").unlink()
    with pytest.raises(ModelUnavailable):
        predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    assert session.execute(text("SELECT count(*) FROM predictions")).scalar_one() == 0


def test_r28_a_round_of_calls_says_which_files_are_damaged(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, DEMO, now=now)
    made = model(session, tmp_path)
    (tmp_path / made.folder / "model.onnx").write_bytes(b"half")
    due = predictor.predict_due(session, models=tmp_path, now=now)
    assert (due.written, list(due.refused)) == (0, ["demo:BTC/USDT 1h"])
    (sentence,) = due.damaged
    assert "model.onnx is damaged" in sentence


def test_predicting_loads_neither_tensorflow_nor_ccxt() -> None:
    import subprocess
    import sys

    code = (
        "import sys, ml.predictor, ml.settling; print([m for m in ('tensorflow', 'keras', 'ccxt') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_times_are_aware_utc(session: Session, tmp_path: Path, now: datetime) -> None:
    stored(session, DEMO, now=now)
    model(session, tmp_path)
    predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    (row,) = predictions.latest(session)
    assert row.made_at.tzinfo is not None
    assert row.open_time.astimezone(UTC) == from_ms(HOUR.last_closed(to_ms(now)))
