"""The candle frame: aggregates are true, gaps are found, nothing is invented."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core import ohlcv
from core.timeframe import TIMEFRAMES
from tests.candles import START_MS, same, walk

HOUR, DAY = TIMEFRAMES["1h"].ms, TIMEFRAMES["1d"].ms


def test_rows_are_sorted_by_time() -> None:
    candles = ohlcv.from_rows([[2 * HOUR, 1, 3, 1, 2, 5], [HOUR, 1, 2, 1, 2, 4]])
    assert candles.time.tolist() == [HOUR, 2 * HOUR]
    assert candles.volume.tolist() == [4, 5]
    assert candles.time.dtype == np.int64


def test_no_rows_are_no_candles() -> None:
    assert len(ohlcv.from_rows([])) == 0
    assert len(ohlcv.aggregate(ohlcv.empty(), DAY)) == 0


def test_a_slice_keeps_all_columns_together() -> None:
    candles = walk(10)
    part = candles[3:5]
    assert [len(column) for column in part.columns()] == [2] * 6
    assert part.close.tolist() == candles.close[3:5].tolist()


def test_gaps_tell_where_and_how_many() -> None:
    time = np.array([0, 1, 4, 5, 7]) * HOUR
    assert ohlcv.gaps(time, HOUR) == [(2 * HOUR, 2), (6 * HOUR, 1)]
    assert ohlcv.gaps(time[:2], HOUR) == []
    assert ohlcv.gaps(time[:0], HOUR) == []


def test_aggregates_are_first_highest_lowest_last_and_sum() -> None:
    candles = walk(48)
    days = ohlcv.aggregate(candles, DAY)
    assert days.time.tolist() == [START_MS, START_MS + DAY]
    assert days.open[0] == candles.open[0]
    assert days.close[1] == candles.close[47]
    assert days.high[0] == candles.high[:24].max()
    assert days.low[1] == candles.low[24:].min()
    assert np.isclose(days.volume[0], candles.volume[:24].sum())


def test_a_bin_without_candles_gives_no_bar() -> None:
    candles = walk(72)
    holed = candles[np.r_[0:24, 48:72]]
    assert ohlcv.aggregate(holed, DAY).time.tolist() == [START_MS, START_MS + 2 * DAY]


def test_weeks_begin_on_monday() -> None:
    week = TIMEFRAMES["1w"]
    weeks = ohlcv.aggregate(walk(14, "1d"), week.ms, week.offset_ms)
    assert weeks.time.tolist() == [START_MS, START_MS + week.ms]


@given(st.integers(1, 200), st.integers(0, 2**31), st.sampled_from([2, 3, 4]), st.sampled_from([2, 5]))
def test_aggregates_of_aggregates_are_aggregates(n: int, seed: int, small: int, factor: int) -> None:
    candles = walk(n, seed=seed)
    at_once = ohlcv.aggregate(candles, small * factor * HOUR)
    in_steps = ohlcv.aggregate(ohlcv.aggregate(candles, small * HOUR), small * factor * HOUR)
    for name in ("time", "open", "high", "low", "close"):
        assert np.array_equal(getattr(at_once, name), getattr(in_steps, name))
    assert np.allclose(at_once.volume, in_steps.volume, rtol=1e-12)


def test_aggregating_to_the_same_length_changes_nothing() -> None:
    assert same(ohlcv.aggregate(walk(30), HOUR), walk(30))
