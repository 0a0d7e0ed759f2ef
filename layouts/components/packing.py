"""Columns of numbers in few bytes: whole ticks, differenced until they are small, as JSON text.

A thousand prices with two decimals are 7 kB as plain JSON and 2 kB like this after compression, and `orjson` writes
them in microseconds. `assets/60-charts.js` reads them; its `unpack` is the other half of this file.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from core.ohlcv import Candles, Floats, Times

MOST_DECIMALS = 10
SIGNIFICANT = 7  # digits of a column's largest value that are kept where the decimals are not given

Whole = npt.NDArray[np.int64]
Packed = dict[str, Any]


def decimals_of(values: Floats) -> int:
    """The fewest decimals that write every value exactly; without such, those that keep ten significant digits."""
    for decimals in range(MOST_DECIMALS + 1):
        scale = 10.0**decimals
        if np.array_equal(np.rint(values * scale) / scale, values):
            return decimals
    return places(values, 10)


def places(values: Floats, significant: int = SIGNIFICANT) -> int:
    """Decimals that keep so many significant digits of the largest value."""
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max()) if finite.size else 0.0
    if largest == 0.0:
        return 0
    return int(np.clip(significant - 1 - np.floor(np.log10(largest)), 0, 15))


def pack(values: Floats, decimals: int | None = None) -> Packed:
    """A column: `d` its second differences in units of 10^-`k`, `n` the runs [start, stop) that hold no number."""
    k = places(values) if decimals is None else decimals
    known = np.isfinite(values)
    whole = np.rint(_filled(values, known) * 10.0**k).astype(np.int64)
    packed: Packed = {"k": k, "d": text(_differences(_differences(whole)))}
    if not known.all():
        packed["n"] = runs(~known)
    return packed


def pack_prices(candles: Candles, decimals: int) -> Packed:
    """Open, high, low and close against one another, in units of 10^-`k`: exact where the prices have `k` decimals.

    `o` is the step from the last close to this open, `c` from open to close, `h` and `l` the lengths of the wicks.
    """
    o, h, low, c = (
        np.rint(column * 10.0**decimals).astype(np.int64)
        for column in (candles.open, candles.high, candles.low, candles.close)
    )
    before = np.concatenate(([0], c[:-1])) if len(c) else c
    return {
        "k": decimals,
        "o": text(o - before),
        "h": text(h - np.maximum(o, c)),
        "l": text(np.minimum(o, c) - low),
        "c": text(c - o),
    }


def pack_times(time: Times, step_ms: int) -> Packed:
    """Open times: the first in ms, the step, and where steps are missing as [index of the next candle, how many]."""
    steps = np.diff(time) // step_ms
    at = np.nonzero(steps != 1)[0]
    return {
        "first": int(time[0]) if len(time) else 0,
        "step": step_ms,
        "count": len(time),
        "skips": [[int(k) + 1, int(steps[k]) - 1] for k in at],
    }


def runs(marks: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Runs of True as [start, stop)."""
    edges = np.diff(np.concatenate(([0], marks.astype(np.int8), [0])))
    starts, stops = np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]
    return [[int(a), int(b)] for a, b in zip(starts, stops, strict=True)]


def text(numbers: Whole) -> str:
    """Whole numbers as a JSON list, in a string: Dash then passes it on without looking at each number."""
    return orjson.dumps(np.ascontiguousarray(numbers), option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _differences(whole: Whole) -> Whole:
    return np.diff(whole, prepend=np.int64(0))


def _filled(values: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """The last number that was known in place of those that are not."""
    if known.all():
        return values
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    return np.nan_to_num(values[last], nan=0.0, posinf=0.0, neginf=0.0)
