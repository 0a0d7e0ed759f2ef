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


@dataclass(frozen=True, slots=True)
class Spans:
    """Rows of all symbols, milliseconds UTC: open of the window's first bar, of the bar decided on, of the last bar."""

    start: Times
    t0: Times
    t1: Times


@dataclass(frozen=True, slots=True)
class Borders:
    """Opens of the first bar of validation and of test, ms; `embargo_ms` of each at its begin is left unused."""

    validation: int
    test: int
    embargo_ms: int


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


def chronological(spans: Spans, at: Borders) -> Parts:
    """Rows of each segment. A row that reaches over a border or into an embargo belongs to none."""
    train = spans.t1 < at.validation
    validation = (spans.start >= at.validation + at.embargo_ms) & (spans.t1 < at.test)
    test = spans.start >= at.test + at.embargo_ms
    lost = ~(train | validation | test)
    at_first = int((lost & (spans.t0 < at.validation + at.embargo_ms)).sum())
    dropped = (at_first, int(lost.sum()) - at_first)
    return Parts(_ordered(train, spans.t0), _ordered(validation, spans.t0), _ordered(test, spans.t0), dropped)


def _ordered(mask: npt.NDArray[np.bool_], t0: Times) -> Rows:
    rows = np.nonzero(mask)[0]
    return rows[np.argsort(t0[rows], kind="stable")]
