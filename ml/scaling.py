"""Standardising features with mean and deviation of the TRAIN rows, kept as plain JSON."""

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.windows import Table

FURTHEST = 8.0  # deviations; a wick of 277 % must not silence the other features


@dataclass(frozen=True, slots=True)
class Scaler:
    """Per feature, in the order of `names`."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def apply(self, features: npt.NDArray[np.floating]) -> Table:
        """(n, features) float32, clipped at ±8 deviations; NaN stays NaN."""
        scaled = (features - np.array(self.mean)) / np.array(self.deviation)
        clipped: Table = np.clip(scaled, -FURTHEST, FURTHEST).astype(np.float32)
        return clipped

    def to_json(self) -> str:
        return json.dumps({"names": self.names, "mean": self.mean, "deviation": self.deviation}, indent=1)


def fit(names: tuple[str, ...], train_rows: npt.NDArray[np.floating]) -> Scaler:
    """Mean and standard deviation of (n, features) train rows; a feature that never moves keeps deviation 1."""
    deviation = train_rows.std(axis=0)
    deviation[deviation < 1e-12] = 1.0
    return Scaler(names, tuple(map(float, train_rows.mean(axis=0))), tuple(map(float, deviation)))


def from_json(text: str) -> Scaler:
    data = json.loads(text)
    return Scaler(tuple(data["names"]), tuple(data["mean"]), tuple(data["deviation"]))
