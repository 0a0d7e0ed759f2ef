"""What begins anew by the calendar: pivot points of the period before, and the VWAP of a day. Written out here, for
TA-Lib knows no times. All of it in UTC; weeks begin on Monday.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.ohlcv import Candles, Floats
from core.timeframe import MINUTE_MS, TIMEFRAMES
from market.indicators.indicator import Indicator, Output, Param, choice
from market.indicators.talib_functions import talib

DAY_MS, WEEK_MS = TIMEFRAMES["1d"].ms, TIMEFRAMES["1w"].ms
PERIODS = {"day": DAY_MS, "week": WEEK_MS, "month": 31 * DAY_MS}  # at their longest
NAMES = tuple(PERIODS)
KINDS = ("classic", "fibonacci", "camarilla")

FIBONACCI = (0.382, 0.618, 1.0)
CAMARILLA = (1.1 / 12, 1.1 / 6, 1.1 / 4)


def step_of(candles: Candles) -> int:
    """How long a bar is, in ms: the shortest step between two; a minute where there are no two."""
    steps = np.diff(candles.time)
    return max(int(steps.min()), 1) if len(steps) else MINUTE_MS


def pivots(candles: Candles, kind: int, period: int) -> tuple[Floats, ...]:
    """(P, R1, R2, R3, S1, S2, S3) of the high, low and close of the day, week or month before; constant within one.

    NaN in the first period, after one without any candle, after one whose beginning is not there, and for bars that
    are longer than the period or lie across its end.
    """
    name = NAMES[int(period)]
    if not len(candles) or not _fits(step_of(candles), name):
        return tuple(np.full(len(candles), np.nan) for _ in range(7))
    number = _numbers(candles.time, name)
    first = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    high, low = np.maximum.reduceat(candles.high, first), np.minimum.reduceat(candles.low, first)
    close = candles.close[np.append(first[1:], len(candles)) - 1]
    levels = _levels(high, low, close, KINDS[int(kind)])
    known = np.diff(number[first], prepend=number[0]) == 1
    if len(known) > 1 and candles.time[0] != _begins(candles.time[:1], name)[0]:
        known[1] = False  # the first period is not whole
    which = np.cumsum(np.diff(number, prepend=number[0]) != 0)
    return tuple(np.where(known, np.concatenate(([np.nan], level[:-1])), np.nan)[which] for level in levels)


def day_vwap(candles: Candles, deviations: float) -> tuple[Floats, ...]:
    """(upper 2σ, upper 1σ, VWAP, lower 1σ, lower 2σ; σ times `deviations`) of the bars since midnight UTC.

    The mean of typical prices weighted by volume, and the root of their weighted variance around it. NaN until
    something was traded that day, on a first day whose beginning is not there, and for bars longer than a day.
    """
    if not len(candles) or step_of(candles) > DAY_MS:
        return tuple(np.full(len(candles), np.nan) for _ in range(5))
    number = candles.time // DAY_MS
    begins = np.diff(number, prepend=number[0] - 1) != 0
    typical = talib.TYPPRICE(candles.high, candles.low, candles.close)
    with np.errstate(all="ignore"):
        mean, spread = _weighted(typical, candles.volume, np.flatnonzero(begins))
        if candles.time[0] % DAY_MS:
            mean[number == number[0]] = np.nan
        lines = [mean + share * deviations * spread for share in (2, 1, 0, -1, -2)]
    return tuple(np.where(np.isfinite(line), line, np.nan) for line in lines)


def _weighted(prices: Floats, volume: Floats, first: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Running weighted mean and deviation, begun anew at each index of `first`; NaN while the weights are 0.

    Each stretch is summed by itself, from deviations off its own first price: no digits are lost to what came before.
    """
    mean, spread = np.full(len(prices), np.nan), np.full(len(prices), np.nan)
    for start, stop in zip(first, np.append(first[1:], len(prices)), strict=True):
        off, weight = prices[start:stop] - prices[start], np.cumsum(volume[start:stop])
        some = weight > 0
        shift = np.cumsum(off * volume[start:stop])[some] / weight[some]
        square = np.cumsum(off * off * volume[start:stop])[some] / weight[some]
        mean[start:stop][some] = prices[start] + shift
        spread[start:stop][some] = np.sqrt(np.maximum(square - shift * shift, 0.0))
    return mean, spread


def _fits(step_ms: int, period: str) -> bool:
    return (step_ms <= DAY_MS and DAY_MS % step_ms == 0) or (period == "week" and step_ms == WEEK_MS)


def _numbers(time: npt.NDArray[np.int64], period: str) -> npt.NDArray[np.int64]:
    """Periods counted: equal for bars of the same one, one more for the next."""
    if period == "month":
        return time.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    frame = TIMEFRAMES["1d" if period == "day" else "1w"]
    return (time - frame.offset_ms) // frame.ms


def _begins(time: npt.NDArray[np.int64], period: str) -> npt.NDArray[np.int64]:
    """When their periods begin, in ms."""
    if period == "month":
        months: npt.NDArray[Any] = time.astype("datetime64[ms]").astype("datetime64[M]")
        return months.astype("datetime64[ms]").astype(np.int64)
    frame = TIMEFRAMES["1d" if period == "day" else "1w"]
    return time - (time - frame.offset_ms) % frame.ms


def _levels(high: Floats, low: Floats, close: Floats, kind: str) -> tuple[Floats, ...]:
    """(P, R1, R2, R3, S1, S2, S3) as TradingView's help defines them."""
    middle, wide = (high + low + close) / 3, high - low
    if kind == "classic":
        above = (2 * middle - low, middle + wide, 2 * middle + high - 2 * low)
        below = (2 * middle - high, middle - wide, 2 * middle - (2 * high - low))
        return (middle, *above, *below)
    around, shares = (middle, FIBONACCI) if kind == "fibonacci" else (close, CAMARILLA)
    return (middle, *(around + share * wide for share in shares), *(around - share * wide for share in shares))


def _two_periods(_kind: float, period: float) -> int:
    return 2 * PERIODS[NAMES[int(period)]]


def _none(*_values: float) -> int:
    return 0


ENTRIES = (
    Indicator(
        "svwap",
        "Session VWAP",
        (Param("deviations", 1.0, 0.1, 5.0),),
        "price",
        (
            Output("upper2", "Upper 2", dashed=True),
            Output("upper1", "Upper 1", "band"),
            Output("vwap", "VWAP"),
            Output("lower1", "Lower 1", "band"),
            Output("lower2", "Lower 2", dashed=True),
        ),
        day_vwap,
        "Volume-weighted mean price since midnight UTC, with bands of one and two deviations around it.",
        _none,
        _none,
        volume=True,
        back_ms=lambda _deviations: DAY_MS,
    ),
    Indicator(
        "pivots",
        "Pivot points",
        (choice("kind", *KINDS), choice("period", *NAMES)),
        "price",
        (
            Output("p", "P", "levels"),
            *(Output(f"r{n}", f"R{n}", "levels", dashed=True) for n in (1, 2, 3)),
            *(Output(f"s{n}", f"S{n}", "levels", dashed=True) for n in (1, 2, 3)),
        ),
        pivots,
        "Levels from high, low and close of the whole day, week or month before; they stand until the next one begins.",
        _none,
        _none,
        back_ms=_two_periods,
    ),
)
