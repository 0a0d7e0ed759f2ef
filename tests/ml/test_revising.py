"""An outcome stays as it was written; candles under it that were revised later are marked, counted and told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms
from core.ohlcv import Candles
from core.timeframe import parse
from dashapp.api.predictions import Call
from db.queries import candles, ledger, markets, outcome_revisions, predictions
from db.queries.outcome_revisions import Revised
from db.tables import CandleRevision, OutcomeRevision, PredictionOutcome
from ml import revising, settling
from tests.candles import START_MS
from tests.ml import versions
from tests.ml.ledger import past_call

HOUR, MINUTE = parse("1h").ms, parse("1m").ms
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
CALLED = 10  # bar the call is made on; bars 11 to 13 decide, barriers lie at 98 and 102


def flat(n: int, step: int = HOUR, start: int = START_MS) -> Candles:
    """`n` candles that go from 100 to 100, never past 101 or 99."""
    time = np.arange(start, start + n * step, step, dtype=np.int64)
    return Candles(time, *(np.full(n, value) for value in (100.0, 101.0, 99.0, 100.0, 1.0)))


def with_high(series: Candles, bar: int, high: float, low: float = 99.0) -> Candles:
    highs, lows = series.high.copy(), series.low.copy()
    highs[bar], lows[bar] = high, low
    return replace(series, high=highs, low=lows)


@pytest.fixture
def market_id(session: Session) -> int:
    found = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
    candles.upsert(session, found.id, "1h", flat(60))
    return found.id


@pytest.fixture
def model_id(session: Session, tmp_path: Path) -> int:
    return versions.publish(session, tmp_path, CARD, ASKED).id


def called(session: Session, model_id: int, market_id: int, *, settled: bool = True) -> int:
    call = past_call(session, model_id=model_id, market_id=market_id, open_ms=START_MS + CALLED * HOUR)
    if settled:
        settle(session)
    return call.id


def settle(session: Session) -> None:
    assert settling.settle_due(session, now=from_ms(START_MS + 60 * HOUR)) == 1


def revise(session: Session, market_id: int, series: Candles, timeframe: str = "1h") -> int:
    """The exchange tells other candles; stamped after what was settled, as in a transaction of its own."""
    before = session.execute(text("SELECT count(*) FROM candle_revisions")).scalar_one()
    candles.upsert(session, market_id, timeframe, series, source="demo")
    session.execute(text("UPDATE candle_revisions SET at = clock_timestamp() WHERE NOT weighed"))
    return int(session.execute(text("SELECT count(*) FROM candle_revisions")).scalar_one()) - before


def marks(session: Session) -> list[OutcomeRevision]:
    session.expire_all()
    return list(session.scalars(select(OutcomeRevision).order_by(OutcomeRevision.revision_id)))


@pytest.mark.parametrize(("bar", "rests"), [(10, False), (11, True), (13, True), (14, False)])
def test_a_call_rests_on_the_bars_after_its_own_up_to_the_one_that_decided(
    session: Session, model_id: int, market_id: int, bar: int, rests: bool
) -> None:
    call = called(session, model_id, market_id)
    assert revise(session, market_id, with_high(flat(60), bar, 101.5)) == 1
    assert revising.mark(session) == rests
    assert [(m.prediction_id, m.outcome, m.differs) for m in marks(session)] == [(call, "neutral", False)] * rests
    assert session.scalars(select(CandleRevision.weighed)).one()
    assert revising.mark(session) == 0


def test_bars_after_the_one_that_decided_do_not_count(session: Session, model_id: int, market_id: int) -> None:
    candles.upsert(session, market_id, "1h", with_high(flat(60), 11, 103.0))
    called(session, model_id, market_id)
    revise(session, market_id, with_high(with_high(flat(60), 11, 103.0), 12, 101.5))
    assert revising.mark(session) == 0


def test_the_outcome_stays_and_what_it_would_be_stands_beside_it(
    session: Session, model_id: int, market_id: int
) -> None:
    call = called(session, model_id, market_id)
    assert revise(session, market_id, with_high(flat(60), 12, 102.5)) == 1
    assert revising.mark(session) == 1
    (mark,) = marks(session)
    assert (mark.outcome, mark.differs, mark.t1) == ("bullish", True, from_ms(START_MS + 12 * HOUR))
    assert mark.log_return == pytest.approx(0.0198, abs=1e-4)
    assert session.scalars(select(PredictionOutcome.outcome)).one() == "neutral"
    assert ledger.verify(session).breaches == []
    assert outcome_revisions.counts(session) == {(model_id, market_id): Revised(1, 1)}
    total, (notice,) = outcome_revisions.notices(session)
    assert (total, notice.kind, notice.id) == (Revised(1, 1), "revised", call)
    told = "rests on candles revised later (1 revision); it would be bullish now, not neutral"
    assert notice.sentence.endswith(told)


def test_the_newest_mark_counts_and_each_candle_leaves_one(session: Session, model_id: int, market_id: int) -> None:
    call = called(session, model_id, market_id)
    revise(session, market_id, with_high(flat(60), 12, 102.5))
    assert revising.mark(session) == 1
    assert revise(session, market_id, with_high(flat(60), 13, 101.5)) == 2  # bar 12 comes back as it was
    assert revising.mark(session) == 2
    assert [m.differs for m in marks(session)] == [True, False, False]
    assert outcome_revisions.counts(session) == {(model_id, market_id): Revised(1, 0)}
    row = predictions.get(session, call)
    assert (row.revisions, row.outcome_now, row.differs) == (3, "neutral", False)
    assert outcome_revisions.notices(session)[1][0].sentence.endswith("(3 revisions); it would be the same")


def test_an_outcome_settled_after_the_revision_is_not_marked(session: Session, model_id: int, market_id: int) -> None:
    call = called(session, model_id, market_id, settled=False)
    revise(session, market_id, with_high(flat(60), 12, 102.5))
    settle(session)
    assert revising.mark(session) == 0
    row = predictions.get(session, call)
    assert (row.outcome, row.revisions, row.outcome_now) == ("bullish", 0, None)


def test_an_outcome_written_while_the_candle_was_revised_is_marked_where_it_would_be_another(
    session: Session, model_id: int, market_id: int
) -> None:
    """The settling job read the old candle; the revision is stamped a moment before the outcome."""
    called(session, model_id, market_id)
    revise(session, market_id, with_high(with_high(flat(60), 12, 102.5), 11, 101.5))
    earlier = "(SELECT settled_at - interval '1 second' FROM prediction_outcomes)"
    session.execute(text(f"UPDATE candle_revisions SET at = {earlier}"))
    assert revising.mark(session) == 2
    assert {m.outcome for m in marks(session)} == {"bullish"}


def test_candles_an_hour_is_made_of_count_when_no_hours_are_stored(session: Session, model_id: int) -> None:
    found = markets.get_or_create(session, market_name.parse("demo:ETH/USDT"), simulated=True)
    minutes = flat(60 * 20, MINUTE)
    candles.upsert(session, found.id, "1m", minutes)
    called(session, model_id, found.id)
    revise(session, found.id, with_high(minutes, 60 * 12 + 7, 102.5), "1m")
    assert revising.mark(session) == 1
    assert marks(session)[0].differs


def test_minutes_count_where_they_say_which_barrier_came_first(session: Session, model_id: int, market_id: int) -> None:
    candles.upsert(session, market_id, "1h", with_high(flat(60), 12, 103.0, 97.0))
    inside = flat(180, MINUTE, START_MS + 11 * HOUR)
    up_first = with_high(with_high(inside, 70, 102.5), 80, 101.0, 97.5)
    candles.upsert(session, market_id, "1m", up_first)
    called(session, model_id, market_id)
    revise(session, market_id, with_high(up_first, 20, 101.5), "1m")  # in bar 11, which touches nothing
    assert revising.mark(session) == 0
    down_first = with_high(with_high(inside, 80, 102.5), 70, 101.0, 97.5)
    assert revise(session, market_id, down_first, "1m") == 3
    assert revising.mark(session) == 2
    assert {(m.outcome, m.differs) for m in marks(session)} == {("bearish", True)}


def test_where_no_candles_are_left_nothing_tells(session: Session, model_id: int, market_id: int) -> None:
    call = called(session, model_id, market_id)
    revise(session, market_id, with_high(flat(60), 12, 102.5))
    hole = from_ms(START_MS + 11 * HOUR)
    session.execute(text("DELETE FROM candles WHERE open_time = :at"), {"at": hole})
    assert revising.mark(session) == 1
    assert (marks(session)[0].outcome, marks(session)[0].differs) == (None, False)
    assert outcome_revisions.notices(session)[1][0].sentence.endswith("what is stored now tells no outcome")
    revised = Call.of(predictions.get(session, call)).revised
    assert revised is not None and (revised.revisions, revised.outcome, revised.differs) == (1, None, False)


@pytest.mark.parametrize("crime", ["UPDATE {} SET differs = true", "DELETE FROM {}", "TRUNCATE {}"])
def test_marks_cannot_be_changed(session: Session, model_id: int, market_id: int, crime: str) -> None:
    called(session, model_id, market_id)
    revise(session, market_id, with_high(flat(60), 12, 101.5))
    assert revising.mark(session) == 1
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(crime.format("outcome_revisions")))


def test_a_call_says_in_words_what_became_of_its_candles(session: Session, model_id: int, market_id: int) -> None:
    call = called(session, model_id, market_id)
    assert predictions.get(session, call).revised_words == ""
    revise(session, market_id, with_high(flat(60), 12, 101.5))
    revising.mark(session)
    assert predictions.get(session, call).revised_words == "candles revised later"
    revise(session, market_id, with_high(flat(60), 12, 102.5))
    revising.mark(session)
    assert predictions.get(session, call).revised_words == "candles revised later, bullish now"
