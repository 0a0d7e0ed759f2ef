"""The figures beside a chart: range, changes, volume and volatility, from closed candles."""

from dataclasses import dataclass

import numpy as np

from core.ohlcv import Candles

DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
FEWEST_RETURNS = 30  # a volatility of fewer is no figure


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Changes and volatility are shares (0.01 is 1 %), volume is in units of the base; None where data are too few."""

    last: float
    low_day: float | None
    high_day: float | None
    change_day: float | None
    change_week: float | None
    volume_day: float | None
    volatility: float | None


def key_figures(candles: Candles, step_ms: int) -> KeyFigures | None:
    """Figures at the newest candle; None of none. `candles` reach back 30 days for the volatility, a year's worth."""
    if not len(candles):
        return None
    last = float(candles.close[-1])
    day = candles[candles.time > candles.time[-1] - DAY_MS] if step_ms <= DAY_MS else candles[:0]
    return KeyFigures(
        last=last,
        low_day=float(day.low.min()) if len(day) else None,
        high_day=float(day.high.max()) if len(day) else None,
        change_day=_change(candles, DAY_MS, step_ms),
        change_week=_change(candles, 7 * DAY_MS, step_ms),
        volume_day=float(day.volume.sum()) if len(day) else None,
        volatility=_volatility(candles, step_ms),
    )


def _change(candles: Candles, back_ms: int, step_ms: int) -> float | None:
    """From the close so long ago to the last one; None where the candle of that time is missing."""
    if back_ms < step_ms:
        return None
    then = int(np.searchsorted(candles.time, candles.time[-1] - back_ms))
    if then >= len(candles) or candles.time[then] != candles.time[-1] - back_ms:
        return None
    return float(candles.close[-1] / candles.close[then] - 1)


def _volatility(candles: Candles, step_ms: int) -> float | None:
    """Standard deviation of log returns over the newest 30 days, scaled to a year of 365 days."""
    recent = candles[candles.time >= candles.time[-1] - 30 * DAY_MS]
    together = np.diff(recent.time) == step_ms  # no return spans a gap
    returns = np.diff(np.log(recent.close))[together]
    if len(returns) < FEWEST_RETURNS:
        return None
    return float(np.std(returns, ddof=1) * np.sqrt(YEAR_MS / step_ms))
