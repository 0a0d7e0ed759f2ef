"""Forecasters that know little, beside which a model has to stand.

Those that only name a class (majority, persistence, momentum) give the frequencies with which each class followed in
the train rows when they said what they say now; without that their log loss would be infinite.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml import windows
from ml.dataset import Classes, Dataset
from ml.labels import BEARISH, BULLISH, NEUTRAL, shares
from ml.windows import Table

BOOSTED = 8_000  # train rows gradient boosting learns from: seconds, whatever the history
TREES = 40  # a class

Rows = npt.NDArray[np.int64]
Forecast = tuple[Floats, Classes | None]


@dataclass(frozen=True, slots=True)
class Known:
    """What a page says of a baseline; `simple` ones are no models."""

    key: str
    title: str
    about: str
    simple: bool


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A model of scikit-learn fitted on train rows; `say(dataset, rows)` gives (rows, 3) probabilities."""

    fitted: Any
    say: Callable[[Dataset, Rows], Floats]


@dataclass(frozen=True, slots=True)
class Forecaster(Known):
    """`forecast(dataset, rows)` learns from the train rows alone: probabilities (rows, 3), and the classes it names
    where they are not simply the likeliest ones. `learn`: how one that is a model is fitted, once for many rows."""

    forecast: Callable[[Dataset, Rows], Forecast]
    learn: Callable[[Dataset], Learned] | None = None


def prior(dataset: Dataset) -> Floats:
    """(3,) class shares of the train rows."""
    return shares(dataset.rows.y[dataset.parts.train])


def climatology(dataset: Dataset, rows: Rows) -> Forecast:
    return np.tile(prior(dataset), (len(rows), 1)), None


def majority(dataset: Dataset, rows: Rows) -> Forecast:
    said = np.full(len(dataset.rows.y), prior(dataset).argmax(), dtype=np.int8)
    return _given_what_it_says(dataset, said, rows)


def persistence(dataset: Dataset, rows: Rows) -> Forecast:
    return _given_what_it_says(dataset, dataset.rows.said_before, rows)


def momentum(dataset: Dataset, rows: Rows) -> Forecast:
    return _given_what_it_says(dataset, dataset.rows.momentum, rows)


def logistic(dataset: Dataset, rows: Rows) -> Forecast:
    """Multinomial logistic regression on the ten features of the last bar."""
    return learn_logistic(dataset).say(dataset, rows), None


def learn_logistic(dataset: Dataset) -> Learned:
    from sklearn.linear_model import LogisticRegression  # a second to import; only a training needs it

    fitted = LogisticRegression(max_iter=500)
    train = dataset.parts.train
    fitted.fit(dataset.last_bars(train).astype(np.float64), dataset.rows.y[train])

    def say(of: Dataset, rows: Rows) -> Floats:
        found = np.zeros((len(rows), 3))
        found[:, fitted.classes_.astype(int)] = fitted.predict_proba(of.last_bars(rows).astype(np.float64))
        return found

    return Learned(fitted, say)


def boosting(dataset: Dataset, rows: Rows) -> Forecast:
    """Gradient-boosted trees on the whole window, flattened; at most `BOOSTED` train rows, evenly spread in time."""
    return learn_boosting(dataset).say(dataset, rows), None


def learn_boosting(dataset: Dataset) -> Learned:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    train = dataset.parts.train
    train = train[:: math.ceil(len(train) / BOOSTED)]
    fitted = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=40,
        l2_regularization=1.0,
        max_features=0.1,
        max_bins=63,
        early_stopping=False,
        random_state=0,
    )
    with threadpool_limits(1):
        fitted.fit(_flat(dataset, train), dataset.rows.y[train])

    def say(of: Dataset, rows: Rows) -> Floats:
        found = np.zeros((len(rows), 3))
        with threadpool_limits(1):
            for part in windows.batches(len(rows), BOOSTED):
                found[part[:, None], fitted.classes_.astype(int)] = fitted.predict_proba(_flat(of, rows[part]))
        return found

    return Learned(fitted, say)


def _flat(dataset: Dataset, rows: Rows) -> Table:
    flat: Table = dataset.x(rows).reshape(len(rows), -1)
    return flat


def _given_what_it_says(dataset: Dataset, said: Classes, rows: Rows) -> Forecast:
    """Frequencies of the outcome per thing said, one imagined row per class added so that none is 0."""
    train = dataset.parts.train
    counts = np.ones((3, 3))
    np.add.at(counts, (said[train], dataset.rows.y[train]), 1.0)
    found: Floats = (counts / counts.sum(axis=1, keepdims=True))[said[rows]]
    return found, said[rows]


BASELINES: tuple[Forecaster, ...] = (
    Forecaster("climatology", "Base rates", "quotes how often each class happened before", True, climatology),
    Forecaster("majority", "Majority", "always calls the class that happened most", True, majority),
    Forecaster("persistence", "Persistence", "repeats the outcome that settled last", True, persistence),
    Forecaster("momentum", "Momentum", "calls the direction of the last bars, one horizon of them", True, momentum),
    Forecaster(
        "logistic", "Logistic regression", "linear in the ten features of the last bar", False, logistic, learn_logistic
    ),
    Forecaster("boosting", "Gradient boosting", "boosted trees on the same windows", False, boosting, learn_boosting),
)
MODELS: tuple[Forecaster, ...] = tuple(b for b in BASELINES if not b.simple)
SHUFFLED = Known("shuffled", "LSTM on shuffled labels", "the same network, taught labels in random order", False)
UNDIRECTED = Known("undirected", "Itself without direction", "its own chance of neutral, one lean for all calls", False)


def beside(dataset: Dataset, rows: Rows) -> tuple[list[Forecast], dict[str, Learned]]:
    """What each baseline says, in the order of `BASELINES`, and those that are models, fitted, by key."""
    learned = {b.key: b.learn(dataset) for b in BASELINES if b.learn is not None}
    said = [
        (learned[b.key].say(dataset, rows), None) if b.key in learned else b.forecast(dataset, rows) for b in BASELINES
    ]
    return said, learned


def undirected(p: Floats, prior: Floats) -> Floats:
    """What (n, 3) probabilities are once they know nothing of the side; `prior`: (3,) or (n, 3) class shares.

    How wide barriers lie is an estimate, and its error gives away how often they are reached, even on a random walk.
    Whoever beats this forecast knows which one is.
    """
    base = np.broadcast_to(prior, p.shape)
    sides = base[:, BEARISH] + base[:, BULLISH]
    found = p.copy()
    for side in (BEARISH, BULLISH):
        share = np.divide(base[:, side], sides, out=np.full(len(p), 0.5), where=sides > 0)
        found[:, side] = share * (1 - p[:, NEUTRAL])
    return found
