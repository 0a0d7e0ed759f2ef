"""Volatility: how widely prices spread. All by TA-Lib."""

import talib

from core.ohlcv import Candles, Floats


def bollinger(candles: Candles, bars: int, deviations: float) -> tuple[Floats, ...]:
    """(upper, middle, lower): the mean of `bars` closes, and so many population standard deviations around it."""
    lines: tuple[Floats, ...] = talib.BBANDS(candles.close, bars, deviations, deviations)
    return lines


def atr(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Wilder's mean of the true range, in price."""
    return (talib.ATR(candles.high, candles.low, candles.close, bars),)
