"""Volatility: how widely prices spread. By TA-Lib; the ulcer index by `ta`."""

import math

import numpy as np

from core.ohlcv import Candles, Floats
from core.timeframe import TIMEFRAMES
from market.indicators import by_ta
from market.indicators.by_calendar import step_of
from market.indicators.indicator import (
    LONGEST,
    Bar,
    Function,
    Indicator,
    Output,
    Param,
    bars,
    ema_settles,
    wilder_settles,
    window,
)
from market.indicators.talib_functions import talib
from market.indicators.undefined import ratio, where_still

CHANNEL = (Output("upper", "Upper", "band"), Output("middle", "Middle"), Output("lower", "Lower", "band"))
YEAR_MS = 365 * TIMEFRAMES["1d"].ms
DEVIATIONS = Param("deviations", 2.0, 0.5, 5.0)


def bollinger(candles: Candles, bars: int, deviations: float) -> tuple[Floats, ...]:
    """(upper, middle, lower): the mean of `bars` closes, and so many population standard deviations around it."""
    lines: tuple[Floats, ...] = talib.BBANDS(candles.close, bars, deviations, deviations)
    return lines


def bollinger_width(candles: Candles, bars: int, deviations: float) -> tuple[Floats, ...]:
    """How far the Bollinger bands are apart, in percent of their middle."""
    upper, middle, lower = bollinger(candles, bars, deviations)
    return (100 * (upper - lower) / middle,)


def bollinger_place(candles: Candles, bars: int, deviations: float) -> tuple[Floats, ...]:
    """Where the close stands between the Bollinger bands: 0 on the lower, 1 on the upper; NaN where they meet."""
    upper, _, lower = bollinger(candles, bars, deviations)
    return (ratio(candles.close - lower, upper - lower),)


def keltner(candles: Candles, bars: int, atr_bars: int, factor: float) -> tuple[Floats, ...]:
    """(upper, middle, lower): the EMA of `bars` typical prices, and `factor` ATRs around it."""
    prices = candles.high, candles.low, candles.close
    lines: tuple[Floats, ...] = talib.KC(*prices, bars, atr_bars, factor)
    return lines


