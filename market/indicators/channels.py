"""Channels and stops around the price. By TA-Lib's parts."""

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators.indicator import LONGEST, Indicator, Output, Param, bars, wilder_settles, window
from market.indicators.talib_functions import talib

CHANNEL = (Output("upper", "Upper", "band"), Output("middle", "Middle"), Output("lower", "Lower", "band"))
ALLIGATOR = ((13, 8), (8, 5), (5, 3))  # Williams': bars of each mean, and by how many it is drawn later


def envelopes(candles: Candles, bars: int, percent: float) -> tuple[Floats, ...]:
    """(upper, middle, lower): the mean of `bars` closes, and so many percent of it above and below."""
    middle = talib.SMA(candles.close, bars)
    return middle * (1 + percent / 100), middle, middle * (1 - percent / 100)


def regression(candles: Candles, bars: int, deviations: float) -> tuple[Floats, ...]:
    """(upper, middle, lower): where the line fitted to the last `bars` closes ends, and its residuals' deviations.

    The channel as it was known at each bar; its deviation is √(Σ residual² / (bars − 1)), as TradingView counts it.
    """
    close, ends = candles.close, talib.LINEARREG(candles.close, bars)
    slope, spread = talib.LINEARREG_SLOPE(close, bars), talib.STDDEV(close, bars)
    left = spread * spread - slope * slope * (bars * bars - 1) / 12  # variance of what the line does not explain
    wide = deviations * np.sqrt(np.maximum(left, 0.0) * bars / (bars - 1))
    return ends + wide, ends, ends - wide


def chande_kroll(candles: Candles, bars: int, factor: float, stop: int) -> tuple[Floats, ...]:
    """(for long, for short): extremes over `bars` less or plus `factor` ATRs, and the furthest of them over `stop`."""
    wide = factor * talib.ATR(candles.high, candles.low, candles.close, bars)
    high, low = talib.MAX(candles.high, bars) - wide, talib.MIN(candles.low, bars) + wide
    return _over(talib.MAX, high, stop), _over(talib.MIN, low, stop)


def alligator(candles: Candles) -> tuple[Floats, ...]:
    """(jaw, teeth, lips): Wilder's means of the bars' middles over 13, 8 and 5 bars, drawn 8, 5 and 3 bars later."""
    middle = talib.MEDPRICE(candles.high, candles.low)
    return tuple(_later(talib.RMA(middle, span), shift) for span, shift in ALLIGATOR)


def _later(series: Floats, by: int) -> Floats:
    return np.concatenate((np.full(min(by, len(series)), np.nan), series[: max(len(series) - by, 0)]))


def _over(extreme: object, series: Floats, count: int) -> Floats:
    made: Floats = series if count == 1 else extreme(series, count)  # type: ignore[operator]
    return made


ENTRIES = (
    Indicator(
        "env",
        "Envelopes",
        (bars(20), Param("percent", 10.0, 0.1, 50.0)),
        "price",
        CHANNEL,
        envelopes,
        "Mean of the close with bands some percent around it.",
        window,
        window,
    ),
    Indicator(
        "lrc",
        "Regression channel",
        (bars(100, 3), Param("deviations", 2.0, 0.5, 5.0)),
        "price",
        CHANNEL,
        regression,
        "End of the line fitted to the last closes, with bands of what is left of them, as it was known at each bar.",
        window,
        window,
    ),
    Indicator(
        "cks",
        "Chande Kroll stop",
        (bars(10), Param("factor", 1.0, 0.5, 10.0), Param("stop", 9, 1, LONGEST)),
        "price",
        (Output("long", "Long"), Output("short", "Short")),
        chande_kroll,
        "Stops some ATRs from recent extremes, and the furthest of the last ones.",
        lambda bars, _factor, stop: bars + stop - 1,
        lambda bars, _factor, stop: bars + wilder_settles(bars) + stop - 1,
    ),
    Indicator(
        "alligator",
        "Alligator",
        (),
        "price",
        (Output("jaw", "Jaw"), Output("teeth", "Teeth"), Output("lips", "Lips")),
        alligator,
        "Williams' three smoothed averages, drawn later: apart in a trend, entwined without one.",
        lambda: 20,
        lambda: 20 + wilder_settles(13),
    ),
)
