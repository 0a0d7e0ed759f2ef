"""Trend: where prices go, how strongly, and where that would end. By TA-Lib; Schaff's cycle by `ta`."""

import math

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators import by_ta
from market.indicators.indicator import LONGEST, Indicator, Output, Param, bars, ema_settles, wilder_settles, window
from market.indicators.talib_functions import talib

# Bars after which two trailing stops that began elsewhere had met on hundreds of random walks, with room to spare:
# they meet when a trend breaks, for which there is no bound. A wider stop lives longer.
PSAR_MEETS = 1_000
SUPERTREND_MEETS = 500  # for each ATR of its distance
KST_SPANS = ((10, 10), (15, 10), (20, 10), (30, 15))  # Pring's: bars of a rate of change, and of the mean over it


def macd(candles: Candles, fast: int, slow: int, signal: int) -> tuple[Floats, ...]:
    """(fast EMA − slow EMA, its EMA, the difference of the two); both EMAs begin at bar `slow`."""
    lines: tuple[Floats, ...] = talib.MACD(candles.close, fast, slow, signal)
    return lines


def adx(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(ADX, +DI, −DI) after Wilder, each 0 … 100."""
    prices = candles.high, candles.low, candles.close
    return talib.ADX(*prices, bars), talib.PLUS_DI(*prices, bars), talib.MINUS_DI(*prices, bars)


def supertrend(candles: Candles, bars: int, factor: float) -> tuple[Floats, ...]:
    """A stop `factor` ATRs from the middle of the bar that only moves with the trend, and changes side when passed."""
    return (talib.SUPERTREND(candles.high, candles.low, candles.close, bars, factor)[0],)


def psar(candles: Candles, step: float, most: float) -> tuple[Floats, ...]:
    """Wilder's parabolic stop: each new extreme speeds it up by `step`, up to `most`."""
    return (talib.SAR(candles.high, candles.low, step, most),)


def ichimoku(candles: Candles, conversion: int, base: int, span: int, shift: int) -> tuple[Floats, ...]:
    """(conversion, base, span A, span B): middles of the range of bars, the spans as they were `shift` bars ago.

    The lagging span would carry closes back to earlier bars; it is the close itself and is left out.
    """
    high, low = candles.high, candles.low
    turning, standard, slow = (talib.MIDPRICE(high, low, n) for n in (conversion, base, span))
    return turning, standard, _later((turning + standard) / 2, shift), _later(slow, shift)


def aroon(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(up, down): how recently the highest high and the lowest low of the last bars were, 100 for now."""
    down, up = talib.AROON(candles.high, candles.low, bars)
    return up, down


def vortex(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(+VI, −VI): movement from low to next high and from high to next low, over the true range (Botes, Siepman)."""
    lines: tuple[Floats, ...] = talib.VORTEX(candles.high, candles.low, candles.close, bars)
    return lines


def trix(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Percent by which the triple EMA of the close changed since the bar before."""
    return (talib.TRIX(candles.close, bars),)


def mass(candles: Candles, fast: int, bars: int) -> tuple[Floats, ...]:
    """Sum over `bars` of EMA over EMA of EMA of the range (Dorsey)."""
    return (talib.MASSI(candles.high, candles.low, fast, bars),)


def dpo(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """The close of bars/2 + 1 bars ago less the mean of the last `bars` closes; not drawn back into the past."""
    return (talib.DPO(candles.close, bars),)


def kst(candles: Candles, signal: int) -> tuple[Floats, ...]:
    """(KST, its mean): smoothed rates of change over four spans, weighted 1 to 4 (Pring)."""
    smoothed = [talib.SMA(talib.ROC(candles.close, span), mean) for span, mean in KST_SPANS]
    line = sum(weight * each for weight, each in enumerate(smoothed, 1))
    return line, talib.SMA(line, signal)


def stc(candles: Candles, cycle: int, fast: int, slow: int) -> tuple[Floats, ...]:
    """Schaff's trend cycle, 0 … 100: a stochastic of a stochastic of MACD. By `ta`."""
    return (by_ta.stc(candles.close, cycle, fast, slow),)


def _later(series: Floats, bars: int) -> Floats:
    """The series moved towards newer bars; what would lie beyond the newest is cut off."""
    return np.concatenate((np.full(min(bars, len(series)), np.nan), series[: max(len(series) - bars, 0)]))


def _cloud(conversion: int, base: int, span: int, shift: int) -> int:
    return max(conversion, base, span) - 1 + shift


def _stc_first(cycle: int, _fast: int, slow: int) -> int:
    return slow - 1 + 2 * (cycle - 1) + 2 * (by_ta.STC_SMOOTH - 1)


ENTRIES = (
    Indicator(
        "supertrend",
        "Supertrend",
        (bars(10), Param("factor", 3.0, 0.5, 10.0)),
        "price",
        (Output("supertrend", "Supertrend"),),
        supertrend,
        "A trailing stop some ATRs away: below prices in a rising trend, above them in a falling one.",
        lambda bars, _factor: bars,
        lambda bars, factor: bars + wilder_settles(bars) + math.ceil(SUPERTREND_MEETS * factor),
    ),
    Indicator(
        "psar",
        "Parabolic SAR",
        (Param("step", 0.02, 0.005, 0.5), Param("most", 0.2, 0.01, 1.0)),
        "price",
        (Output("psar", "SAR", "points"),),
        psar,
        "Wilder's stop and reverse: a trailing stop that comes closer with every new extreme.",
        lambda *_: 1,
        lambda *_: PSAR_MEETS,
        ordered=("step", "most"),
    ),
    Indicator(
        "ichimoku",
        "Ichimoku",
        (
            Param("conversion", 9, 2, LONGEST),
            Param("base", 26, 2, LONGEST),
            Param("span", 52, 2, LONGEST),
            Param("shift", 26, 1, LONGEST),
        ),
        "price",
        (
            Output("conversion", "Conversion"),
            Output("base", "Base"),
            Output("span_a", "Span A", "band"),
            Output("span_b", "Span B", "band"),
        ),
        ichimoku,
        "Middles of the range of recent bars, and a cloud between two of them as they were some bars ago.",
        _cloud,
        _cloud,
        ordered=("conversion", "base"),
    ),
    Indicator(
        "macd",
        "MACD",
        (Param("fast", 12, 2, LONGEST), Param("slow", 26, 3, LONGEST), Param("signal", 9, 1, LONGEST)),
        "own",
        (Output("macd", "MACD"), Output("signal", "Signal"), Output("histogram", "Histogram", "histogram")),
        macd,
        "Difference of two exponential averages, and how it moves against its own average.",
        lambda _fast, slow, signal: slow + signal - 2,
        lambda _fast, slow, signal: slow + signal - 2 + ema_settles(slow) + ema_settles(signal),
        levels=(0.0,),
        ordered=("fast", "slow"),
    ),
    Indicator(
        "adx",
        "ADX",
        (bars(14),),
        "own",
        (Output("adx", "ADX"), Output("plus_di", "+DI"), Output("minus_di", "−DI")),
        adx,
        "Average directional index after Wilder: how strong a trend is, and which side leads.",
        lambda bars: 2 * bars - 1,
        lambda bars: 2 * bars - 1 + 2 * wilder_settles(bars),
        levels=(25.0,),
    ),
    Indicator(
        "aroon",
        "Aroon",
        (bars(14),),
        "own",
        (Output("up", "Up"), Output("down", "Down")),
        aroon,
        "How long ago the highest high and the lowest low of the last bars were, 100 for now.",
        lambda bars: bars,
        lambda bars: bars,
        levels=(30.0, 70.0),
    ),
    Indicator(
        "vortex",
        "Vortex",
        (bars(14),),
        "own",
        (Output("plus", "+VI"), Output("minus", "−VI")),
        vortex,
        "Upward against downward movement, each as a share of the true range.",
        lambda bars: bars,
        lambda bars: bars,
        levels=(1.0,),
    ),
    Indicator(
        "trix",
        "TRIX",
        (bars(15),),
        "own",
        (Output("trix", "TRIX"),),
        trix,
        "Percent change of a triple-smoothed average: slow, and blind to small moves.",
        lambda bars: 3 * (bars - 1) + 1,
        lambda bars: 3 * (bars - 1 + ema_settles(bars)) + 1,
        levels=(0.0,),
    ),
    Indicator(
        "mass",
        "Mass index",
        (Param("smooth", 9, 2, LONGEST), bars(25)),
        "own",
        (Output("mass", "Mass"),),
        mass,
        "Swells when ranges widen: above 27 and back below 26.5 is Dorsey's sign of a reversal.",
        lambda smooth, bars: 2 * (smooth - 1) + bars - 1,
        lambda smooth, bars: 2 * (smooth - 1 + ema_settles(smooth)) + bars - 1,
        levels=(26.5, 27.0),
    ),
    Indicator(
        "dpo",
        "DPO",
        (bars(21),),
        "own",
        (Output("dpo", "DPO"),),
        dpo,
        "Detrended price: an earlier close against the average around it, to see cycles.",
        window,
        window,
        levels=(0.0,),
    ),
    Indicator(
        "kst",
        "KST",
        (Param("signal", 9, 2, LONGEST),),
        "own",
        (Output("kst", "KST"), Output("signal", "Signal")),
        kst,
        "Know sure thing: Pring's sum of smoothed rates of change over four spans.",
        lambda signal: 44 + signal - 1,
        lambda signal: 44 + signal - 1,
        levels=(0.0,),
    ),
    Indicator(
        "stc",
        "Schaff cycle",
        (Param("cycle", 10, 2, LONGEST), Param("fast", 23, 2, LONGEST), Param("slow", 50, 3, LONGEST)),
        "own",
        (Output("stc", "STC"),),
        stc,
        "Schaff's trend cycle: where MACD stands in its own recent range, taken twice, 0 to 100.",
        _stc_first,
        lambda cycle, fast, slow: _stc_first(cycle, fast, slow) + ema_settles(slow) + 4 * ema_settles(by_ta.STC_SMOOTH),
        levels=(25.0, 75.0),
        ordered=("fast", "slow"),
    ),
)
