"""Oscillators: where the close stands between two ends of a scale. All by TA-Lib."""

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators.indicator import LONGEST, Indicator, Output, Param, bars, wilder_settles, window
from market.indicators.talib_functions import talib
from market.indicators.undefined import where_still

LARGE = 2.0**60  # TA-Lib says 0 where less than 1 of the quote currency flowed; a power of two changes no digit
PERCENT = (20.0, 80.0)


def rsi(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Wilder's relative strength index, 0 … 100. NaN while the close has never moved: TA-Lib says 0 there."""
    return (where_still(talib.RSI(candles.close, bars), candles.close),)


def stochastic(candles: Candles, bars: int, smooth: int, signal: int) -> tuple[Floats, ...]:
    """(%K, %D): where the close stands in the range of `bars`, averaged over `smooth`, then over `signal`; 0 … 100."""
    lines: tuple[Floats, ...] = talib.STOCH(candles.high, candles.low, candles.close, bars, smooth, 0, signal, 0)
    return lines


def stochastic_rsi(candles: Candles, rsi_bars: int, bars: int, smooth: int, signal: int) -> tuple[Floats, ...]:
    """(%K, %D): the stochastic of the RSI instead of prices; 0 … 100."""
    (strength,) = rsi(candles, rsi_bars)
    lines: tuple[Floats, ...] = talib.STOCH(strength, strength, strength, bars, smooth, 0, signal, 0)
    return lines


def cci(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(typical price − its mean) / (0.015 · its mean absolute deviation) over `bars` (Lambert)."""
    return (talib.CCI(candles.high, candles.low, candles.close, bars),)


def money_flow(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Share of the money, typical price times volume, that flowed while that price rose, 0 … 100; NaN without flow."""
    prices = candles.high, candles.low, candles.close
    values: Floats = talib.MFI(*prices, candles.volume * LARGE, bars)
    typical = talib.TYPPRICE(*prices)
    flowed = (np.diff(typical, prepend=typical[:1]) != 0) & (candles.volume > 0)
    if not flowed[1:].all():
        values[_last(flowed) <= np.arange(len(values)) - bars] = np.nan
    return (values,)


def williams(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """How far the close is below the highest high, in percent of the range of `bars`, −100 … 0."""
    return (talib.WILLR(candles.high, candles.low, candles.close, bars),)


def ultimate(candles: Candles, short: int, middle: int, long: int) -> tuple[Floats, ...]:
    """Buying pressure over true range of three spans, weighted 4, 2 and 1; 0 … 100 (Williams)."""
    return (talib.ULTOSC(candles.high, candles.low, candles.close, short, middle, long),)


def chande(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """100 · (sum of gains − sum of losses) / (their sum) over `bars`, unsmoothed as Chande wrote it; −100 … 100."""
    return (talib.CMOU(candles.close, bars),)


def _last(flags: np.ndarray) -> np.ndarray:
    """(n,) index of the last True up to each place, −1 before the first."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), -1))


ENTRIES = (
    Indicator(
        "rsi",
        "RSI",
        (bars(14),),
        "own",
        (Output("rsi", "RSI"),),
        rsi,
        "Relative strength index after Wilder: gains against losses, 0 to 100.",
        lambda bars: bars,
        lambda bars: bars + wilder_settles(bars),
        levels=(30.0, 70.0),
    ),
    Indicator(
        "stoch",
        "Stochastic",
        (bars(14, 1), Param("smooth", 3, 1, LONGEST), Param("signal", 3, 1, LONGEST)),
        "own",
        (Output("k", "%K"), Output("d", "%D")),
        stochastic,
        "Where the close stands within the range of the last bars, 0 to 100.",
        lambda bars, smooth, signal: bars + smooth + signal - 3,
        lambda bars, smooth, signal: bars + smooth + signal - 3,
        levels=PERCENT,
    ),
    Indicator(
        "stochrsi",
        "Stochastic RSI",
        (
            Param("rsi", 14, 2, LONGEST),
            bars(14, 1),
            Param("smooth", 3, 1, LONGEST),
            Param("signal", 3, 1, LONGEST),
        ),
        "own",
        (Output("k", "%K"), Output("d", "%D")),
        stochastic_rsi,
        "Where RSI stands within its own range of the last bars, 0 to 100.",
        lambda rsi, bars, smooth, signal: rsi + bars + smooth + signal - 3,
        lambda rsi, bars, smooth, signal: rsi + bars + smooth + signal - 3 + wilder_settles(rsi),
        levels=PERCENT,
    ),
    Indicator(
        "cci",
        "CCI",
        (bars(20),),
        "own",
        (Output("cci", "CCI"),),
        cci,
        "Commodity channel index: distance of the typical price from its average, in mean deviations.",
        window,
        window,
        levels=(-100.0, 100.0),
    ),
    Indicator(
        "mfi",
        "MFI",
        (bars(14),),
        "own",
        (Output("mfi", "MFI"),),
        money_flow,
        "Money flow index: an RSI of price times volume, 0 to 100.",
        lambda bars: bars,
        lambda bars: bars,
        levels=PERCENT,
        volume=True,
    ),
    Indicator(
        "willr",
        "Williams %R",
        (bars(14),),
        "own",
        (Output("willr", "%R"),),
        williams,
        "How far the close is below the highest high of the last bars, −100 to 0.",
        window,
        window,
        levels=(-80.0, -20.0),
    ),
    Indicator(
        "ultosc",
        "Ultimate",
        (Param("short", 7, 1, LONGEST), Param("middle", 14, 2, LONGEST), Param("long", 28, 3, LONGEST)),
        "own",
        (Output("ultosc", "UO"),),
        ultimate,
        "Williams' ultimate oscillator: buying pressure over three spans at once, 0 to 100.",
        lambda *spans: max(spans),
        lambda *spans: max(spans),
        levels=(30.0, 70.0),
        ordered=("short", "middle"),
    ),
    Indicator(
        "cmo",
        "CMO",
        (bars(9),),
        "own",
        (Output("cmo", "CMO"),),
        chande,
        "Chande's momentum oscillator: gains less losses as a share of both, −100 to 100.",
        lambda bars: bars,
        lambda bars: bars,
        levels=(-50.0, 50.0),
    ),
)
