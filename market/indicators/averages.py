"""Averages: the close, smoothed. By TA-Lib; Legoux' and McGinley's are written out."""

import math

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators.indicator import (
    Bar,
    Function,
    Indicator,
    Output,
    Param,
    bars,
    ema_settles,
    forgotten,
    wilder_settles,
    window,
)
from market.indicators.talib_functions import talib
from market.indicators.undefined import where_silent

SLOWEST = (2 / 31) ** 2  # the least weight Kaufman's average gives to its newest bar
HUGE = 1e50  # a rise whose fourth power can still be written
T3_WEIGHT = 0.7  # Tillson's own


def sma(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean of the last `bars` closes."""
    return (talib.SMA(candles.close, bars),)


def ema(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Exponential mean, weight 2/(bars+1), begun with the mean of the first `bars` closes."""
    return (talib.EMA(candles.close, bars),)


def wma(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean of the last `bars` closes with weights 1 … bars, the newest heaviest."""
    return (talib.WMA(candles.close, bars),)


def dema(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """2·EMA − EMA of EMA (Mulloy)."""
    return (talib.DEMA(candles.close, bars),)


def tema(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """3·EMA − 3·EMA of EMA + EMA of EMA of EMA (Mulloy)."""
    return (talib.TEMA(candles.close, bars),)


def hma(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """WMA over √bars of 2·WMA(bars/2) − WMA(bars) (Hull)."""
    return (talib.HMA(candles.close, bars),)


def rma(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Wilder's mean, weight 1/bars, begun with the mean of the first `bars` closes."""
    return (talib.RMA(candles.close, bars),)


def vwma(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean of the last `bars` closes, weighted by volume; NaN where nothing was traded in them."""
    return (where_silent(talib.VWMA(candles.close, candles.volume, bars), candles, bars),)


def kama(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Kaufman's adaptive mean: its weight follows how straight the last `bars` closes moved, between EMA 2 and 30."""
    return (talib.KAMA(candles.close, bars),)


def zlema(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """EMA of the close plus what it gained in the last (bars − 1)/2 bars (Ehlers)."""
    return (talib.ZLEMA(candles.close, bars),)


def t3(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Tillson's mean of six nested EMAs, volume factor 0.7."""
    return (talib.T3(candles.close, bars, T3_WEIGHT),)


def linreg(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Where the straight line fitted to the last `bars` closes by least squares ends."""
    return (talib.LINEARREG(candles.close, bars),)


def alma(candles: Candles, bars: int, offset: float, sigma: float) -> tuple[Floats, ...]:
    """Legoux' mean: Gaussian weights around `offset` of the window (1 is the newest), `bars`/`sigma` wide."""
    places = np.arange(bars)
    weights = np.exp(-((places - offset * (bars - 1)) ** 2) * sigma**2 / (2 * bars**2))
    made = np.full(len(candles), np.nan)
    if len(candles) >= bars:
        made[bars - 1 :] = np.lib.stride_tricks.sliding_window_view(candles.close, bars) @ (weights / weights.sum())
    return (made,)


def mcginley(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """The value before plus (close − it) / (bars · (close / it)⁴), begun with the mean of the first `bars` closes.

    The divisor is at least 1: after a fall to less than bars^-¼ of it McGinley's own would go beyond the close.
    """
    made = np.full(len(candles), np.nan)
    if len(candles) < bars:
        return (made,)
    made[bars - 1] = value = float(candles.close[:bars].mean())
    for k, close in enumerate(candles.close[bars:].tolist(), bars):
        grown = min(max(close / value, 0.0), HUGE) if value else 0.0
        value += (close - value) / max(bars * grown**4, 1.0)
        made[k] = value
    return (made,)


def _nested(times: int) -> tuple[Bar, Bar]:
    """(first bar, settled bar) of so many exponential means of each other."""
    return (
        lambda bars: times * (bars - 1),
        lambda bars: times * (bars - 1 + ema_settles(bars)),
    )


def _hull(bars: int) -> int:
    return bars - 1 + math.isqrt(bars) - 1


def _half(bars: int) -> int:
    return bars - 1 + (bars - 1) // 2


def _on_price(
    key: str,
    title: str,
    default: int,
    function: Function,
    about: str,
    first: Bar,
    settled: Bar,
    *,
    volume: bool = False,
) -> Indicator:
    return Indicator(
        key,
        title,
        (bars(default),),
        "price",
        (Output(key, title),),
        function,
        about,
        first,
        settled,
        volume=volume,
    )


ENTRIES = (
    _on_price("sma", "SMA", 20, sma, "Simple moving average of the close.", window, window),
    _on_price(
        "ema",
        "EMA",
        20,
        ema,
        "Exponential moving average of the close: recent bars weigh more.",
        window,
        lambda bars: bars - 1 + ema_settles(bars),
    ),
    _on_price("wma", "WMA", 20, wma, "Linearly weighted moving average of the close.", window, window),
    _on_price(
        "dema", "DEMA", 20, dema, "Double exponential average: an EMA with most of its delay taken out.", *_nested(2)
    ),
    _on_price(
        "tema", "TEMA", 20, tema, "Triple exponential average: still less delay than the double one.", *_nested(3)
    ),
    _on_price(
        "hma", "HMA", 20, hma, "Hull's average: smooth, with little delay, and prone to overshoot.", _hull, _hull
    ),
    _on_price(
        "rma",
        "SMMA",
        14,
        rma,
        "Smoothed average after Wilder, the one inside RSI and ATR.",
        window,
        lambda bars: bars - 1 + wilder_settles(bars),
    ),
    _on_price("vwma", "VWMA", 20, vwma, "Average of the close, weighted by volume.", window, window, volume=True),
    _on_price(
        "kama",
        "KAMA",
        10,
        kama,
        "Kaufman's adaptive average: quick in a straight move, nearly still in a noisy one.",
        lambda bars: bars,
        lambda bars: bars + forgotten(SLOWEST),
    ),
    _on_price(
        "zlema",
        "ZLEMA",
        20,
        zlema,
        "Zero-lag EMA: an EMA of the close pushed ahead by its own recent move.",
        _half,
        lambda bars: _half(bars) + ema_settles(bars),
    ),
    _on_price("t3", "T3", 5, t3, "Tillson's average: six EMAs of each other, very smooth.", *_nested(6)),
    _on_price(
        "linreg",
        "LSMA",
        25,
        linreg,
        "Least squares average: the end of the line fitted to the last closes.",
        window,
        window,
    ),
    _on_price(
        "mcginley",
        "McGinley",
        14,
        mcginley,
        "McGinley's dynamic: an average that hurries after falling prices and takes its time with rising ones.",
        window,
        lambda bars: bars - 1 + 3 * wilder_settles(bars),
    ),
    Indicator(
        "alma",
        "ALMA",
        (bars(9), Param("offset", 0.85, 0.0, 1.0), Param("sigma", 6.0, 1.0, 20.0)),
        "price",
        (Output("alma", "ALMA"),),
        alma,
        "Arnaud Legoux' average: Gaussian weights, nearer to the newest bar than to the oldest.",
        window,
        window,
    ),
)
