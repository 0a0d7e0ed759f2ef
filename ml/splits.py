"""Chronological train, validation and test, purged and embargoed. There is no other way to split.

All symbols stand on ONE time axis: what happens to one of them in an hour is known of all of them (P15).
A row spans from the open of its window's first bar to the close of the bar that ends its label. It belongs to a
segment only when this whole span lies inside it; the segments after the first begin with an embargo.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.ohlcv import Times

Rows = npt.NDArray[np.int64]
EARLIEST, LATEST = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Spans:
    """Rows of all symbols, milliseconds UTC: open of the window's first bar, of the bar decided on, of the last bar."""

    start: Times
    t0: Times
    t1: Times


@dataclass(frozen=True, slots=True)
class Borders:
    """Opens of the first bar of validation and of test, ms; `embargo_ms` of each at its begin is left unused.

    `start`: open of the first bar that takes part; `end`: open of the first bar after the test, which does not.
    """

    validation: int
    test: int
    embargo_ms: int
    start: int = EARLIEST
    end: int = LATEST


@dataclass(frozen=True, slots=True)
class Parts:
    """Row numbers per segment, in order of time; `dropped`: how many were lost at the first and the second border."""

    train: Rows
    validation: Rows
    test: Rows
    dropped: tuple[int, int]


def borders(time: Times, *, horizon: int, step_ms: int, train: float, validation: float, embargo: float) -> Borders:
    """Borders by share of the axis `time` (opens of the bars of all symbols); embargo = max(share of bars, horizon)."""
    axis = np.unique(time)
    bars = max(math.ceil(embargo * len(axis)), horizon)
    first, second = int(train * len(axis)), int((train + validation) * len(axis))
    return Borders(int(axis[first]), int(axis[second]), bars * step_ms)


def walk_forward(
    time: Times, *, rolling: bool, folds: int, train_bars: int, horizon: int, step_ms: int, embargo: float
) -> list[Borders]:
    """The steps of a walk-forward over the axis `time` (opens of the bars of all symbols), oldest first.

    What `train_bars` (at most half of the axis) leave is cut into `folds` + 1 equal stretches: fold k is validated on
    stretch k and tested on stretch k + 1, so that the tests follow one another without a gap or an overlap. Rolling
    folds train on `train_bars` before their validation, anchored ones on everything before it.
    """
    axis = np.unique(time)
    n = len(axis)
    train = min(train_bars, n // 2)
    stretch = (n - train) // (folds + 1)
    bars = max(math.ceil(embargo * n), horizon)
    found = []
    for left in range(folds, 0, -1):
        first = n - (left + 1) * stretch
        found.append(
            Borders(
                validation=int(axis[first]),
                test=int(axis[first + stretch]),
                embargo_ms=bars * step_ms,
                start=int(axis[first - train]) if rolling else EARLIEST,
                end=int(axis[first + 2 * stretch]) if left > 1 else LATEST,
            )
        )
    return found


def chronological(spans: Spans, at: Borders) -> Parts:
    """Rows of each segment. A row that reaches over a border or into an embargo belongs to none."""
    train = (spans.start >= at.start) & (spans.t1 < at.validation)
    validation = (spans.start >= at.validation + at.embargo_ms) & (spans.t1 < at.test)
    test = (spans.start >= at.test + at.embargo_ms) & (spans.t1 < at.end)
    lost = ~(train | validation | test)
    at_first = int((lost & (spans.t0 < at.validation + at.embargo_ms)).sum())
    dropped = (at_first, int(lost.sum()) - at_first)
    return Parts(_ordered(train, spans.t0), _ordered(validation, spans.t0), _ordered(test, spans.t0), dropped)


def _ordered(mask: npt.NDArray[np.bool_], t0: Times) -> Rows:
    rows = np.nonzero(mask)[0]
    return rows[np.argsort(t0[rows], kind="stable")]
