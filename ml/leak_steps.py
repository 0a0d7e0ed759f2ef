"""One step of a walk-forward as the leak lab holds it under the lamp, and how differences are measured and told."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml import dataset
from ml.config import TrainingConfig
from ml.dataset import Compute, Dataset, Frame
from ml.scaling import Scaler
from ml.splits import Borders

CUTS = 12  # places a history is truncated at
Fitted = npt.NDArray[np.floating[Any]] | float
Fit = Callable[[Dataset, Floats], Fitted]  # rows, and (all rows, 3) what a network says of them
Fits = dict[str, tuple[str, Fit]]  # by what is fitted: the one segment it may depend on, and how it is fitted


class Prepare(Protocol):
    """From candles to the rows of one step, the newest where nothing is said."""

    def __call__(self, frames: Sequence[Frame], config: TrainingConfig, /, *, fold: int = -1) -> Dataset: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One step under examination. `borders`: where its segments have to lie, whatever `data` says."""

    frames: Sequence[Frame]
    config: TrainingConfig
    compute: Compute
    prepare: Prepare
    fits: Fits
    fold: int
    borders: Borders
    data: Dataset


@dataclass(frozen=True, slots=True)
class Seen:
    """What an audit found in one step; `told` is empty where all is well."""

    told: str
    measured: float
    of: int = 0


def raw_of(step: Step) -> Floats:
    """Features of the candles up to the end of the step, of all markets."""
    found = []
    for frame in step.frames:
        until = int(np.searchsorted(frame.candles.time, step.borders.end))
        found.append(step.compute(frame.candles[:until], step.config.step.ms))
    return np.concatenate(found)


def step_of(
    frames: Sequence[Frame], config: TrainingConfig, compute: Compute, prepare: Prepare,
    fits: Fits, fold: int,
) -> Step:  # fmt: skip
    """The step `fold`, counted from the oldest. Raises NotEnoughData."""
    data = prepare(frames, config, fold=fold)
    return Step(frames, config, compute, prepare, fits, fold, dataset.borders(frames, config)[fold], data)


def cuts(n: int) -> list[int]:
    """Places between a third of `n` and its end, the same for the same n; not on any round grid."""
    return sorted(int(c) for c in np.random.default_rng(n).integers(n // 3, n - 1, CUTS))


def differs(one: np.ndarray, other: np.ndarray, tolerance: float = 1e-7) -> np.ndarray:
    found: np.ndarray = ~np.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)
    return found


def told(distance: float) -> str:
    """A difference in words, one significant digit, never with an exponent."""
    if distance == 0:
        return "exactly the same"
    return f"differs by at most {Decimal(f'{distance:.0e}'):f}" if math.isfinite(distance) else "cannot be compared"


def apart(one: Scaler, other: Scaler) -> float:
    """The largest relative difference of means and deviations, in deviations."""
    spread = np.array(one.deviation)
    means = np.abs(np.array(one.mean) - np.array(other.mean)) / spread
    return float(max(means.max(), np.abs(np.array(other.deviation) / spread - 1).max()))
