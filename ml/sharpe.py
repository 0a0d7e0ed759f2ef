"""Would the calls have paid? Daily returns after costs, and how sure one can be that they are not luck.

A bullish call buys at the open of the next bar and ends with its label, a bearish one sells; neutral and abstained ones
stay out. In one market at most one position is open: calls made while it stands are passed over. Capital is spread
evenly over the markets. A day's return is the sum over the positions that ended on it.
"""

from math import erf, sqrt

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats, Times
from ml.evaluation import Classes

DAY_MS = 86_400_000
LEAST_DAYS = 30  # below these no probability is given
NEUTRAL = 1


def daily(
    market: npt.NDArray[np.int64],
    open_ms: Times,
    until_ms: Times,
    said: Classes,
    ret: Floats,
    *,
    cost: float,
) -> Floats:
    """(days,) returns after `cost` a round trip, from the first decision's day to the last end's. `ret`: log return."""
    if not len(open_ms):
        return np.empty(0)
    first = int(open_ms.min()) // DAY_MS
    days = np.zeros(int(until_ms.max()) // DAY_MS - first + 1)
    numbers = np.unique(market)
    for number in numbers:
        mine = np.nonzero((market == number) & (said != NEUTRAL))[0]
        mine = mine[np.argsort(open_ms[mine], kind="stable")]
        free = -1
        for row in mine:
            if open_ms[row] < free:
                continue
            free = int(until_ms[row])
            gross = float(np.expm1(ret[row])) * (1 if said[row] > NEUTRAL else -1)
            days[free // DAY_MS - first] += (gross - cost) / len(numbers)
    return days


def probabilistic(returns: Floats, benchmark: float = 0.0) -> float | None:
    """Probability that the true Sharpe ratio (per period) lies above `benchmark`; None where nothing can be said.

    PSR = Φ((SR − SR*)·√(n−1) / √(1 − γ₃·SR + (γ₄−1)/4·SR²)), γ₄ raw: 3 for a normal one (Bailey & López de Prado 2012).
    """
    n = len(returns)
    spread = float(returns.std(ddof=1)) if n > 1 else 0.0
    if n < LEAST_DAYS or spread < 1e-12:
        return None
    ratio = float(returns.mean()) / spread
    z = (returns - returns.mean()) / returns.std()
    skew, kurtosis = float((z**3).mean()), float((z**4).mean())
    under = 1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2
    if under <= 0:
        return None
    return 0.5 * (1 + erf((ratio - benchmark) * sqrt(n - 1) / sqrt(under) / sqrt(2)))
