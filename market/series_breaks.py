"""Where a series breaks: after a long hole the price is of another order. Most likely that is another coin.

A crash has no hole, an outage no such jump; only both together make a break.
"""

from dataclasses import dataclass

import numpy as np

from core.ohlcv import Candles

LEAST_HOLE_MS = 7 * 86_400_000
LEAST_RATIO = 8.0  # of the prices on both sides: one is at least so many times the other


@dataclass(frozen=True, slots=True)
class Break:
    """`old_last` and `new_first` are open times (ms UTC) of the candles on both sides of the hole."""

    old_last: int
    new_first: int
    old_close: float
    new_open: float


def find(candles: Candles) -> list[Break]:
    """Every break of a series, oldest first. A single candle, or none, has no break."""
    if len(candles) < 2:
        return []
    long = np.diff(candles.time) > LEAST_HOLE_MS
    jump = np.abs(np.log(candles.open[1:] / candles.close[:-1])) >= np.log(LEAST_RATIO)
    return [
        Break(int(candles.time[k]), int(candles.time[k + 1]), float(candles.close[k]), float(candles.open[k + 1]))
        for k in np.nonzero(long & jump)[0]
    ]
