"""The ten features of a bar. Ratios only: no price level, so that a bar of 2017 is comparable with one of 2021.

Every feature of bar i is a function of bars up to i; all are NaN until TA-Lib has warmed up. EMA and Wilder averages
remember the start of the series: `LEAD` bars before the first one that counts make that start invisible (below 1e-8).
"""

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators.talib_functions import talib
from ml.card import Feature

LEAD = 1_000  # bars; (49/51)^1000 of EMA 50 and (99/101)^1000 of the labels' sigma are left
VOLUME_SPAN = 50

FEATURES: tuple[Feature, ...] = (
    Feature("log_return", "Log return", "ln(close / previous close); none on the first candle after a hole"),
    Feature("range", "Range", "(high − low) / close"),
    Feature("close_position", "Close in the range", "(close − low) / (high − low); 0.5 on a flat candle"),
    Feature("volume_z", "Volume z-score", f"standard deviations of volume from its mean over {VOLUME_SPAN} bars"),
    Feature("rsi_14", "RSI 14", "RSI 14 / 100"),
    Feature("macd_over_price", "MACD histogram", "MACD (12, 26, 9) histogram / close"),
    Feature("ema_20_distance", "Distance to EMA 20", "(close − EMA 20) / ATR 14"),
    Feature("ema_50_distance", "Distance to EMA 50", "(close − EMA 50) / ATR 14"),
    Feature("bollinger_b", "Bollinger %B", "(close − lower band) / (upper − lower), 20 bars, 2 σ"),
    Feature("atr_over_price", "ATR over price", "ATR 14 / close"),
)
NAMES = tuple(f.key for f in FEATURES)


def follows(candles: Candles, step_ms: int) -> np.ndarray:
    """(n,) bool: the candle before is the one directly before on the grid."""
    return np.concatenate(([False], np.diff(candles.time) == step_ms))[: len(candles)]


def log_returns(candles: Candles, step_ms: int) -> Floats:
    """(n,) ln(close / previous close); NaN on the first candle and after a hole."""
    returns = np.full(len(candles), np.nan)
    returns[1:] = np.diff(np.log(candles.close))
    returns[~follows(candles, step_ms)] = np.nan
    return returns


def compute(candles: Candles, step_ms: int) -> Floats:
    """(n, 10) features in the order of `FEATURES`; NaN in warm-up."""
    if not len(candles):
        return np.empty((0, len(FEATURES)))
    high, low, close = candles.high, candles.low, candles.close
    atr = talib.ATR(high, low, close, 14)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    mean, spread = talib.SMA(candles.volume, VOLUME_SPAN), talib.STDDEV(candles.volume, VOLUME_SPAN)
    calm = spread <= 1e-9 * mean  # volume that never changes leaves only rounding
    return np.column_stack(
        (
            log_returns(candles, step_ms),
            (high - low) / close,
            _ratio(close - low, high - low, 0.5),
            np.where(calm, 0.0, _ratio(candles.volume - mean, spread, 0.0)),
            talib.RSI(close, 14) / 100,
            talib.MACD(close, 12, 26, 9)[2] / close,
            _ratio(close - talib.EMA(close, 20), atr, 0.0),
            _ratio(close - talib.EMA(close, 50), atr, 0.0),
            np.where(upper - lower <= 1e-12 * middle, 0.5, _ratio(close - lower, upper - lower, 0.5)),
            atr / close,
        )
    )


def _ratio(above: Floats, below: Floats, where_flat: float) -> Floats:
    """above / below; `where_flat` where below is 0; NaN where either is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0, np.where(np.isnan(above), np.nan, where_flat), above / below)
