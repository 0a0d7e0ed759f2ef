"""Diebold–Mariano: does one forecast lose less than another, given that overlapping labels make losses correlated?"""

import math

import numpy as np

from core.ohlcv import Floats, Times
from ml.card import Comparison

SIGNIFICANT = 0.05
WIDTH_95 = 1.959964


def long_run_variance(sums: Floats, lag: int) -> float:
    """Newey–West variance of the total of a series with mean 0: Bartlett weights up to `lag`."""
    total = float(sums @ sums)
    for k in range(1, min(lag, len(sums) - 1) + 1):
        total += 2 * (1 - k / (lag + 1)) * float(sums[k:] @ sums[:-k])
    return max(total, 0.0)


def compare(model: Floats, baseline: Floats, t0: Times, *, horizon: int) -> Comparison:
    """`model`, `baseline`: (n,) losses of the same rows. Losses of one moment in several markets count as one term.

    HAC lag horizon − 1; one-sided p-value of the normal limit (Diebold & Mariano 1995).
    """
    difference = baseline - model
    gain = float(difference.mean())
    _, moment = np.unique(t0, return_inverse=True)
    sums = np.bincount(moment, difference - gain).astype(np.float64)
    error = math.sqrt(long_run_variance(sums, horizon - 1)) / len(difference)
    if error < 1e-12:
        return Comparison(gain, [gain, gain], 0.0, 0.5 if abs(gain) < 1e-12 else float(gain < 0), gain > 1e-12)
    statistic = gain / error
    p_value = 0.5 * math.erfc(statistic / math.sqrt(2))
    interval = [gain - WIDTH_95 * error, gain + WIDTH_95 * error]
    return Comparison(gain, interval, statistic, p_value, p_value < SIGNIFICANT)
