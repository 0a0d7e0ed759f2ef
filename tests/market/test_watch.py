"""A watch-list's figures from a real database: right, and read in a handful of queries however many markets."""

import numpy as np
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from core.ohlcv import Candles
from market import watch
from market.summary import DAY_MS, HOUR_MS, WEEK_MS, Point
from tests.candle_data import START_MS, store, walk

MINUTE = 60_000
END = START_MS + 400 * HOUR_MS


def minutes(n: int, end: int = END) -> Candles:
    return walk(n, start_ms=end - n * MINUTE, timeframe="1m", seed=3)


def test_figures_are_those_of_the_candles(session: Session) -> None:
    hours, fine = walk(400), minutes(3_000)
    market = store(session, "binance:BTC/USDT", hours)
    store(session, "binance:BTC/USDT", fine, timeframe="1m")
    (row,) = watch.read(session, [market.id], now_ms=END + 30_000)
    told = row.figures
    assert told is not None
    assert (row.timeframe, told.last, told.stale) == ("1m", Point(END, float(fine.close[-1])), False)
    assert told.past["hour"] == fine.close[-61]
    assert told.past["day"] == fine.close[-1_441]
    assert told.past["week"] == hours.close[-1 - 168]  # minutes do not reach back so far
    assert told.changes["day"] == fine.close[-1] / fine.close[-1_441] - 1
    assert told.volume == pytest.approx(float((hours.close[-24:] * hours.volume[-24:]).sum()))


def test_a_newer_tick_is_the_last_price_and_moves_the_windows(session: Session) -> None:
    fine = minutes(3_000)
    market = store(session, "binance:BTC/USDT", fine, timeframe="1m")
    tick = Point(END + 30_000, 31_234.5)
    (row,) = watch.read(session, [market.id], now_ms=END + 31_000, ticks={"binance:BTC/USDT": tick})
    assert row.figures is not None
    assert row.figures.last == tick
    assert row.figures.changes["hour"] == pytest.approx(31_234.5 / fine.close[-61] - 1)


def test_a_hole_a_day_ago_is_no_figure(session: Session) -> None:
    hours = walk(400)
    ago = END - HOUR_MS - DAY_MS
    market = store(session, "binance:BTC/USDT", hours[(hours.time < ago - 2 * HOUR_MS) | (hours.time > ago)])
    (row,) = watch.read(session, [market.id], now_ms=END)
    assert row.figures is not None
    assert row.figures.changes["day"] is None
    assert row.figures.changes["week"] is not None
    assert None in row.figures.spark


def test_a_market_without_candles_has_no_figures_and_an_unknown_one_is_left_out(session: Session) -> None:
    market = store(session, "binance:NEW/USDT", walk(0))
    (row,) = watch.read(session, [10**6, market.id], now_ms=END)
    assert (row.market.id, row.figures) == (market.id, None)
    assert watch.read(session, [], now_ms=END) == []


def test_an_ended_series_keeps_its_last_price_and_nothing_else(session: Session) -> None:
    market = store(session, "binance:BTC/USDT", walk(400))
    (row,) = watch.read(session, [market.id], now_ms=END + 9 * WEEK_MS)
    assert row.figures is not None
    assert row.figures.stale
    assert set(row.figures.changes.values()) == {None}


def test_many_markets_cost_as_many_queries_as_one(database: Engine, session: Session) -> None:
    made = walk(200)
    ids = [store(session, f"demo:C{k}/USDT", made[:: (k % 2) + 1], simulated=True).id for k in range(12)]
    asked: list[str] = []

    def note(*given: object) -> None:
        asked.append(str(given[2]))

    event.listen(database, "before_cursor_execute", note)
    try:
        rows = watch.read(session, ids[::-1], now_ms=END)
        many = len(asked)
        watch.read(session, ids[:1], now_ms=END)
    finally:
        event.remove(database, "before_cursor_execute", note)
    assert [row.market.id for row in rows] == ids[::-1]
    assert len(asked) - many == many
    assert many <= 5
    assert all(np.isfinite(row.figures.last.price) for row in rows if row.figures)
