"""McNemar: is one forecaster right more often than another on the very same rows?

Only rows count where one alone was right (McNemar 1947, Psychometrika 12:153-157). If neither is better, each of those
falls to either side like a coin. The p-value is the mid-p of that binomial test, twice the one-sided one (Fagerland,
Lydersen & Laake 2013, BMC Med. Res. Methodol. 13:91), which gives 1 where both counts are equal.

The test asks for independent rows, and labels overlap: both counts are divided by the design effect, which is rows by
independent rows (`Metrics.independent`). Counts are then no whole numbers, hence the incomplete beta function in place
of binomial sums: P(X <= k) of n tosses is I_1/2(n - k, k + 1). It stands beside Diebold–Mariano and is no part of the
verdict.
"""

import numpy as np
import numpy.typing as npt

from ml import student
from ml.card_parts import McNemar

Flags = npt.NDArray[np.bool_]


def mid_p(one: float, other: float) -> float:
    """Two-sided mid-p of how often each alone was right; 1 where the counts are equal, or both 0."""
    few, many = min(one, other), max(one, other)
    if few == many:
        return 1.0
    below = student.incomplete_beta(0.5, many + 1, few) if few > 0 else 0.0  # P(X <= few - 1)
    return min(below + student.incomplete_beta(0.5, many, few + 1), 1.0)


def compare(model: Flags, baseline: Flags, *, independent: float) -> McNemar:
    """`model`, `baseline`: (n,) whether each was right; `independent`: what these n rows are worth."""
    one, other = int((model & ~baseline).sum()), int((baseline & ~model).sum())
    effect = max(len(model) / independent, 1.0) if independent > 0 else float(max(len(model), 1))
    return McNemar(one, other, effect, mid_p(one / effect, other / effect))
