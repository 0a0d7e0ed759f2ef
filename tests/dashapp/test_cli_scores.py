"""`scorecard`, `promote` and what `check` says of the ledger."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import db.engine
from core import market_name
from core.timeframe import parse
from dashapp.cli import promotion
from dashapp.cli.attach import Attached
from db.queries import audit, candles, jobs, markets, scorecards, trained_models
from ml import score_table, scoring, settling
from ml.build import Built
from tests.candles import START_MS, walk
from tests.dashapp.test_cli_ledger import Run, run
from tests.ml import versions
from tests.ml.ledger import past_call
from tests.ml.settled import HABITS, settled
from tests.ml.test_promotion import GOOD, examined, publish, sample
from workers import engine, training

__all__ = ["run"]

HOUR = parse("1h").ms
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
CALLS = 5


@pytest.fixture
def model_id(run: Run, session: Session, tmp_path: Path) -> int:
    """A model whose five calls could be settled long ago."""
    market = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
    candles.upsert(session, market.id, "1h", walk(60))
    model = versions.publish(session, tmp_path / "var" / "models", CARD, ASKED)
    for n in range(20, 20 + CALLS):
        past_call(session, model_id=model.id, market_id=market.id, open_ms=START_MS + n * HOUR)
    session.commit()
    return model.id


def settle(session: Session) -> None:
    from core.clock import from_ms

    session.execute(text("SELECT 1"))
    assert settling.settle_due(session, now=from_ms(START_MS + 60 * HOUR)) == CALLS
    session.commit()


def test_scorecards_are_printed_drawn_up_from_the_ledger(run: Run, model_id: int, session: Session) -> None:
    assert run("scorecard")[1].strip() == "No call on a real market has settled yet."
    settle(session)
    code, said = run("scorecard", "--simulated", "--market", "demo:BTC/USDT")
    assert code == 0 and "5 of 100 calls have settled" in said and "needs 1,717" in said.lower()
    assert "boosting            not recorded beside these calls" in said
    (found,) = json.loads(run("scorecard", "--simulated", "--json")[1])
    assert (found["n"], found["simulated"], found["market"]) == (CALLS, True, "demo:BTC/USDT")
    assert found["not_recorded"] == ["logistic", "boosting"]
    assert json.loads(run("scorecard", "--json")[1]) == []
    assert json.loads(run("scorecard", "--simulated", "--horizon", "9", "--json")[1]) == []


def test_csv_has_one_row_a_kind_of_market_and_no_rate_of_few_calls(run: Run, model_id: int, session: Session) -> None:
    settle(session)
    rows = list(csv.DictReader(io.StringIO(run("scorecard", "--simulated", "--csv")[1])))
    assert rows[0]["regime"] == "all" and rows[0]["settled"] == "5" and rows[0]["hit_rate"] == ""
    assert rows[0]["note"] == "5 of 100 settled calls: too few to score." and rows[0]["never_settled"] == "0"
    assert (rows[0]["brier"], rows[0]["ece"], rows[0]["mcc_low"], rows[0]["majority_brier"]) == ("", "", "", "")
    assert rows[0]["log_loss"] and rows[0]["simulated"] == "true"
    assert run("scorecard", "--csv")[1] == ""
    assert run("scorecard", "--csv", "--json")[0] == 1


def test_every_row_of_the_csv_has_every_score_of_every_forecaster_with_its_interval() -> None:
    card = scoring.draw_up(settled(900, share=0.2), HABITS, horizon=1, step_ms=HOUR)
    assert card is not None
    at = datetime(2026, 11, 24, tzinfo=UTC)
    about = ("binance", "BTC/USDT", "1h", 1, False, card.n)
    record = scorecards.Record(1, "m", 2, 3, *about, card.to_dict(), at, unsettled=4)
    rows = list(csv.DictReader(io.StringIO(score_table.as_csv([record]))))
    assert [row["regime"] for row in rows] == ["all", "falling", "sideways", "rising", "calm", "turbulent"]
    for row in rows:
        for who in ("", *(f"{key}_" for key in score_table.RULES)):
            for score in ("hit_rate", "brier", "ece", "mcc"):
                low, high = (float(row[f"{who}{score}_{edge}"]) for edge in ("low", "high"))
                assert row[f"{who}{score}"] and low <= high
    assert (rows[0]["never_settled"], rows[0]["note"], float(rows[1]["independent"])) == ("4", "", 300.0)


def test_promotion_is_refused_with_every_line_and_its_value(run: Run, model_id: int, session: Session) -> None:
    code, said = run("promote", ASKED.family, "v1", "--json")
    found = json.loads(said)
    assert code == 1 and not found["promoted"]
    assert {line["key"]: line["value"] for line in found["lines"]} == {
        "skilled": "no demonstrated skill",
        "better": "no other serves",
        "calibration": "no walk-forward",
        "pays": "no walk-forward",
        "seeds": "1",
        "leaks": "not run",
    }
    code, said = run("promote", str(model_id))
    assert code == 1 and "FAIL  Leak lab green: not run" in said and "was not promoted" in said
    assert not trained_models.get(session, model_id).proven
    assert run("promote", "nothing", "v1")[0] == 1


def test_a_version_that_passes_every_line_is_promoted_and_the_command_ends_with_0(
    run: Run, session: Session, tmp_path: Path
) -> None:
    model = examined(session, publish(session, tmp_path / "var" / "models", GOOD, sample(), 1))
    session.commit()
    code, said = run("promote", str(model.id), "--json")
    found = json.loads(said)
    assert code == 0 and found["promoted"] and found["model"] == f"{ASKED.family} v1"
    assert all(line["passed"] for line in found["lines"]) and len(found["lines"]) == 6
    session.expire_all()
    assert (trained_models.get(session, model.id).state, trained_models.get(session, model.id).proven) == (
        "champion",
        True,
    )
    (event,) = audit.page(session, audit.Wanted(action="champion_changed"))[:1]
    assert event.actor == audit.COMMAND_LINE


@pytest.mark.parametrize(("other", "ends"), [(1, 0), (2, 1)])
def test_a_rebuild_ends_with_0_when_it_is_the_same_version_and_with_1_when_not(
    run: Run, model_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: int, ends: int
) -> None:
    made = Built(CARD, versions.files(ASKED, seed=other))
    monkeypatch.setattr(training, "made", lambda *_: made)

    @contextmanager
    def at_once(found: Attached, _count: int) -> Iterator[bool]:
        with db.engine.session() as opened:
            (job,) = jobs.waiting(opened)
        engine.signals.stopping.clear()
        engine.execute(job.id, found.settings)
        yield True

    monkeypatch.setattr(promotion, "workers", at_once)
    code, said = run("rebuild", ASKED.family, "v1", "--json")
    found = json.loads(said)
    assert (code, found["same"], found["difference"] == 0) == (ends, ends == 0, ends == 0)
    assert found["model"] == f"{ASKED.family} v1"
    code, said = run("rebuild", str(model_id))
    assert code == ends and f"{ASKED.family} v1: " in said and "Largest difference: " in said
    assert run("rebuild", "nothing", "v1")[0] == 1


def test_check_names_calls_nobody_settles_and_rows_that_were_changed(run: Run, model_id: int, session: Session) -> None:
    code, said = run("check", "--json")
    assert code == 0 or "I11" not in said  # calls of years ago have waited too long to count
    settle(session)
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("UPDATE prediction_outcomes SET log_return = log_return + 1e-12 WHERE seq = 2"))
    session.commit()
    code, said = run("check", "--json")
    assert code == 1
    assert "I10 ledger: outcome of call 2 (row 2 of prediction_outcomes) was changed" in said.replace(
        f"call {_second(session)} ", "call 2 "
    )


def _second(session: Session) -> int:
    found = session.execute(text("SELECT prediction_id FROM prediction_outcomes WHERE seq = 2")).scalar_one()
    return int(found)
