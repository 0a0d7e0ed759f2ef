"""Conformal prediction sets: the classes that cannot be ruled out at a chosen certainty.

Split conformal prediction with the least ambiguous sets (LAC; Sadinle, Lei, Wasserman 2019): the score of a row is one
minus the probability given to what happened; the threshold is the (1 − alpha) quantile of these scores over rows the
network did not learn from, with the correction for a finite sample. On exchangeable rows what happens is then in the
set with the probability that was asked for; markets are not exchangeable, so the coverage out of sample is measured.
"""

import math

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml.card import CLASSES

TARGET = 0.9
Flags = npt.NDArray[np.bool_]


def fit(p: Floats, y: npt.NDArray[np.int8], target: float = TARGET) -> float:
    """The least probability a class needs to stay in the set: (n, 3) probabilities of validation rows, their classes.

    0 (every class stays) where there are too few rows to rule anything out.
    """
    scores = np.sort(1.0 - p[np.arange(len(y)), y])
    rank = math.ceil((len(scores) + 1) * target)
    return float(max(1.0 - scores[rank - 1], 0.0)) if 0 < rank <= len(scores) else 0.0


def sets(p: Floats, threshold: float | Floats) -> Flags:
    """(n, 3) which classes stay; the likeliest always does. `threshold`: one number, or one a row."""
    limit = np.broadcast_to(np.asarray(threshold, dtype=np.float64).reshape(-1, 1), (len(p), 1))
    inside: Flags = p >= limit - 1e-12
    inside[np.arange(len(p)), p.argmax(axis=1)] = True
    return inside


def word(inside: npt.NDArray[np.bool_]) -> str:
    """A set of one row as it is written down, such as `neutral,bullish`."""
    return ",".join(name for name, stays in zip(CLASSES, inside, strict=True) if stays)
