"""Where an indicator has no value although it has enough bars: nothing was traded, or nothing moved."""

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators.talib_functions import talib


def where_silent(values: Floats, candles: Candles, bars: int) -> Floats:
    """The values, NaN where nothing was traded in the last `bars`, of which running sums keep crumbs."""
    if np.count_nonzero(candles.volume) < len(candles):
        values[talib.MAX(candles.volume, bars) == 0] = np.nan
    return values


def where_still(values: Floats, series: Floats) -> Floats:
    """The values, NaN for as long as the series has not moved since it began."""
    values[: _still(series)] = np.nan
    return values


def ratio(above: Floats, below: Floats) -> Floats:
    """above / below, NaN where below is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0, np.nan, above / np.where(below == 0, 1.0, below))


def _still(series: Floats) -> int:
    """How many values at the beginning are all the same."""
    if not len(series) or series[0] != series[min(1, len(series) - 1)]:
        return 0
    moved = series != series[0]
    return int(moved.argmax()) if moved.any() else len(series)
