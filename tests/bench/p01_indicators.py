"""P1: thirteen indicator outputs over 1k, 10k and 100k candles, beside the `ta` package and bare TA-Lib.

`ta` is spared its WMA, which takes longer than all its others together: twelve of its outputs against thirteen.
"""

from typing import Any

import pandas as pd
import ta
import talib

from core.ohlcv import Candles
from market.indicators.catalog import parse
from market.indicators.compute import compute_all
from tests.bench.table import Row
from tests.bench.timing import median_ms
from tests.candles import walk

CHOSEN = [parse(key) for key in ("sma:20", "ema:12", "wma:9", "macd", "rsi:14", "stoch:14:3:3", "bb:20:2", "atr:14")]


def by_ta(frame: pd.DataFrame) -> list[Any]:
    """The same outputs but for WMA, all kept."""
    high, low, close = frame["high"], frame["low"], frame["close"]
    macd, bands = ta.trend.MACD(close), ta.volatility.BollingerBands(close)
    stochastic = ta.momentum.StochasticOscillator(high, low, close)
    return [
        ta.trend.SMAIndicator(close, 20).sma_indicator(),
        ta.trend.EMAIndicator(close, 12).ema_indicator(),
        macd.macd(),
        macd.macd_signal(),
        macd.macd_diff(),
        ta.momentum.RSIIndicator(close).rsi(),
        stochastic.stoch(),
        stochastic.stoch_signal(),
        bands.bollinger_hband(),
        bands.bollinger_mavg(),
        bands.bollinger_lband(),
        ta.volatility.AverageTrueRange(high, low, close).average_true_range(),
    ]


def by_talib(candles: Candles) -> list[Any]:
    """The same thirteen outputs by bare calls, all kept."""
    high, low, close = candles.high, candles.low, candles.close
    return [
        talib.SMA(close, 20),
        talib.EMA(close, 12),
        talib.WMA(close, 9),
        talib.MACD(close, 12, 26, 9),
        talib.RSI(close, 14),
        talib.STOCH(high, low, close, 14, 3, 0, 3, 0),
        talib.BBANDS(close, 20, 2, 2),
        talib.ATR(high, low, close, 14),
    ]


def run() -> list[Row]:
    rows = []
    for n in (1_000, 10_000, 100_000):
        candles = walk(n)
        frame = pd.DataFrame({name: getattr(candles, name) for name in ("open", "high", "low", "close", "volume")})
        repeat = max(5, 200_000 // n)
        bolt = median_ms(lambda candles=candles: compute_all(candles, CHOSEN), repeat)
        bare = median_ms(lambda candles=candles: by_talib(candles), repeat)
        slow = median_ms(lambda frame=frame: by_ta(frame), 5)
        what = f"13 indicator outputs, {n // 1_000}k candles"
        rows.append(Row("P1", what, "ta", slow, bolt, "ms", 50))
        rows.append(Row("P1", what, "bare TA-Lib", bare, bolt, "ms", 1.5, "at most"))
    return rows
