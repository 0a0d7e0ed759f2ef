"""Windows of consecutive bars, gathered from the one table of features when they are needed, never copied out."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Ends = npt.NDArray[np.int32]
Table = npt.NDArray[np.float32]


def whole(features: npt.NDArray[np.floating], window: int) -> npt.NDArray[np.bool_]:
    """(n,) bool: the `window` bars that end at i all have features.

    The log return is missing after a hole, so that no window spans one.
    """
    index = np.arange(len(features))
    broken = np.where(np.isfinite(features).all(axis=1), -1, index)
    return index - np.maximum.accumulate(broken) >= window if len(index) else np.empty(0, dtype=bool)


def gather(table: Table, ends: Ends, window: int) -> Table:
    """(len(ends), window, features) windows whose last bar is `ends`."""
    found: Table = table[ends[:, None] + np.arange(1 - window, 1, dtype=np.int32)]
    return found


def batches(n: int, size: int, order: npt.NDArray[np.int64] | None = None) -> Iterator[npt.NDArray[np.int64]]:
    """Row numbers 0 … n−1 in portions of `size`, in `order` where it is given."""
    rows = np.arange(n) if order is None else order
    for start in range(0, n, size):
        yield rows[start : start + size]


def full_batches(order: npt.NDArray[np.int64], size: int) -> Iterator[npt.NDArray[np.int64]]:
    """Like `batches`, without the last one where it is not full; fewer rows than `size` are one batch."""
    whole = len(order) // size * size
    return batches(whole or len(order), size, order[: whole or len(order)])


def shuffled(n: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """The order of rows in an epoch: depends on seed and epoch only, so that a resumed training takes the same one."""
    return np.random.default_rng([seed, epoch]).permutation(n)
