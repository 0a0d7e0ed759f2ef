"""Series, newest candles and windows: true aggregates on one grid, closed candles only, never too many bars."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import db.queries.candles as stored
import db.queries.markets as markets
from core import market_name, ohlcv
from core.errors import NotFound, Refused
from core.ohlcv import Candles
from core.timeframe import TIMEFRAMES
from market import candles as market_candles
from market.indicators.catalog import parse
from market.indicators.compute import compute, warmup
from tests.candles import START_MS, alike, same, walk

HOUR, FOUR, DAY, WEEK = (TIMEFRAMES[name].ms for name in ("1h", "4h", "1d", "1w"))
HOURS = walk(2_000)


def add(session: Session, candles: Candles, timeframe: str = "1h", name: str = "binance:BTC/USDT") -> int:
    market = markets.get_or_create(session, market_name.parse(name))
    stored.upsert(session, market.id, timeframe, candles)
    return market.id


def test_every_timeframe_that_can_be_built_can_be_shown(session: Session) -> None:
    assert market_candles.timeframes(session, add(session, walk(5))) == ["1h", "4h", "1d", "1w"]
    weekly = add(session, walk(5, "1w"), "1w", "kraken:BTC/USDT")
    assert market_candles.timeframes(session, weekly) == ["1w"]


def test_a_stored_timeframe_is_read_and_another_is_built_from_the_coarsest(session: Session) -> None:
    market = add(session, walk(100))
    stored.upsert(session, market, "4h", walk(25, "4h", seed=9))
    assert same(market_candles.series(session, market, "1h"), walk(100))
    assert same(market_candles.series(session, market, "4h"), walk(25, "4h", seed=9))
    days = market_candles.series(session, market, "1d")
    assert same(days, ohlcv.aggregate(walk(24, "4h", seed=9), DAY))


def test_what_cannot_be_built_is_not_found(session: Session) -> None:
    market = add(session, walk(5))
    with pytest.raises(NotFound, match="No 5m candles of BTC/USDT"):
        market_candles.series(session, market, "5m")
    with pytest.raises(Refused, match="no timeframe"):
        market_candles.series(session, market, "2h")


def test_a_series_holds_closed_candles_only(session: Session) -> None:
    market = add(session, walk(10))
    assert len(market_candles.series(session, market, "4h")) == 2
    stored.upsert(session, market, "1h", walk(12)[10:])
    assert len(market_candles.series(session, market, "4h")) == 3


@pytest.mark.parametrize(("now", "hours", "fours"), [(12 * HOUR, 12, 3), (12 * HOUR - 1, 11, 2), (0, 0, 0)])
def test_a_series_as_of_a_moment_knows_nothing_later(session: Session, now: int, hours: int, fours: int) -> None:
    market = add(session, walk(24))
    assert len(market_candles.series(session, market, "1h", now_ms=START_MS + now)) == hours
    assert len(market_candles.series(session, market, "4h", now_ms=START_MS + now)) == fours
    assert len(market_candles.latest(session, market, "1h", 24, now_ms=START_MS + now)) == hours
    assert len(market_candles.latest(session, market, "4h", 24, now_ms=START_MS + now)) == fours


@pytest.mark.parametrize("timeframe", ["1h", "4h", "1d", "1w"])
@pytest.mark.parametrize("n", [0, 1, 3, 5_000])
def test_the_newest_candles_are_the_end_of_the_series(session: Session, timeframe: str, n: int) -> None:
    holed = HOURS[np.r_[0:300, 700:1990]]
    market = add(session, holed)
    whole = market_candles.series(session, market, timeframe)
    assert same(market_candles.latest(session, market, timeframe, n), whole[len(whole) - min(n, len(whole)) :])


def test_a_short_window_shows_the_candles_themselves(session: Session) -> None:
    market = add(session, HOURS)
    span = HOURS[100:300]
    seen = market_candles.window(session, market, "1h", start_ms=int(span.time[0]), end_ms=int(span.time[-1]))
    assert same(seen.candles, span)
    assert (seen.step_ms, seen.lead, seen.stored, seen.source) == (HOUR, 0, 2_000, "1h")
    assert (seen.first_ms, seen.last_ms) == (HOURS.time[0], HOURS.time[-1])


def test_a_long_window_shows_true_aggregates(session: Session) -> None:
    market = add(session, HOURS)
    seen = market_candles.window(session, market, "1h", max_bars=600)
    assert seen.step_ms == FOUR
    assert same(seen.candles, ohlcv.aggregate(HOURS, FOUR))


def test_the_forming_bar_is_drawn(session: Session) -> None:
    market = add(session, walk(10))
    seen = market_candles.window(session, market, "4h")
    assert seen.candles.time.tolist() == [START_MS, START_MS + FOUR, START_MS + 2 * FOUR]
    assert seen.candles.close[-1] == walk(10).close[-1]


def test_a_window_beyond_the_series_is_empty_but_knows_where_it_is(session: Session) -> None:
    market = add(session, walk(10))
    seen = market_candles.window(session, market, "1h", start_ms=START_MS + 50 * HOUR, end_ms=START_MS + 60 * HOUR)
    assert len(seen.candles) == 0
    assert seen.last_ms == START_MS + 9 * HOUR


def test_lead_bars_come_before_the_visible_ones_also_across_gaps(session: Session) -> None:
    market = add(session, HOURS[np.r_[0:300, 700:2000]])
    for timeframe, step in (("1h", HOUR), ("4h", FOUR)):
        start = int(HOURS.time[704])
        seen = market_candles.window(session, market, timeframe, start_ms=start, lead=20)
        assert seen.lead == 20
        assert seen.visible.time[0] == start
        whole = market_candles.window(session, market, timeframe, max_bars=10_000)
        assert whole.step_ms == step
        assert same(seen.candles, whole.candles[-len(seen.candles) :])


def test_there_are_no_more_lead_bars_than_history(session: Session) -> None:
    market = add(session, HOURS)
    seen = market_candles.window(session, market, "1h", start_ms=int(HOURS.time[5]), lead=100, max_bars=5_000)
    assert (seen.lead, len(seen.candles)) == (5, 2_000)


@pytest.mark.parametrize("key", ["ema:50", "rsi:14", "adx:14", "macd", "bb", "obv"])
def test_indicators_do_not_change_when_the_window_moves(session: Session, key: str) -> None:
    market, chosen = add(session, HOURS), parse(key)
    whole = compute(HOURS, chosen)
    for first in (1_200, 1_500):
        start = int(HOURS.time[first])
        seen = market_candles.window(session, market, "1h", start_ms=start, lead=warmup(chosen))
        for name, line in compute(seen.candles, chosen).items():
            np.testing.assert_allclose(line[seen.lead :], whole[name][first:], rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-50, 2_050), st.integers(0, 2_100), st.integers(1, 400), st.sampled_from(["1h", "4h", "1d"]))
def test_any_window_holds_few_enough_bars_of_the_one_grid(
    database: Engine, first: int, length: int, max_bars: int, timeframe: str
) -> None:
    with Session(database) as session:
        market = add(session, HOURS)
        start, end = START_MS + first * HOUR, START_MS + (first + length) * HOUR
        seen = market_candles.window(session, market, timeframe, start_ms=start, end_ms=end, max_bars=max_bars)
        assert len(seen.candles) <= max_bars
        grid = ohlcv.aggregate(HOURS, seen.step_ms, market_candles.offset_of(seen.step_ms))
        expected = grid[(grid.time + seen.step_ms > start) & (grid.time <= end)]
        assert alike(seen.candles, expected)
        assert seen.step_ms % TIMEFRAMES[timeframe].ms == 0
        session.rollback()


@pytest.mark.parametrize(
    ("bars", "step"), [(1_500, HOUR), (1_501, 2 * HOUR), (6_000, FOUR), (200_000, WEEK), (3_000_000, 16 * WEEK)]
)
def test_steps_are_easy_multiples(bars: int, step: int) -> None:
    end = START_MS + (bars - 1) * HOUR
    assert market_candles.choose_step(TIMEFRAMES["1h"], START_MS, end, 1_500) == step