def donchian(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(highest high, middle, lowest low) of the last `bars`, the newest included."""
    lines: tuple[Floats, ...] = talib.DONCHIAN(candles.high, candles.low, bars)
    return lines


def atr(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Wilder's mean of the true range, in price."""
    return (talib.ATR(candles.high, candles.low, candles.close, bars),)


def natr(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """ATR in percent of the close."""
    return (talib.NATR(candles.high, candles.low, candles.close, bars),)


def deviation(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Population standard deviation of the last `bars` closes, in price."""
    return (talib.STDDEV(candles.close, bars),)


def choppiness(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """100·log10(Σ true range / (highest high − lowest low)) / log10(bars), after Dreiss; NaN where the range is 0."""
    high, low = candles.high, candles.low
    steps = talib.SUM(talib.TRANGE(high, low, candles.close), bars)
    widest = talib.MAX(high, bars) - talib.MIN(low, bars)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 100 * np.log10(ratio(steps, widest)) / np.log10(bars)
    values[np.isinf(values)] = np.nan
    return (values,)


def ulcer(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Martin's ulcer index: root mean square of the percentage fall from the highest close. By `ta`."""
    return (by_ta.ulcer(candles.close, bars),)


def historical(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Population standard deviation of the last `bars` log returns, in percent a year of 365 days of such bars."""
    if len(candles) < 2:
        return (np.full(len(candles), np.nan),)
    grown = ratio(candles.close[1:], candles.close[:-1])
    moves = np.log(np.where(grown > 0, grown, np.nan))
    a_year = YEAR_MS / step_of(candles)
    return (np.concatenate(([np.nan], 100 * math.sqrt(a_year) * talib.STDDEV(moves, bars))),)


def relative_volatility(candles: Candles, bars: int, spread: int) -> tuple[Floats, ...]:
    """Wilder's mean of the deviations of `spread` closes at rises as a share of that at all bars, 0 … 100 (Dorsey)."""
    return (where_still(talib.RVI(candles.close, bars, spread), candles.close),)


def average_range(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean of high − low over `bars`, in price."""
    return (talib.ADR(candles.high, candles.low, bars),)


def _own(key: str, title: str, default: int, function: Function, about: str, first: Bar, settled: Bar) -> Indicator:
    return Indicator(
        key,
        title,
        (bars(default),),
        "own",
        (Output(key, title),),
        function,
        about,
        first,
        settled,
    )


ENTRIES = (
    Indicator(
        "bb",
        "Bollinger",
        (bars(20), DEVIATIONS),
        "price",
        CHANNEL,
        bollinger,
        "Mean of the close with bands of standard deviations around it.",
        window,
        window,
    ),
    Indicator(
        "keltner",
        "Keltner",
        (bars(20), Param("atr", 10, 1, LONGEST), Param("factor", 2.0, 0.5, 10.0)),
        "price",
        CHANNEL,
        keltner,
        "EMA of the typical price with bands of average true ranges around it.",
        lambda bars, atr, _factor: max(bars - 1, atr),
        lambda bars, atr, _factor: max(bars - 1 + ema_settles(bars), atr + wilder_settles(atr)),
    ),
    Indicator(
        "donchian",
        "Donchian",
        (bars(20),),
        "price",
        CHANNEL,
        donchian,
        "Highest high and lowest low of the last bars, and the middle between them.",
        window,
        window,
    ),
    Indicator(
        "atr",
        "ATR",
        (bars(14, 1),),
        "own",
        (Output("atr", "ATR"),),
        atr,
        "Average true range after Wilder: how far prices move in a bar.",
        lambda bars: bars,
        lambda bars: bars + wilder_settles(bars),
    ),
    _own(
        "natr",
        "ATR %",
        14,
        natr,
        "Average true range in percent of the price, comparable between markets.",
        lambda bars: bars,
        lambda bars: bars + wilder_settles(bars),
    ),
    Indicator(
        "bbw",
        "Bollinger width",
        (bars(20), DEVIATIONS),
        "own",
        (Output("width", "Width"),),
        bollinger_width,
        "Distance of the Bollinger bands in percent of their middle: small before large moves.",
        window,
        window,
    ),
    Indicator(
        "bbp",
        "Bollinger %B",
        (bars(20), DEVIATIONS),
        "own",
        (Output("place", "%B"),),
        bollinger_place,
        "Where the close stands between the Bollinger bands: 0 on the lower one, 1 on the upper.",
        window,
        window,
        levels=(0.0, 1.0),
    ),
    _own("stddev", "Deviation", 20, deviation, "Standard deviation of the close, in price.", window, window),
    Indicator(
        "chop",
        "Choppiness",
        (bars(14),),
        "own",
        (Output("chop", "CHOP"),),
        choppiness,
        "How much of the way was back and forth: 100 for none but that, low in a straight trend.",
        lambda bars: bars,
        lambda bars: bars,
        levels=(38.2, 61.8),
    ),
    _own(
        "ulcer",
        "Ulcer index",
        14,
        ulcer,
        "Depth and length of falls from the last high, in percent.",
        lambda bars: 2 * (bars - 1),
        lambda bars: 2 * (bars - 1),
    ),
    _own(
        "hv",
        "Historical volatility",
        10,
        historical,
        "Standard deviation of returns, in percent a year.",
        lambda bars: bars,
        lambda bars: bars,
    ),
    _own(
        "adr",
        "Average range",
        14,
        average_range,
        "Mean of high less low, gaps left out; on daily bars the average day range.",
        window,
        window,
    ),
    Indicator(
        "rvi",
        "Relative volatility",
        (bars(14), Param("spread", 10, 2, LONGEST)),
        "own",
        (Output("rvi", "RVI"),),
        relative_volatility,
        "Dorsey's index: an RSI of deviations, above 50 where prices spread while they rise.",
        lambda bars, spread: bars + spread - 2,
        lambda bars, spread: bars + spread - 2 + wilder_settles(bars),
        levels=(40.0, 60.0),
    ),
)
