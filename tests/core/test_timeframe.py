"""Timeframes: a grid in UTC whose weeks open on Monday."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import timeframe
from core.clock import from_ms, to_ms
from core.errors import Refused
from core.timeframe import TIMEFRAMES

MOMENTS = st.integers(0, 4_000_000_000_000)


def at(*parts: int) -> int:
    return to_ms(datetime(*parts, tzinfo=UTC))  # type: ignore[misc]


@given(MOMENTS, st.sampled_from(list(TIMEFRAMES.values())))
def test_floor_is_on_the_grid_and_holds_the_moment(ms: int, frame: timeframe.Timeframe) -> None:
    opened = frame.floor(ms)
    assert frame.on_grid(opened)
    assert opened <= ms < opened + frame.ms


@given(MOMENTS, st.sampled_from(list(TIMEFRAMES.values())))
def test_the_last_closed_candle_has_closed_and_the_next_has_not(now: int, frame: timeframe.Timeframe) -> None:
    opened = frame.last_closed(now)
    assert opened + frame.ms <= now < opened + 2 * frame.ms


def test_weeks_open_on_monday() -> None:
    week = TIMEFRAMES["1w"]
    assert week.floor(at(2021, 12, 31, 12)) == at(2021, 12, 27)
    assert from_ms(week.floor(at(1999, 1, 1))).weekday() == 0


def test_days_open_at_midnight_utc() -> None:
    assert TIMEFRAMES["1d"].floor(at(2024, 2, 29, 23, 59)) == at(2024, 2, 29)


def test_shorter_timeframes_divide_longer_ones() -> None:
    assert TIMEFRAMES["15m"].divides(TIMEFRAMES["1h"])
    assert TIMEFRAMES["1d"].divides(TIMEFRAMES["1w"])
    assert not TIMEFRAMES["4h"].divides(TIMEFRAMES["1h"])


def test_an_unknown_timeframe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match="1m, 5m, 15m, 1h, 4h, 1d, 1w"):
        timeframe.parse("2h")


def test_a_timeframe_is_written_by_its_name() -> None:
    assert str(timeframe.parse("15m")) == "15m"
