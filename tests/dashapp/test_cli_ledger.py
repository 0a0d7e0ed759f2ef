"""`verify-ledger` ends with 1 and names the rows where the chain is broken."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms, to_ms, utc_now
from dashapp.cli.main import main
from db.queries import candles, ledger, markets, trained_models
from db.tables import Prediction
from ml import revising, settling
from tests.candles import START_MS, walk
from tests.ml import versions
from tests.ml.ledger import past_baselines, past_call

ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
HOUR = 3_600_000
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    database: Engine,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.setenv("DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("BOLT_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("SECRET_KEY", "k" * 64)

    def call(*arguments: str) -> tuple[int, str]:
        before = signal.getsignal(signal.SIGTERM)
        try:
            return main(arguments), capsys.readouterr().out
        finally:
            signal.signal(signal.SIGTERM, before)

    return call


@pytest.fixture
def calls(session: Session, tmp_path: Path) -> list[int]:
    market = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
    model = versions.publish(session, tmp_path, CARD, ASKED)
    made = [
        past_call(session, model_id=model.id, market_id=market.id, open_ms=START_MS + k * 3_600_000).id
        for k in range(3)
    ]
    session.commit()
    return made


def test_a_whole_ledger_ends_with_0_and_shows_its_heads(run: Run, calls: list[int], session: Session) -> None:
    code, said = run("verify-ledger")
    assert code == 0
    assert "3 calls, 0 outcomes" in said
    head = ledger.verify(session).calls.head
    assert head in said
    code, said = run("verify-ledger", "--json")
    assert code == 0
    assert json.loads(said)["heads"]["predictions"] == head


def test_a_broken_ledger_ends_with_1_and_the_rows(run: Run, calls: list[int], session: Session) -> None:
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("UPDATE predictions SET close = close + 1 WHERE id = :id"), {"id": calls[1]})
    session.execute(text("DELETE FROM predictions WHERE id = :id"), {"id": calls[2]})
    session.commit()
    code, said = run("--json", "verify-ledger")
    found = json.loads(said)
    assert code == 1
    assert not found["ok"]
    assert [(b["kind"], b["seq"], b["id"]) for b in found["breaches"]] == [
        ("changed", 2, calls[1]),
        ("missing", 3, None),
    ]
    code, said = run("verify-ledger")
    assert code == 1
    assert f"call {calls[1]} (row 2 of predictions) was changed" in said
    assert "row 3 of predictions is missing" in said


def test_an_outcome_that_is_late_and_a_call_over_a_hole_are_notices(run: Run, calls: list[int]) -> None:
    code, said = run("verify-ledger", "--json")
    found = json.loads(said)
    assert (code, found["ok"], found["unsettled"], found["settled_late"]) == (0, True, 3, 0)
    assert [(n["kind"], n["id"]) for n in found["notices"]] == [("never_settled", call) for call in calls]
    said = run("verify-ledger")[1]
    assert "The ledger is whole" in said and "stays open for good" in said
    assert "In all 0 settled late, 3 overdue without an outcome." in said


def test_a_call_whose_candles_are_there_may_not_be_left_open(run: Run, calls: list[int], session: Session) -> None:
    """A yesterday's call: without its candles it waits, with them nothing excuses that it has no outcome."""
    market = markets.get(session, market_name.parse("demo:BTC/USDT"))
    (model,) = trained_models.table(session)
    opened = to_ms(utc_now()) // HOUR * HOUR - 30 * HOUR
    call = past_call(session, model_id=model.id, market_id=market.id, open_ms=opened)
    session.commit()
    code, said = run("verify-ledger", "--json")
    assert json.loads(said)["breaches"] == [] and code == 0
    assert [n["kind"] for n in json.loads(said)["notices"]][-1] == "waiting"
    candles.upsert(session, market.id, "1h", walk(10, start_ms=opened - 3 * HOUR))
    session.commit()
    code, said = run("verify-ledger", "--json")
    found = json.loads(said)
    assert (code, [(b["kind"], b["id"]) for b in found["breaches"]]) == (1, [("withheld", call.id)])
    assert "the job that settles does not run" in run("verify-ledger")[1]
    assert settling.settle_due(session, now=utc_now()) == 1
    session.commit()
    code, said = run("verify-ledger", "--json")
    assert code == 0
    assert [n["kind"] for n in json.loads(said)["notices"]][:1] == ["slow"]


def test_forecasts_of_baselines_are_proved_as_well(run: Run, calls: list[int], session: Session) -> None:
    call = session.get(Prediction, calls[0])
    assert call is not None
    past_baselines(session, call, {"logistic": (0.2, 0.3, 0.5), "boosting": (0.5, 0.3, 0.2)})
    session.commit()
    found = json.loads(run("verify-ledger", "--json")[1])
    assert (found["ok"], found["baselines"]) == (True, 2)
    assert found["heads"]["prediction_baselines"] == ledger.verify(session).baselines.head
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("DELETE FROM prediction_baselines WHERE seq = 1"))
    session.commit()
    code, said = run("verify-ledger")
    assert code == 1 and "row 1 of prediction_baselines is missing" in said


def test_outcomes_on_revised_candles_are_notices(run: Run, calls: list[int], session: Session) -> None:
    market = markets.get(session, market_name.parse("demo:BTC/USDT"))
    series = walk(60)
    candles.upsert(session, market.id, "1h", series)
    assert settling.settle_due(session, now=from_ms(START_MS + 60 * HOUR)) == 3
    session.commit()
    candles.upsert(session, market.id, "1h", replace(series, volume=series.volume + 1), source="demo")
    session.commit()
    assert revising.mark(session) >= 3
    session.commit()
    code, said = run("verify-ledger")
    assert code == 0 and f"outcome of call {calls[2]} (row " in said
    assert "In all 3 of 3 outcomes rest on candles that were revised later; 0 would be others now." in said
    found = json.loads(run("verify-ledger", "--json")[1])
    assert (found["revised"], found["revised_otherwise"]) == (3, 0)
    assert [n["id"] for n in found["notices"] if n["kind"] == "revised"] == calls[::-1]
    told = "3 of 3 settled calls rest on candles the exchange revised later; 0 would have ended otherwise"
    assert told in run("scorecard", "--simulated")[1]
    assert json.loads(run("scorecard", "--simulated", "--json")[1])[0]["revised"] == 3
