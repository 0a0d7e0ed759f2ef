"""What is no candle is named; a wick is flagged only where nothing around it confirms it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ohlcv import Candles, Floats
from market import quality
from market.quality import Reason
from tests.candles import START_MS, walk

NOW = START_MS + 1_000 * 3_600_000
GOOD = (float(START_MS), 10.0, 12.0, 9.0, 11.0, 5.0)


def columns(*rows: tuple[float, ...]) -> tuple[Floats, ...]:
    return tuple(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))


def changed(**values: float) -> tuple[float, ...]:
    names = ("time", "open", "high", "low", "close", "volume")
    return tuple(values.get(name, good) for name, good in zip(names, GOOD, strict=True))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (changed(open=np.nan), Reason.NOT_A_NUMBER),
        (changed(high=np.inf), Reason.NOT_A_NUMBER),
        (changed(volume=np.nan), Reason.NOT_A_NUMBER),
        (changed(time=np.nan), Reason.BAD_TIME),
        (changed(time=12.0), Reason.BAD_TIME),
        (changed(time=1e17), Reason.BAD_TIME),
        (changed(low=0.0), Reason.NOT_POSITIVE),
        (changed(close=-11.0), Reason.NOT_POSITIVE),
        (changed(volume=-0.1), Reason.NEGATIVE_VOLUME),
        (changed(high=10.5), Reason.OUT_OF_ORDER),
        (changed(low=10.5), Reason.OUT_OF_ORDER),
        (changed(low=13.0), Reason.OUT_OF_ORDER),
        (changed(time=START_MS + 1.0), Reason.OFF_GRID),
        (changed(time=START_MS + 0.5), Reason.OFF_GRID),
        (changed(time=NOW + 3_600_000.0), Reason.FUTURE),
        (changed(time=float(NOW)), Reason.NOT_CLOSED),
    ],
)
def test_what_is_no_candle_is_named(row: tuple[float, ...], reason: Reason) -> None:
    good, reasons = quality.check(columns(GOOD, row, GOOD), "1h", NOW)
    assert good.tolist() == [True, False, True]
    assert reasons == {1: reason}
    assert reason.sentence


def test_flat_and_silent_candles_are_candles() -> None:
    good, reasons = quality.check(columns((START_MS, 1, 1, 1, 1, 0)), "1h", NOW)
    assert good.all()
    assert reasons == {}


def test_no_rows_are_judged_without_complaint() -> None:
    good, reasons = quality.check(tuple(np.empty(0) for _ in range(6)), "1h", NOW)
    assert len(good) == 0
    assert reasons == {}


def test_weeks_are_judged_by_their_own_grid() -> None:
    monday, thursday = changed(time=float(START_MS)), changed(time=float(START_MS + 3 * 86_400_000))
    good, _ = quality.check(columns(monday, thursday), "1w", START_MS + 40 * 86_400_000)
    assert good.tolist() == [True, False]


@given(st.lists(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True)] * 6), max_size=20))
def test_every_row_is_good_or_has_a_reason(rows: list[tuple[float, ...]]) -> None:
    given_columns = columns(*rows) if rows else tuple(np.empty(0) for _ in range(6))
    good, reasons = quality.check(given_columns, "1h", NOW)
    assert sorted(reasons) == np.nonzero(~good)[0].tolist()


def spiked(candles: Candles, at: list[int], factor: float) -> Candles:
    high, low = candles.high.copy(), candles.low.copy()
    (high if factor > 1 else low)[at] *= factor
    return replace(candles, high=high, low=low)


@pytest.mark.parametrize("factor", [3.0, 0.4])
@pytest.mark.parametrize("at", [0, 77, 199])
def test_a_lone_wick_is_flagged(factor: float, at: int) -> None:
    flags = quality.wick_flags(spiked(walk(200), [at], factor))
    assert np.nonzero(flags)[0].tolist() == [at]
    assert flags[at] == quality.WICK


def test_ordinary_candles_are_not_flagged() -> None:
    assert not quality.wick_flags(walk(5_000)).any()


def test_a_crash_that_the_next_candles_continue_is_not_flagged() -> None:
    calm, fallen = walk(100), walk(200)[100:]
    prices = (np.concatenate((getattr(calm, n), 0.3 * getattr(fallen, n))) for n in ("open", "high", "low", "close"))
    assert not quality.wick_flags(Candles(walk(200).time, *prices, walk(200).volume)).any()


def test_a_wick_confirmed_by_its_neighbour_is_not_flagged() -> None:
    assert not quality.wick_flags(spiked(walk(200), [100, 101], 3.0)).any()


def test_a_flat_market_does_not_flag_its_first_small_move() -> None:
    one = np.ones(100)
    assert not quality.wick_flags(spiked(Candles(walk(100).time, one, one, one, one, one), [50], 1.04)).any()


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_very_short_series_have_flags_too(n: int) -> None:
    assert quality.wick_flags(walk(n)).tolist() == [0] * n
