"""What kind of market a call was made in, known at the close of its candle: three directions times two moods.

Direction: the log return of the last `SPAN` bars in units of σ·√SPAN (σ of the labels: exponentially weighted, span
`SPAN`); beyond ±`EDGE` the market was rising or falling, else sideways. Mood: turbulent where σ lies above its own
median over the last `MEMORY` bars, else calm. Nothing after the bar is used. Model cards and scorecards of live calls
speak of the same kinds.
"""

import numpy as np
import numpy.typing as npt

from core.ohlcv import Candles, Floats
from ml import labels

SPAN = 100  # bars
MEMORY = 500  # bars whose median σ is the usual one
EDGE = 0.5  # of one standard deviation: on a random walk about a third of the bars is sideways
FALLING, SIDEWAYS, RISING = 0, 1, 2
DIRECTIONS = ("falling", "sideways", "rising")
MOODS = ("calm", "turbulent")
NAMES = tuple(f"{direction}, {mood}" for direction in DIRECTIONS for mood in MOODS)
UNKNOWN = -1  # in warm-up

Codes = npt.NDArray[np.int8]


def codes(candles: Candles, step_ms: int) -> Codes:
    """(n,) index into `NAMES` per bar, −1 where too little came before it."""
    n = len(candles)
    found = np.full(n, UNKNOWN, dtype=np.int8)
    sigma = labels.sigma(candles, step_ms, SPAN)
    if n <= SPAN:
        return found
    moved = np.full(n, np.nan)
    moved[SPAN:] = np.log(candles.close[SPAN:] / candles.close[:-SPAN])
    score = np.divide(moved, sigma * np.sqrt(SPAN), out=np.full(n, np.nan), where=sigma > 0)
    usual = _trailing_median(sigma)
    known = np.isfinite(score) & np.isfinite(usual)
    direction = np.where(score > EDGE, RISING, np.where(score < -EDGE, FALLING, SIDEWAYS))
    found[known] = (direction * len(MOODS) + (sigma > usual))[known]
    return found


def direction(code: Codes) -> Codes:
    """Index into `DIRECTIONS`, −1 where unknown."""
    return np.where(code < 0, UNKNOWN, code // len(MOODS)).astype(np.int8)


def mood(code: Codes) -> Codes:
    """Index into `MOODS`, −1 where unknown."""
    return np.where(code < 0, UNKNOWN, code % len(MOODS)).astype(np.int8)


def groups(code: Codes) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """The kinds of market results are told by, each direction and each mood, with the rows that were in it."""
    parts = ((DIRECTIONS, direction(code)), (MOODS, mood(code)))
    return [(name, found == number) for names, found in parts for number, name in enumerate(names)]


def _trailing_median(values: Floats) -> Floats:
    """(n,) median of the last `MEMORY` values that are known, up to and with each; at least `SPAN` of them."""
    there = np.nonzero(np.isfinite(values))[0]
    found = np.full(len(values), np.nan)
    if len(there) < SPAN:
        return found
    kept = values[there]
    padded = np.concatenate((np.full(MEMORY - 1, np.nan), kept))
    windows = np.lib.stride_tricks.sliding_window_view(padded, MEMORY)
    for start in range(SPAN - 1, len(kept), 4_096):  # a block at a time: the view is copied to be sorted
        block = slice(start, min(start + 4_096, len(kept)))
        found[there[block]] = np.nanmedian(windows[block], axis=1)
    return found
