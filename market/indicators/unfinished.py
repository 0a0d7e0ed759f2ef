"""Values of indicators at the bar that still forms.

They are for the chart alone, which draws them as the last point of each line until the bar closes. They move with
every price: nothing stores them, and no prediction, signal or alert is made of them (a contract of the imports says
so). Indicators that repaint have none, and those of volume have none where the volume so far is not known.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import core.ohlcv as ohlcv
from core.errors import Refused
from core.ohlcv import Candles
from core.timeframe import Timeframe
from market.indicators.catalog import EVERYTHING, Chosen
from market.indicators.compute import compute_all, newest, warmup

Values = dict[str, dict[str, float]]  # by `Chosen.key`, then by output; NaN where there is none


@dataclass(frozen=True, slots=True)
class Unfinished:
    """`values` at the forming bar; of running sums `steps`, what it adds to their value at the newest closed bar."""

    values: Values
    steps: Values


def able(chosen: Iterable[Chosen], *, volume_known: bool) -> list[Chosen]:
    """Those that have a value at a bar that still forms."""
    return [one for one in chosen if not one.indicator.repaints and (volume_known or not one.indicator.volume)]


def back(chosen: Iterable[Chosen], step_ms: int) -> int:
    """How many closed bars `unfinished` looks at: of running sums one, however long their history is."""
    return max((warmup(one, step_ms) for one in chosen if not _runs(one)), default=0) + 1


def read_bar(raw: Any, after_ms: int, frame: Timeframe) -> Candles:
    """The one bar of a tick: [open time in ms, open, high, low, close, volume], the next after `after_ms`.

    Raises Refused with what is wrong about it.
    """
    numbers = isinstance(raw, list | tuple) and len(raw) == ohlcv.COLUMNS
    if not numbers or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in raw):
        raise Refused("A bar is its open time, open, high, low, close and volume.")
    if not all(math.isfinite(one) for one in raw):
        raise Refused("A bar holds a value that is no number.")
    opened, first, high, low, last, volume = raw
    if opened != int(opened) or int(opened) != after_ms + frame.ms or not frame.on_grid(int(opened)):
        raise Refused(f"The bar is not the {frame} bar that follows the newest closed one.")
    if not 0 < low <= min(first, last) <= max(first, last) <= high or volume < 0:
        raise Refused("The prices of the bar contradict each other, or its volume is negative.")
    return ohlcv.from_rows([[float(one) for one in raw]])


def unfinished(closed: Candles, bar: Candles, chosen: Iterable[Chosen]) -> Unfinished:
    """What each indicator, one of the `able` ones, would be if the bar closed as it stands.

    `closed` are the closed candles before it, at least `back(chosen)` of them where there are so many.
    """
    of_all: list[Chosen] = []
    of_some: list[Chosen] = []
    for one in chosen:
        (of_all if _runs(one) else of_some).append(one)
    whole = ohlcv.join([closed, bar])
    last_two = compute_all(whole[-2:], of_all) if len(closed) else {}
    steps = {key: {name: float(np.diff(line)[0]) for name, line in lines.items()} for key, lines in last_two.items()}
    return Unfinished(newest(whole, of_some), steps)


def _runs(chosen: Chosen) -> bool:
    return chosen.indicator.back_ms is None and warmup(chosen) == EVERYTHING
