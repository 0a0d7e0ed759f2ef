"""The fitted baselines of a training as plain arrays, held against scikit-learn before they may be kept."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.errors import ModelUnavailable
from ml import checkpoints
from ml.baselines import Learned, Rows
from ml.dataset import Dataset
from ml.simple_models import BOOSTING, LOGISTIC, Linear, SimpleModels, Trees, read

MATCH = 1e-6  # largest difference of a probability that is let through


def export(learned: Mapping[str, Learned], dataset: Dataset, rows: Rows) -> bytes:
    """The file of both. Read back, it has to say of the windows of `rows` what scikit-learn says of them.

    Raises ModelUnavailable when it says something else.
    """
    made = SimpleModels(linear(learned[LOGISTIC].fitted), trees(learned[BOOSTING].fitted))
    content = checkpoints.npz(made.arrays())
    said = read(content, dataset.config.window, dataset.table.shape[1]).say(dataset.x(rows))
    for key, one in learned.items():
        difference = float(np.abs(said[key] - one.say(dataset, rows)).max())
        if not difference <= MATCH:
            raise ModelUnavailable(
                f"The exported baseline “{key}” differs from the fitted one by {difference:.1e}; at most {MATCH:.0e} "
                "is allowed. The version was not published. Train again, and report this if it comes back."
            )
    return content


def linear(fitted: Any) -> Linear:
    """Of a `LogisticRegression`; of two classes it keeps one row, the second one's."""
    weights, bias = fitted.coef_, fitted.intercept_
    if len(weights) == 1:
        weights, bias = np.vstack((np.zeros_like(weights), weights)), np.append(0.0, bias)
    return Linear(fitted.classes_.astype(np.int32), weights.astype(np.float64), bias.astype(np.float64))


def trees(fitted: Any) -> Trees:
    """Of a `HistGradientBoostingClassifier` on windows without holes; of two classes it has one tree a round."""
    rounds = fitted._predictors
    grown = [(number, tree.nodes) for one in rounds for number, tree in enumerate(one)]
    sizes = np.array([len(nodes) for _, nodes in grown])
    roots = np.cumsum(np.append(0, sizes[:-1]))
    classes, each = fitted.classes_.astype(np.int32), len(rounds[0])
    start = fitted._baseline_prediction[0].astype(np.float64)
    shift = len(classes) - each  # 1 of two classes: the first one's score stays 0
    return Trees(
        classes=classes,
        start=np.append(np.zeros(shift), start),
        roots=roots.astype(np.int32),
        adds_to=np.array([number + shift for number, _ in grown], dtype=np.int32),
        links=np.concatenate([_links(nodes, root) for (_, nodes), root in zip(grown, roots, strict=True)]),
        values=np.concatenate([np.stack((n["num_threshold"], n["value"]), axis=1) for _, n in grown]),
    )


def _links(nodes: Any, root: int) -> Any:
    """(nodes, 3) of one tree whose first node comes to stand at `root`."""
    leaf = nodes["is_leaf"].astype(bool)
    asked = np.where(leaf, -1, nodes["feature_idx"])
    ways = [np.where(leaf, 0, nodes[side].astype(np.int64) + root) for side in ("left", "right")]
    return np.stack((asked, *ways), axis=1).astype(np.int32)
