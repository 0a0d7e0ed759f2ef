"""What the `ta` package calculates for Bolt, where TA-Lib has no such function.

`ta` needs pandas: both are loaded when one of these is first drawn, never before. Some of its warm-ups hold values of
incomplete windows; every warm-up here is NaN instead.
"""

import numpy as np

from core.ohlcv import Candles, Floats

STC_SMOOTH = 3  # bars of the two EMAs inside Schaff's cycle
EOM_SCALE = 1e8  # `ta`'s own: volumes are large against prices


def stc(close: Floats, cycle: int, fast: int, slow: int) -> Floats:
    """Schaff's trend cycle, 0 … 100; where MACD stands still it keeps its last value."""
    warm_up = slow - 1 + 2 * (cycle - 1) + 2 * (STC_SMOOTH - 1)
    if len(close) <= warm_up:
        return np.full(len(close), np.nan)
    import pandas as pd
    from ta.trend import STCIndicator

    return _after(warm_up, STCIndicator(pd.Series(close), slow, fast, cycle, STC_SMOOTH, STC_SMOOTH).stc())


def ulcer(close: Floats, bars: int) -> Floats:
    """Root of the mean square of the percentage fall from the highest close, each of the last `bars`."""
    warm_up = 2 * (bars - 1)
    if len(close) <= warm_up:
        return np.full(len(close), np.nan)
    import pandas as pd
    from ta.volatility import UlcerIndex

    return _after(warm_up, UlcerIndex(pd.Series(close), bars).ulcer_index())


def ease_of_movement(candles: Candles, bars: int) -> Floats:
    """Mean over `bars` of the move of the bar's middle times its range over its volume; NaN where one had no volume."""
    if len(candles) <= bars:
        return np.full(len(candles), np.nan)
    import pandas as pd
    from ta.volume import EaseOfMovementIndicator

    traded = np.where(candles.volume > 0, candles.volume, np.nan)
    frame = [pd.Series(column) for column in (candles.high, candles.low, traded)]
    return _after(bars, EaseOfMovementIndicator(*frame, bars).sma_ease_of_movement())


def _after(warm_up: int, line: object) -> Floats:
    values = np.array(line, dtype=np.float64)
    values[:warm_up] = np.nan
    values[np.isinf(values)] = np.nan
    return values
