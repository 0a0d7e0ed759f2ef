"""Heikin-Ashi bars: averages of candles that hide small moves back. They are no prices at which anything traded.

Definition as D. Valcu gave it in "Using the Heikin-Ashi technique", Technical Analysis of Stocks & Commodities,
February 2004.
"""

import numpy as np

from core.ohlcv import Candles

SETTLED = 60  # bars after which nothing is left of where the recursion began: 2^-60 of the first open


def heikin_ashi(candles: Candles) -> Candles:
    """Bars of the same times and volumes, (n,) each, in the unit of the prices.

    Close is the mean of open, high, low and close; open the middle of the bar before (of its own open and close in
    the first one); high and low reach over both. A hole in the series does not start the recursion anew.
    """
    if not len(candles):
        return candles
    close = (candles.open + candles.high + candles.low + candles.close) / 4
    opened = np.empty_like(close)
    opened[0] = (candles.open[0] + candles.close[0]) / 2
    for k in range(1, len(close)):
        opened[k] = (opened[k - 1] + close[k - 1]) / 2
    high = np.maximum(candles.high, np.maximum(opened, close))
    low = np.minimum(candles.low, np.minimum(opened, close))
    return Candles(candles.time, opened, high, low, close, candles.volume)
