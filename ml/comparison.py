"""Diebold–Mariano: does one forecast lose less than another, given that overlapping labels make losses correlated?

Errors of forecasts h bars ahead are correlated over h − 1 bars. Weights that fall with the lag (Bartlett, as in Newey &
West 1987) see two thirds of the variance of overlapping labels only, and few calls make any estimate too small: of
random walks such a test passes 8 to 15 % where it promises 5 % (ADR 0017). Hence the larger of two variances, with all
lags up to h − 1 in full (Diebold & Mariano 1995) and with Bartlett's weights; the correction of Harvey, Leybourne &
Newbold (1997, Int. J. Forecasting 13:281-291), the statistic times √((n + 1 − 2h + h(h − 1)/n) / n); and Student's t
in place of the normal distribution. They take n − 1 degrees of freedom; a variance estimated from n/h stretches that
do not overlap has n/h − 1, which is taken here and keeps the promise better (ADR 0017).
"""

import math

import numpy as np

from core.ohlcv import Floats, Times
from ml import student
from ml.card import Comparison

SIGNIFICANT = 0.05


def long_run_variance(sums: Floats, lag: int) -> float:
    """Variance of the total of a series with mean 0 that is correlated up to `lag`; never below Bartlett's."""
    full = falling = float(sums @ sums)
    for k in range(1, min(lag, len(sums) - 1) + 1):
        both = 2 * float(sums[k:] @ sums[:-k])
        full += both
        falling += (1 - k / (lag + 1)) * both
    return max(full, falling, 0.0)


def small_sample(n: int, horizon: int) -> float:
    """The factor of Harvey, Leybourne & Newbold for n forecasts; 0 where there are no more than `horizon`."""
    if n <= horizon:
        return 0.0
    return math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)


def overlapping(t0: Times, horizon_ms: int) -> int:
    """The most moments any stretch of one horizon holds, itself included: calls farther apart share no bar.

    Bars of the horizon where every bar is called, fewer where calls are made every few bars only. Where they come in
    bursts (on demand, in one kind of market, around a hole) the densest stretch decides: never too few lags.
    """
    moments = np.unique(t0)
    inside = np.arange(len(moments)) - np.searchsorted(moments, moments - horizon_ms, side="right")
    return int(inside.max(initial=0)) + 1


def degrees(n: int, horizon: int) -> float:
    """Degrees of freedom of n overlapping forecasts, never below 1."""
    return max(n / horizon - 1, 1.0)


def compare(model: Floats, baseline: Floats, t0: Times, *, horizon: int) -> Comparison:
    """`model`, `baseline`: (n,) losses of the same rows. Losses of one moment in several markets count as one term.

    `horizon`: how many moments one after another overlap (`overlapping`), itself included: lags go up to one less.

    One-sided p-value and 95 % interval. With no more moments than `horizon` nothing can be shown: p is 0.5.
    """
    difference = baseline - model
    gain = float(difference.mean())
    _, moment = np.unique(t0, return_inverse=True)
    sums = np.bincount(moment, difference - gain).astype(np.float64)
    n = len(sums)
    error = math.sqrt(long_run_variance(sums, horizon - 1)) / len(difference)
    if error < 1e-12:
        return Comparison(gain, [gain, gain], 0.0, 0.5 if abs(gain) < 1e-12 else float(gain < 0), gain > 1e-12)
    factor = small_sample(n, horizon)
    if factor == 0:
        widest = float(np.abs(difference).max())
        return Comparison(gain, [-widest, widest], 0.0, 0.5, False)
    statistic = factor * gain / error
    p_value = student.upper_tail(statistic, degrees(n, horizon))
    half = student.critical(SIGNIFICANT / 2, degrees(n, horizon)) * error / factor
    return Comparison(gain, [gain - half, gain + half], statistic, p_value, p_value < SIGNIFICANT)
