"""The pyramid: always what the stored candles come to, however and in which order they came."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

import db.queries.candles as stored
import db.queries.coarse_candles as coarse
import db.queries.markets as markets
from core import market_name, ohlcv
from core.ohlcv import Candles
from core.timeframe import MINUTE_MS, TIMEFRAMES, offset_of
from db.tables import CoarseCandle, Series
from tests.candles import START_MS, alike, same, walk

WEEK = TIMEFRAMES["1w"].ms
MINUTES = walk(3 * 1_440, "1m", start_ms=START_MS - 1_000 * MINUTE_MS)  # over a Sunday's midnight into the week


@pytest.fixture
def market(session: Session) -> int:
    return make(session)


def make(session: Session, name: str = "binance:BTC/USDT") -> int:
    return markets.get_or_create(session, market_name.parse(name)).id


def pyramid(session: Session, market_id: int, timeframe: str = "1m") -> dict[int, Candles]:
    return {step: coarse.read(session, market_id, timeframe, step) for step in coarse.levels(TIMEFRAMES[timeframe])}


def check(session: Session, market_id: int, timeframe: str = "1m") -> None:
    """Every level holds what the stored candles come to, and counts them."""
    candles = stored.read(session, market_id, timeframe)
    for step, bars in pyramid(session, market_id, timeframe).items():
        assert alike(bars, ohlcv.aggregate(candles, step, offset_of(step))), step
        counted = session.scalars(
            select(CoarseCandle.candles)
            .where(CoarseCandle.market_id == market_id, CoarseCandle.timeframe == timeframe)
            .where(CoarseCandle.step == step // MINUTE_MS)
        ).all()
        assert sum(counted) == len(candles), step


def test_levels_nest_and_are_multiples_of_the_series() -> None:
    assert [step // MINUTE_MS for step in coarse.levels(TIMEFRAMES["1m"])] == [5, 15, 60, 240, 1_440, 10_080, 40_320]
    assert [step // MINUTE_MS for step in coarse.levels(TIMEFRAMES["4h"])] == [1_440, 10_080, 40_320]
    assert coarse.levels(TIMEFRAMES["1w"]) == [4 * WEEK]
    for below, above in pairwise(coarse.LEVELS):
        assert above % below == 0
        assert (offset_of(above) - offset_of(below)) % below == 0


@pytest.mark.parametrize(
    ("timeframe", "step", "level"),
    [("1m", 1, None), ("1m", 2, None), ("1m", 10, 5), ("1m", 480, 240), ("1h", 2_880, 1_440), ("1d", 20_160, 10_080)],
)
def test_a_bar_is_made_of_the_longest_level_that_divides_it(timeframe: str, step: int, level: int | None) -> None:
    found = coarse.level_for(TIMEFRAMES[timeframe], step * MINUTE_MS)
    assert found == (None if level is None else level * MINUTE_MS)


@pytest.mark.parametrize("timeframe", list(TIMEFRAMES))
def test_every_level_holds_what_the_candles_come_to(session: Session, market: int, timeframe: str) -> None:
    stored.upsert(session, market, timeframe, walk(3_000, timeframe, start_ms=START_MS + 3 * WEEK))
    check(session, market, timeframe)


def test_one_candle_after_the_other_comes_to_the_same_as_all_at_once(session: Session, market: int) -> None:
    part = MINUTES[950:1_060]  # over midnight, and over the week's end
    for k in range(len(part)):
        stored.upsert(session, market, "1m", part[k : k + 1])
    other = make(session, "kraken:BTC/USDT")
    stored.upsert(session, other, "1m", part)
    for one, two in zip(pyramid(session, market).values(), pyramid(session, other).values(), strict=True):
        assert same(one, two)
    check(session, market)


def test_late_candles_and_gaps_are_in_it(session: Session, market: int) -> None:
    for part in (np.r_[0:400, 900:1_400], np.r_[2_000:4_320], np.r_[500:503], np.r_[400:500, 503:900]):
        stored.upsert(session, market, "1m", MINUTES[part])
        check(session, market)


def test_a_revised_candle_changes_the_bars_that_hold_it_and_no_others(session: Session, market: int) -> None:
    stored.upsert(session, market, "1m", MINUTES)
    places = "SELECT step, open_time, ctid::text FROM coarse_candles WHERE market_id = :m"
    before = {(step, at): place for step, at, place in session.execute(text(places), {"m": market})}
    revised = replace(MINUTES[1_500:1_501], high=MINUTES.high[1_500:1_501] * 3)
    stored.upsert(session, market, "1m", revised)
    after = {(step, at): place for step, at, place in session.execute(text(places), {"m": market})}
    changed = sorted(step for (step, at), place in after.items() if before[step, at] != place)
    assert changed == [5, 15, 60, 240, 1_440, 10_080, 40_320]
    check(session, market)


def test_a_revision_among_many_equal_candles_is_seen(session: Session, market: int) -> None:
    stored.upsert(session, market, "1m", MINUTES)
    low = MINUTES.low.copy()
    low[2_222] /= 2
    stored.upsert(session, market, "1m", replace(MINUTES, low=low))
    check(session, market)


def test_equal_candles_leave_it_alone(session: Session, market: int) -> None:
    stored.upsert(session, market, "1m", MINUTES)
    places = "SELECT array_agg(ctid::text ORDER BY step, open_time) FROM coarse_candles"
    before = session.execute(text(places)).scalar_one()
    stored.upsert(session, market, "1m", MINUTES)
    assert session.execute(text(places)).scalar_one() == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 700), st.integers(1, 9)), min_size=1, max_size=5))
def test_any_order_of_spans_comes_to_the_same(database: Engine, spans: list[tuple[int, int, int]]) -> None:
    with Session(database) as session:
        market = make(session)
        for first, length, every in spans:
            stored.upsert(session, market, "1m", MINUTES[first : first + length : every])
        check(session, market)
        session.rollback()


def test_each_series_has_its_own(session: Session, market: int) -> None:
    stored.upsert(session, market, "1m", MINUTES)
    stored.upsert(session, market, "1h", walk(200, "1h", seed=5))
    check(session, market, "1m")
    check(session, market, "1h")


def test_it_goes_with_its_series(session: Session, market: int) -> None:
    stored.upsert(session, market, "1m", MINUTES)
    stored.upsert(session, market, "1h", walk(200))
    session.delete(session.get(Series, (market, "1m")))
    session.flush()
    left = set(session.scalars(select(CoarseCandle.timeframe)))
    assert left == {"1h"}


def test_it_stands_or_falls_with_the_transaction(database: Engine) -> None:
    with Session(database) as session:
        stored.upsert(session, make(session), "1m", MINUTES)
        session.rollback()
        assert session.execute(text("SELECT count(*) FROM coarse_candles")).scalar_one() == 0


def test_a_series_of_before_is_built_once(session: Session, market: int) -> None:
    stored.upsert(session, market, "1m", MINUTES[:3_000])
    stored.upsert(session, market, "1h", walk(50))
    session.execute(text("DELETE FROM coarse_candles"))
    session.execute(text("UPDATE series SET pyramid = false"))
    stored.upsert(session, market, "1m", MINUTES[3_000:])  # nothing is kept before it is whole
    assert session.execute(text("SELECT count(*) FROM coarse_candles")).scalar_one() == 0
    assert coarse.missing(session) == [(market, "1h", 50), (market, "1m", len(MINUTES))]
    assert coarse.build(session, market, "1m") == len(MINUTES)
    assert coarse.missing(session) == [(market, "1h", 50)]
    check(session, market)
    assert coarse.build(session, market, "15m") == 0
