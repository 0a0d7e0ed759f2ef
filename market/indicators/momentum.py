"""Momentum: how far and how fast the close has come. All by TA-Lib."""

import numpy as np
import talib

from core.ohlcv import Candles, Floats


def rsi(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Wilder's relative strength index, 0 … 100. NaN while the close has never moved: TA-Lib says 0 there."""
    values: Floats = talib.RSI(candles.close, bars)
    still = _still(candles.close)
    values[:still] = np.nan
    return (values,)


def stochastic(candles: Candles, bars: int, smooth: int, signal: int) -> tuple[Floats, ...]:
    """(%K, %D): where the close stands in the range of `bars`, averaged over `smooth`, then over `signal`; 0 … 100."""
    lines: tuple[Floats, ...] = talib.STOCH(candles.high, candles.low, candles.close, bars, smooth, 0, signal, 0)
    return lines


def _still(close: Floats) -> int:
    """How many closes at the beginning are all the same."""
    if not len(close) or close[0] != close[min(1, len(close) - 1)]:
        return 0
    moved = close != close[0]
    return int(moved.argmax()) if moved.any() else len(close)
