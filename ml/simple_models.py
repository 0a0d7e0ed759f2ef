"""Logistic regression and gradient boosting as plain arrays: what a version keeps of them, and what they say.

Nothing is pickled, and whoever asks them needs no scikit-learn. `ml.simple_export` makes them of what was fitted.
"""

import io
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml.card import CLASSES
from ml.windows import Table

LOGISTIC, BOOSTING = KEYS = ("logistic", "boosting")
KEPT = 32  # files held as arrays at once; one is 50 kilobytes
State = dict[str, npt.NDArray[Any]]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Multinomial logistic regression on the last bar of a window.

    `classes`: (k,) the classes it knows; `weights`: (k, features); `bias`: (k,).
    """

    classes: Ints
    weights: Floats
    bias: Floats

    def say(self, windows: Table) -> Floats:
        """(n, 3) probabilities of (n, bars, features) windows."""
        return _chances(self.classes, windows[:, -1].astype(np.float64) @ self.weights.T + self.bias)

    def demand(self, features: int) -> None:
        """Raise ValueError where the arrays do not fit each other or windows of so many features."""
        k = _demand_classes(self.classes)
        _demand(self.weights, (k, features))
        _demand(self.bias, (k,))


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Boosted trees on the whole window, one bar after another.

    `classes`: (k,) the classes they know; `start`: (k,) scores before any tree; `roots`, `adds_to`: (trees,) first node
    and which of the k scores a tree adds to. `links`: (nodes, 3) number of the input a node asks for, −1 in a leaf, and
    the nodes where it is at most the threshold, or above. `values`: (nodes, 2) threshold, and what a leaf adds.
    """

    classes: Ints
    start: Floats
    roots: Ints
    adds_to: Ints
    links: Ints
    values: Floats

    def say(self, windows: Table) -> Floats:
        """(n, 3) probabilities of (n, bars, features) windows."""
        flat = windows.reshape(len(windows), -1)
        at = np.tile(self.roots, (len(flat), 1))
        row = np.arange(len(flat))[:, None]
        while (asked := self.links[at, 0]).max(initial=-1) >= 0:
            below = flat[row, np.maximum(asked, 0)] <= self.values[at, 0]
            at = np.where(asked < 0, at, np.where(below, self.links[at, 1], self.links[at, 2]))
        sums = self.values[at, 1] @ np.eye(len(self.classes))[self.adds_to]
        return _chances(self.classes, self.start + sums)

    def demand(self, inputs: int) -> None:
        """Raise ValueError where the arrays do not fit each other or windows of so many numbers. Links lead to later
        nodes alone, so that every walk ends."""
        k, nodes = _demand_classes(self.classes), len(self.links)
        _demand(self.start, (k,))
        _demand(self.values, (nodes, 2))
        within = self.roots.ndim == 1 and self.links.shape == (nodes, 3) and self.adds_to.shape == self.roots.shape
        if not within or not (_between(self.roots, 0, nodes) and _between(self.adds_to, 0, k)):
            raise ValueError("trees begin outside the nodes, or add to no score")
        own, asked = np.arange(nodes)[:, None], self.links[:, 0]
        forks = asked >= 0
        later = (self.links[:, 1:] > own)[forks].all()
        if not (_between(asked, -1, inputs) and later and _between(self.links[forks, 1:], 0, nodes)):
            raise ValueError("a node of a tree leads nowhere")


@dataclass(frozen=True, slots=True, eq=False)
class SimpleModels:
    """Both, as a version keeps them in one file."""

    logistic: Linear
    boosting: Trees

    def say(self, windows: Table) -> dict[str, Floats]:
        """(n, 3) probabilities each, by key."""
        return {LOGISTIC: self.logistic.say(windows), BOOSTING: self.boosting.say(windows)}

    def arrays(self) -> State:
        parts = ((LOGISTIC, self.logistic), (BOOSTING, self.boosting))
        return {f"{key}_{name}": getattr(part, name) for key, part in parts for name in part.__slots__}

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as found:
                linear = Linear(*(found[f"{LOGISTIC}_{name}"] for name in Linear.__slots__))
                trees = Trees(*(found[f"{BOOSTING}_{name}"] for name in Trees.__slots__))
        except (OSError, EOFError, KeyError, zipfile.BadZipFile) as fault:
            raise ValueError("no arrays of baselines") from fault
        return cls(linear, trees)

    def demand(self, bars: int, features: int) -> None:
        """Raise ValueError where they do not fit windows of so many bars and features."""
        self.logistic.demand(features)
        self.boosting.demand(bars * features)


@lru_cache(maxsize=KEPT)
def read(content: bytes, bars: int, features: int) -> SimpleModels:
    """From a file; raises ValueError where it holds no such models, or some for other windows than these."""
    found = SimpleModels.from_bytes(content)
    found.demand(bars, features)
    return found


def _chances(classes: Ints, scores: Floats) -> Floats:
    """(n, 3) softmax of (n, k) scores; a class that was never seen has no chance."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found = np.zeros((len(scores), len(CLASSES)))
    found[:, classes] = raised / raised.sum(axis=1, keepdims=True)
    return found


def _demand_classes(classes: Ints) -> int:
    if classes.ndim != 1 or not len(classes) or not _between(classes, 0, len(CLASSES)):
        raise ValueError("classes are none")
    if (np.diff(classes) <= 0).any():
        raise ValueError("classes are not in their order")
    return len(classes)


def _demand(values: Floats, shape: tuple[int, ...]) -> None:
    if values.dtype.kind != "f" or values.shape != shape or not np.isfinite(values).all():
        raise ValueError(f"{values.shape} are not {shape} finite numbers")


def _between(numbers: Ints, least: int, end: int) -> bool:
    return numbers.dtype.kind == "i" and bool(((numbers >= least) & (numbers < end)).all())
