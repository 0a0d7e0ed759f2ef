"""Holes of series: written down once, confirmed by three answers that lie apart, filled when they vanish."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from core.clock import from_ms
from core.timeframe import TIMEFRAMES
from db.queries import gaps
from db.tables import Gap
from tests.candle_data import START_MS, store, walk

NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)
HOUR = timedelta(hours=1)
FRAME = TIMEFRAMES["1h"]
FIRST = from_ms(START_MS) + 50 * HOUR


@pytest.fixture
def market_id(session: Session) -> int:
    made = walk(300)
    cut = made[(made.time < made.time[50]) | (made.time >= made.time[57])]
    return store(session, "binance:BTC/USDT", cut, followed=True).id


def noted(session: Session, market_id: int, now: datetime = NOW) -> Gap:
    gaps.note(session, market_id, "1h", gaps.holes(session, market_id, FRAME), now=now)
    (row,) = gaps.latest(session)
    return row.gap


def test_holes_are_found_with_their_length(session: Session, market_id: int) -> None:
    assert gaps.holes(session, market_id, FRAME) == {FIRST: 7}


def test_a_hole_is_noted_once(session: Session, market_id: int) -> None:
    noted(session, market_id)
    gap = noted(session, market_id, NOW + HOUR)
    assert (gap.first_missing, gap.count, gap.state, gap.seen_at) == (FIRST, 7, "open", NOW)
    assert gaps.counts(session) == {(market_id, "1h"): (1, 0)}


def test_three_answers_half_a_minute_apart_confirm_a_hole(session: Session, market_id: int) -> None:
    gap = noted(session, market_id)
    for seconds, answers, state in (
        (0, 1, "open"),
        (10, 1, "open"),
        (30, 2, "open"),
        (59, 2, "open"),
        (60, 3, "confirmed"),
    ):
        gaps.answered(session, gap, now=NOW + timedelta(seconds=seconds))
        session.refresh(gap)
        assert (gap.answers, gap.state) == (answers, state), seconds
    assert gaps.counts(session) == {(market_id, "1h"): (0, 1)}
    assert gaps.due(session, now=NOW + HOUR, limit=10) == []


def test_a_hole_is_asked_for_again_only_half_a_minute_later(session: Session, market_id: int) -> None:
    gap = noted(session, market_id)
    assert len(gaps.due(session, now=NOW, limit=10)) == 1
    gaps.answered(session, gap, now=NOW)
    assert gaps.due(session, now=NOW + timedelta(seconds=29), limit=10) == []
    assert len(gaps.due(session, now=NOW + timedelta(seconds=30), limit=10)) == 1


@pytest.mark.parametrize(
    ("old", "passed", "due"),
    [
        (timedelta(minutes=59), timedelta(seconds=30), 1),
        (timedelta(hours=2), timedelta(seconds=30), 0),
        (timedelta(hours=2), timedelta(minutes=10), 1),
    ],
)
def test_an_old_hole_that_nothing_answers_for_is_asked_for_seldom(
    session: Session, market_id: int, old: timedelta, passed: timedelta, due: int
) -> None:
    gap = noted(session, market_id, NOW - old)
    gaps.asked(session, [gap], now=NOW)
    session.refresh(gap)
    assert (gap.asked_at, gap.answers, gap.state) == (NOW, 0, "open")
    assert len(gaps.due(session, now=NOW + passed, limit=10)) == due


def test_a_hole_that_vanished_is_filled_and_one_that_shrank_is_open_anew(session: Session, market_id: int) -> None:
    for n in range(3):
        gaps.answered(session, noted(session, market_id), now=NOW + n * gaps.APART)
    made = walk(300)
    store(session, "binance:BTC/USDT", made[50:52], followed=True)
    gaps.note(session, market_id, "1h", gaps.holes(session, market_id, FRAME), now=NOW + HOUR)
    still, filled = (row.gap for row in gaps.latest(session))
    assert (still.first_missing, still.count, still.state, still.answers) == (FIRST + 2 * HOUR, 5, "open", 0)
    assert (filled.first_missing, filled.state, filled.ended_at) == (FIRST, "filled", NOW + HOUR)
