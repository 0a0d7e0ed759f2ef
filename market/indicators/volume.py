"""Volume: what was traded while the price moved. All by TA-Lib."""

import numpy as np
import talib

from core.ohlcv import Candles, Floats


def obv(candles: Candles) -> tuple[Floats, ...]:
    """Running sum of the volume, added when the close rises and taken away when it falls."""
    return (talib.OBV(candles.close, candles.volume),)


def vwap(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean typical price of the last `bars`, weighted by volume; NaN where nothing was traded in them."""
    typical = talib.TYPPRICE(candles.high, candles.low, candles.close)
    values: Floats = talib.VWMA(typical, candles.volume, bars)
    if np.count_nonzero(candles.volume) < len(candles):  # a running sum keeps crumbs where the true sum is 0
        values[talib.MAX(candles.volume, bars) == 0] = np.nan
    return (values,)
