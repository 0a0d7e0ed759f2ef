"""The chain of hashes shows what somebody with every right in the database did to calls and outcomes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms, to_ms, utc_now
from core.timeframe import parse
from db.queries import ledger, markets, predictions
from db.tables import Market, Prediction, PredictionOutcome
from tests.candles import START_MS
from tests.ml import versions
from tests.ml.ledger import past_call, seal

HOUR = parse("1h").ms
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
SETTLED = 1_000


@pytest.fixture
def market(session: Session) -> Market:
    return markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)


@pytest.fixture
def model_id(session: Session, tmp_path: Path) -> int:
    return versions.publish(session, tmp_path, CARD, ASKED).id


def write(session: Session, market: Market, model_id: int, n: int) -> list[Prediction]:
    return [past_call(session, model_id=model_id, market_id=market.id, open_ms=START_MS + k * HOUR) for k in range(n)]


def settle(session: Session, calls: list[Prediction]) -> None:
    values = [
        {
            "prediction_id": call.id,
            "outcome": "bullish",
            "entry": 100.0,
            "log_return": 0.0198,
            "ambiguous": False,
            "t1": call.outcome_from,
            "log_loss": 0.693,
            "brier": 0.38,
        }
        for call in calls
    ]
    assert predictions.settle(session, values) == len(calls)


def live(session: Session, market_id: int, model_id: int) -> dict[str, Any]:
    """A call on the candle that has just closed; the triggers do the rest."""
    call = past_call(session, model_id=model_id, market_id=market_id, open_ms=START_MS)
    values = now_instead(call)
    session.rollback()
    return values


def now_times() -> dict[str, Any]:
    """The moments of a call on the candle that has just closed."""
    opened = parse("1h").last_closed(to_ms(utc_now()))
    times = {"open_time": 0, "closed_at": 1, "outcome_from": 2, "due_at": 4}
    return {name: from_ms(opened + bars * HOUR) for name, bars in times.items()}


def now_instead(call: Prediction) -> dict[str, Any]:
    """The same call on the candle that has just closed."""
    made = {"id", "made_at", "seq", "prev_hash", "hash"}
    return {c.name: getattr(call, c.name) for c in call.__table__.columns if c.name not in made} | now_times()


@contextmanager
def tampering(session: Session) -> Iterator[None]:
    """Every right there is, triggers off; what was done is undone afterwards."""
    session.flush()
    with session.begin_nested() as mark:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        yield
        mark.rollback()
    session.expire_all()


def kinds(session: Session) -> list[tuple[str, str, int | None]]:
    session.expire_all()
    return [(b.table, b.kind, b.seq) for b in ledger.verify(session).breaches]


def test_an_empty_ledger_is_whole(session: Session) -> None:
    found = ledger.verify(session)
    assert (found.calls.rows, found.outcomes.rows, found.breaches) == (0, 0, [])
    assert found.calls.head == ledger.GENESIS


def test_a_thousand_settled_calls_stand_and_each_crime_is_named(
    session: Session, market: Market, model_id: int
) -> None:
    calls = write(session, market, model_id, SETTLED)
    settle(session, calls)
    whole = ledger.verify(session)
    assert (whole.calls.rows, whole.outcomes.rows, whole.breaches) == (SETTLED, SETTLED, [])
    flipped, deleted, late = calls[200], calls[400].id, calls[600]
    with tampering(session):
        session.execute(text("UPDATE predictions SET confidence = 0.5000001 WHERE id = :id"), {"id": flipped.id})
        (breach,) = ledger.verify(session).breaches
        assert (breach.kind, breach.id, breach.seq) == ("changed", flipped.id, 201)
        assert f"call {flipped.id} (row 201 of predictions) was changed" == breach.sentence
    with tampering(session):
        session.execute(text("DELETE FROM predictions WHERE id = :id"), {"id": deleted})
        assert ("predictions", "missing", 401) in kinds(session)
        assert ("prediction_outcomes", "late", 401) in kinds(session)
    with tampering(session):
        session.execute(text("ALTER TABLE predictions DROP CONSTRAINT ck_predictions_before_outcome"))
        moved = late.due_at + timedelta(hours=1)
        session.execute(text("UPDATE predictions SET made_at = :at WHERE id = :id"), {"at": moved, "id": late.id})
        assert {("predictions", "changed", 601), ("predictions", "late", 601)} <= set(kinds(session))
    assert kinds(session) == []


def test_rows_cut_off_the_end_are_missed(session: Session, market: Market, model_id: int) -> None:
    settle(session, write(session, market, model_id, 6))
    with tampering(session):
        session.execute(text("DELETE FROM prediction_outcomes WHERE seq > 4"))
        session.execute(text("DELETE FROM predictions WHERE seq > 4"))
        gone = [(table, "missing", seq) for table in ("predictions", "prediction_outcomes") for seq in (5, 6)]
        assert kinds(session) == gone


def test_a_changed_outcome_is_named(session: Session, market: Market, model_id: int) -> None:
    calls = write(session, market, model_id, 3)
    settle(session, calls)
    with tampering(session):
        session.execute(text("UPDATE prediction_outcomes SET outcome = 'neutral' WHERE seq = 2"))
        (breach,) = ledger.verify(session).breaches
        assert (breach.table, breach.kind, breach.id) == ("prediction_outcomes", "changed", calls[1].id)


def test_a_change_with_its_hash_computed_anew_breaks_the_chain(session: Session, market: Market, model_id: int) -> None:
    calls = write(session, market, model_id, 4)
    with tampering(session):
        calls[1].p_bullish, calls[1].p_bearish = calls[1].p_bearish, calls[1].p_bullish
        head = ledger.verify(session).calls.head
        seal(session, calls[1])
        assert ("predictions", "inserted", 3) in kinds(session)
        assert head != calls[1].hash


def test_a_row_written_past_the_triggers_is_named(session: Session, market: Market, model_id: int) -> None:
    calls = write(session, market, model_id, 3)
    with tampering(session):
        session.execute(
            text("UPDATE predictions SET seq = 4, open_time = open_time - interval '9 hours' WHERE id = :id"),
            {"id": calls[2].id},
        )
        found = kinds(session)
        assert ("predictions", "missing", 3) in found
        assert ("predictions", "changed", 4) in found
        assert ("predictions", "not_noted", 4) in found


def test_a_late_row_whose_hash_is_right_is_named(session: Session, market: Market, model_id: int) -> None:
    """Somebody drops the constraint, or gives other times, and seals the row as the trigger would."""
    calls = write(session, market, model_id, 3)
    with tampering(session):
        calls[2].outcome_from = calls[2].made_at = calls[2].due_at
        calls[2].outcome_from += timedelta(hours=9)
        seal(session, calls[2])
        (breach,) = ledger.verify(session).breaches
        assert (breach.kind, breach.id) == ("late", calls[2].id)
        assert "do not follow from its candle" in breach.sentence
    with tampering(session):
        calls[2].made_at = calls[0].made_at - timedelta(seconds=1)
        calls[2].closed_at = calls[2].made_at
        seal(session, calls[2])
        assert kinds(session) == [("predictions", "late", 3)]


def test_a_stamp_older_than_the_row_before_is_named(session: Session, market: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=market.id, open_ms=START_MS + 5 * HOUR)
    past_call(session, model_id=model_id, market_id=market.id, open_ms=START_MS)
    (breach,) = ledger.verify(session).breaches
    assert breach.sentence.endswith("was stamped before the row it follows")


def test_the_database_chains_what_it_is_given(session: Session, market: Market, model_id: int) -> None:
    session.commit()
    values = live(session, market.id, model_id)
    forged = {"seq": 77, "prev_hash": "x", "hash": "y", "made_at": from_ms(0)}
    assert predictions.write(session, values | forged)
    assert not predictions.write(session, values)
    found = ledger.verify(session)
    assert (found.calls.rows, found.breaches) == (1, [])
    row = session.scalars(select(Prediction)).one()
    assert (row.seq, row.prev_hash, row.hash) == (1, ledger.GENESIS, found.calls.head)


def test_writers_at_one_time_form_one_chain(database: Engine, session: Session, market: Market, model_id: int) -> None:
    others = [
        markets.get_or_create(session, market_name.parse(f"demo:X{k}/USDT"), simulated=True).id for k in range(24)
    ]
    session.commit()
    values = live(session, market.id, model_id)
    faults: list[Exception] = []

    def work(mine: list[int]) -> None:
        try:
            for number in mine:
                with Session(database) as own, own.begin():
                    assert predictions.write(own, values | {"market_id": number})
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(others[k::4],)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    found = ledger.verify(session)
    assert (found.calls.rows, found.breaches) == (24, [])


def test_a_writer_that_gives_up_leaves_no_hole(session: Session, market: Market, model_id: int) -> None:
    session.commit()
    values = live(session, market.id, model_id)
    assert predictions.write(session, values)
    session.rollback()
    assert predictions.write(session, values)
    assert ledger.verify(session).breaches == []


def test_awkward_numbers_hash_alike_here_and_in_the_database(session: Session, market: Market, model_id: int) -> None:
    session.commit()
    numbers = {"close": 1e-300, "sigma": 0.1 + 0.2, "upper_factor": 1e17, "lower_factor": -0.0}
    assert predictions.write(session, live(session, market.id, model_id) | numbers)
    assert ledger.verify(session).breaches == []


def test_outcomes_are_chained_in_the_order_they_were_written(session: Session, market: Market, model_id: int) -> None:
    calls = write(session, market, model_id, 5)
    settle(session, calls[3:])
    settle(session, calls[:3])
    rows = list(session.scalars(select(PredictionOutcome).order_by(PredictionOutcome.seq)))
    assert [r.prediction_id for r in rows] == [c.id for c in [*calls[3:], *calls[:3]]]
    assert [r.prev_hash for r in rows] == [ledger.GENESIS, *[r.hash for r in rows[:-1]]]
    assert ledger.verify(session).breaches == []


def test_calls_of_both_forms_stand_in_one_chain_and_none_can_be_recast(
    session: Session, market: Market, model_id: int
) -> None:
    """Calls from before sets and novelty keep their hash; of those from now on it covers these too."""
    (old,) = write(session, market, model_id, 1)
    values = now_instead(old)
    doubts = {"conformal_set": "neutral,bullish", "novelty": 1.25, "abstained": True, "abstain_reason": "novel"}
    assert predictions.write(session, values | doubts | {"form": 1})
    new = session.scalars(select(Prediction).order_by(Prediction.id.desc()).limit(1)).one()
    assert (old.form, new.form, new.prev_hash) == (1, 2, old.hash)
    assert kinds(session) == []
    for crime in ("novelty = 0.5", "conformal_set = 'bullish'", "abstained = false, abstain_reason = NULL", "form = 1"):
        with tampering(session):
            session.execute(text(f"UPDATE predictions SET {crime} WHERE id = :id"), {"id": new.id})
            assert ("predictions", "changed", 2) in kinds(session), crime
    with tampering(session):
        session.execute(text("UPDATE predictions SET form = 2 WHERE id = :id"), {"id": old.id})
        assert ("predictions", "changed", 1) in kinds(session)


def test_outcomes_later_than_two_bars_are_noticed_and_break_nothing(
    session: Session, market: Market, model_id: int
) -> None:
    calls = write(session, market, model_id, 4)
    settle(session, calls)
    with tampering(session):
        for n, (call, hours) in enumerate(zip(calls, (0, 2, 3, 50), strict=True), start=1):
            told = {"at": call.due_at + timedelta(hours=hours), "n": n}
            session.execute(text("UPDATE prediction_outcomes SET settled_at = :at WHERE seq = :n"), told)
        found = ledger.verify(session).outcomes
        assert (found.slow, [notice.id for notice in found.notices]) == (2, [calls[2].id, calls[3].id])
        assert {notice.kind for notice in found.notices} == {"slow"}
        assert found.notices[1].sentence.endswith("was settled 2 d 2 h after its horizon, later than 2 bars")
        assert all(breach.kind == "changed" for breach in found.breaches)  # the stamp is under the hash
    kept = ledger.verify(session)  # calls of years ago, settled by this test now
    assert (kept.outcomes.slow, kept.breaches) == (4, [])


def test_calls_are_unsettled_when_their_horizon_was_over_two_bars_ago(
    session: Session, market: Market, model_id: int
) -> None:
    calls = write(session, market, model_id, 3)
    settle(session, calls[1:2])
    due = calls[0].due_at
    assert ledger.unsettled(session, now=due + timedelta(hours=2)) == []
    late = ledger.unsettled(session, now=due + timedelta(hours=5))
    assert [(call.id, call.seq) for call in late] == [(calls[0].id, 1), (calls[2].id, 3)]
