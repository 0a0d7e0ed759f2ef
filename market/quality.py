"""What makes a row a candle, and which candles hold a wick that nothing around them confirms."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from core.ohlcv import Candles, Floats
from core.timeframe import parse

Bools = npt.NDArray[np.bool_]
Flags = npt.NDArray[np.int32]

WICK = 1  # the bit of `flags`
NEIGHBOURHOOD = 49  # candles whose ranges say what is usual here: a candle with 24 on each side
WICK_RANGES = 12  # a wick counts as huge when it leaves its neighbours by this many usual ranges …
WICK_LEAST = 0.05  # … and by at least this much, as a logarithm of the price (about 5 %)
EARLIEST_MS = 100_000_000_000.0  # 1973: anything smaller is no time of a market, but a unit misread
LATEST_MS = 32_503_680_000_000.0  # the year 3000


class Reason(StrEnum):
    """Why a row is no candle; the value is the word for logs and metrics."""

    NOT_A_NUMBER = "not_a_number"
    BAD_TIME = "bad_time"
    NOT_POSITIVE = "not_positive"
    NEGATIVE_VOLUME = "negative_volume"
    OUT_OF_ORDER = "out_of_order"
    OFF_GRID = "off_grid"
    FUTURE = "future"
    NOT_CLOSED = "not_closed"
    FAR_OUT = "far_out"

    @property
    def sentence(self) -> str:
        return SENTENCES[self]


SENTENCES = {
    Reason.NOT_A_NUMBER: "a value is missing or no finite number",
    Reason.BAD_TIME: "the timestamp is no time in seconds, milliseconds or microseconds",
    Reason.NOT_POSITIVE: "a price is zero or negative",
    Reason.NEGATIVE_VOLUME: "the volume is negative",
    Reason.OUT_OF_ORDER: "open, high, low and close contradict each other",
    Reason.OFF_GRID: "the time is off the grid of the timeframe",
    Reason.FUTURE: "the time is in the future",
    Reason.NOT_CLOSED: "the candle had not closed yet",
    Reason.FAR_OUT: "a wick far outside its body, kept back until enough answers agree",
}


def check(columns: tuple[Floats, ...], timeframe: str, now_ms: int) -> tuple[Bools, dict[int, Reason]]:
    """Judge rows one by one: (mask of the good ones, the first reason of each bad one by its index).

    `columns` are time (ms UTC), open, high, low, close, volume, float64 (n,) each, NaN where something was unreadable.
    Order and duplicates are not judged here.
    """
    frame = parse(timeframe)
    time, opened, high, low, close, volume = columns
    with np.errstate(invalid="ignore"):
        faults = {
            Reason.BAD_TIME: ~((time >= EARLIEST_MS) & (time <= LATEST_MS)),
            Reason.NOT_A_NUMBER: ~np.isfinite(opened + high + low + close + volume),
            Reason.NOT_POSITIVE: np.minimum(np.minimum(opened, high), np.minimum(low, close)) <= 0,
            Reason.NEGATIVE_VOLUME: volume < 0,
            Reason.OUT_OF_ORDER: (low > np.minimum(opened, close)) | (high < np.maximum(opened, close)),
            Reason.OFF_GRID: (time - frame.offset_ms) % frame.ms != 0,
            Reason.FUTURE: time > now_ms,
            Reason.NOT_CLOSED: time + frame.ms > now_ms,
        }
    good = np.ones(len(time), dtype=np.bool_)
    reasons: dict[int, Reason] = {}
    for reason, bad in faults.items():
        for index in np.nonzero(bad & good)[0]:
            reasons[int(index)] = reason
        good &= ~bad
    return good, reasons


def wick_flags(candles: Candles) -> Flags:
    """int32 (n,): WICK where high or low leaves both neighbouring candles far behind, judged by the usual range.

    What is usual is the median of ln(high/low) over the `NEIGHBOURHOOD` around a candle. A crash that the next candle
    continues is no wick: its neighbours reach there too. A candle at an end of the series has one neighbour only.
    """
    n = len(candles)
    if n < 2:
        return np.zeros(n, dtype=np.int32)
    top, bottom = np.log(candles.high), np.log(candles.low)
    least = np.maximum(WICK_LEAST, WICK_RANGES * _rolling_median(top - bottom))
    above = top - np.maximum(*_neighbours(top, -np.inf))
    below = np.minimum(*_neighbours(bottom, np.inf)) - bottom
    return np.where(np.maximum(above, below) > least, WICK, 0).astype(np.int32)


def _neighbours(values: Floats, nothing: float) -> tuple[Floats, Floats]:
    edge = np.array([nothing])
    return np.concatenate((edge, values[:-1])), np.concatenate((values[1:], edge))


def _rolling_median(values: Floats) -> Floats:
    """Median of the window centred on each value; near the ends the outermost full window stands for all."""
    width = min(NEIGHBOURHOOD, len(values))
    medians: Floats = np.median(sliding_window_view(values, width), axis=1)
    before = width // 2
    return np.pad(medians, (before, len(values) - len(medians) - before), mode="edge")
