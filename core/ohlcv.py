"""The candle frame: the common coin of Bolt.

A `Candles` holds parallel NumPy arrays of one series, oldest first, unique open times:
`time` int64 milliseconds UTC of the open, `open high low close volume` float64. Gaps stay gaps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

COLUMNS = 6
ROW_BYTES = 8 * COLUMNS


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """One series of candles, shape (n,) each."""

    time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, part: slice | npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Candles":
        return Candles(*(getattr(self, f.name)[part] for f in fields(self)))

    def columns(self) -> Iterator[npt.NDArray[np.generic]]:
        for f in fields(self):
            yield getattr(self, f.name)


def empty() -> Candles:
    """No candles."""
    none = np.empty(0, dtype=np.float64)
    return Candles(np.empty(0, dtype=np.int64), none, none, none, none, none)


def from_rows(rows: list[list[float]]) -> Candles:
    """Candles of rows `[ms, open, high, low, close, volume]`, as exchanges give them, sorted by time."""
    if not rows:
        return empty()
    table = np.asarray(rows, dtype=np.float64)
    table = table[np.argsort(table[:, 0], kind="stable")]
    return Candles(table[:, 0].astype(np.int64), *(np.ascontiguousarray(table[:, k]) for k in range(1, 6)))


def join(parts: Sequence[Candles]) -> Candles:
    """One frame of several, in their order."""
    if not parts:
        return empty()
    return Candles(*(np.concatenate(columns) for columns in zip(*(p.columns() for p in parts), strict=True)))


def to_bytes(candles: Candles) -> bytes:
    """The columns one after the other, little-endian; see `from_bytes`."""
    return b"".join(column.astype(column.dtype.newbyteorder("<")).tobytes() for column in candles.columns())


def from_bytes(packed: bytes) -> Candles:
    """Candles of `to_bytes`, the very same values; raises ValueError where the length cannot be right."""
    if len(packed) % ROW_BYTES:
        raise ValueError("these bytes are no candles")
    size = len(packed) // COLUMNS
    parts = [bytearray(packed[k * size : (k + 1) * size]) for k in range(COLUMNS)]  # arrays of them can be written to
    return Candles(np.frombuffer(parts[0], dtype="<i8"), *(np.frombuffer(part, dtype="<f8") for part in parts[1:]))


def gaps(time: Times, step_ms: int) -> list[tuple[int, int]]:
    """Holes of a series as (open time of the first missing candle, how many are missing)."""
    jumps = np.diff(time) // step_ms
    at = np.nonzero(jumps > 1)[0]
    return [(int(time[k]) + step_ms, int(jumps[k]) - 1) for k in at]


def aggregate(candles: Candles, step_ms: int, offset_ms: int = 0) -> Candles:
    """True OHLC aggregates on the grid `offset_ms + n * step_ms`; a bin with no candle gives none."""
    if not len(candles):
        return candles
    bins = candles.time - (candles.time - offset_ms) % step_ms
    starts = np.nonzero(np.concatenate(([True], bins[1:] != bins[:-1])))[0]
    ends = np.concatenate((starts[1:], [len(bins)])) - 1
    return Candles(
        bins[starts],
        candles.open[starts],
        np.maximum.reduceat(candles.high, starts),
        np.minimum.reduceat(candles.low, starts),
        candles.close[ends],
        np.add.reduceat(candles.volume, starts),
    )
