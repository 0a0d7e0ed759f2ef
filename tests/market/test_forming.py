"""Forming bars: joined from closed minutes, hours and the minute that runs, they are what whole candles would be."""

import numpy as np
import pytest

import core.ohlcv as ohlcv
from core.timeframe import MINUTE_MS, TIMEFRAMES
from market import forming
from tests.candles import walk

START = 1_714_953_600_000  # Monday 2024-05-06 00:00 UTC
HOUR = 60 * MINUTE_MS


@pytest.mark.parametrize("at", [0, 1, 59, 60, 61, 239, 240, 1_439, 1_440, 5_000])
def test_bars_equal_the_aggregates_of_all_their_minutes(at: int) -> None:
    minutes = walk(at + 1, "1m", start_ms=START)
    hours = ohlcv.aggregate(minutes[: at // 60 * 60], HOUR)
    minute = START + at * MINUTE_MS
    first_minute, first_hour = forming.spans(minute)
    assert first_hour == START
    before = forming.begun(minutes[(minutes.time >= first_minute) & (minutes.time < minute)], hours, minute)
    running = [float(column[-1]) for column in minutes.columns()]
    bars = forming.joined(before, running)
    for name, frame in TIMEFRAMES.items():
        whole = ohlcv.aggregate(minutes, frame.ms, frame.offset_ms)
        np.testing.assert_allclose(bars[name], [float(column[-1]) for column in whole.columns()], rtol=1e-12)


def test_hours_that_are_not_stored_yet_are_made_of_minutes() -> None:
    minutes = walk(90, "1m", start_ms=START)
    minute = START + 89 * MINUTE_MS
    with_hour = forming.begun(minutes, ohlcv.aggregate(minutes[:60], HOUR), minute)
    without = forming.begun(minutes, ohlcv.empty(), minute)
    for name in ("1d", "1w"):
        assert with_hour[name] == pytest.approx(without[name])


def test_with_nothing_before_it_a_bar_is_the_minute() -> None:
    minute = [float(START + 5 * MINUTE_MS), 1.0, 3.0, 0.5, 2.0, 9.0]
    bars = forming.joined({}, minute)
    assert bars["1h"] == [START, 1.0, 3.0, 0.5, 2.0, 9.0]
    assert bars["1m"][0] == minute[0]


def test_what_stands_before_another_bar_is_not_joined() -> None:
    before = forming.begun(walk(60, "1m", start_ms=START), ohlcv.empty(), START + 60 * MINUTE_MS)
    bars = forming.joined(before, [float(START + 60 * MINUTE_MS), 1.0, 3.0, 0.5, 2.0, 9.0])
    assert bars["1h"][1:] == [1.0, 3.0, 0.5, 2.0, 9.0]
    assert bars["4h"][1] == 100.0


def test_prices_alone_make_a_minute_without_volume() -> None:
    minute = forming.by_price(None, 5.0, START + 1_000)
    for price in (7.0, 4.0, 6.0):
        minute = forming.by_price(minute, price, START + 2_000)
    assert minute == [START, 5.0, 7.0, 4.0, 6.0, 0.0]
    assert forming.by_price(minute, 1.0, START - 1) == minute
    assert forming.by_price(minute, 8.0, START + MINUTE_MS) == [START + MINUTE_MS, 8.0, 8.0, 8.0, 8.0, 0.0]
