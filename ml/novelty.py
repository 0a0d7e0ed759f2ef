"""Is a bar unlike anything the model has learned from? Then it had better not call.

Mahalanobis distance of the bar's scaled features from the train rows, in units of the distance that 99.5 % of the train
rows stay within: above 1 the bar is novel. Fitted on train rows alone.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats

WITHIN = 0.995  # of the train rows are no novelty
RIDGE = 1e-6  # added to the covariance, so that a feature that never moved does no harm


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """`mean`: (features,); `precision`: (features, features); `limit`: the distance called 1."""

    mean: Floats
    precision: Floats
    limit: float

    def of(self, bars: npt.NDArray[np.floating]) -> Floats:
        """(n,) novelty of (n, features) scaled bars; above 1 is beyond what was learned from."""
        apart = bars.astype(np.float64) - self.mean
        squared = np.einsum("ij,jk,ik->i", apart, self.precision, apart)
        found: Floats = np.sqrt(np.maximum(squared, 0.0)) / self.limit
        return found

    def to_dict(self) -> dict[str, Any]:
        return {"mean": self.mean.tolist(), "precision": self.precision.tolist(), "limit": self.limit}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(np.array(data["mean"]), np.array(data["precision"]), float(data["limit"]))


def fit(bars: npt.NDArray[np.floating]) -> Novelty:
    """From (n, features) scaled features of the bars that train rows were decided on."""
    rows = bars.astype(np.float64)
    covariance = np.atleast_2d(np.cov(rows, rowvar=False)) + RIDGE * np.eye(rows.shape[1])
    inverse: Floats = np.linalg.inv(covariance).astype(np.float64)
    raw = Novelty(rows.mean(axis=0), inverse, 1.0)
    return Novelty(raw.mean, raw.precision, max(float(np.quantile(raw.of(rows), WITHIN)), 1e-9))
