"""Trend: averages of the close, MACD and the directional movement index. All by TA-Lib."""

import talib

from core.ohlcv import Candles, Floats


def sma(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean of the last `bars` closes."""
    return (talib.SMA(candles.close, bars),)


def ema(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Exponential mean, weight 2/(bars+1), begun with the mean of the first `bars` closes."""
    return (talib.EMA(candles.close, bars),)


def wma(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean of the last `bars` closes with weights 1 … bars, the newest heaviest."""
    return (talib.WMA(candles.close, bars),)


def macd(candles: Candles, fast: int, slow: int, signal: int) -> tuple[Floats, ...]:
    """(fast EMA − slow EMA, its EMA, the difference of the two); both EMAs begin at bar `slow`."""
    lines: tuple[Floats, ...] = talib.MACD(candles.close, fast, slow, signal)
    return lines


def adx(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(ADX, +DI, −DI) after Wilder, each 0 … 100."""
    prices = candles.high, candles.low, candles.close
    return talib.ADX(*prices, bars), talib.PLUS_DI(*prices, bars), talib.MINUS_DI(*prices, bars)
