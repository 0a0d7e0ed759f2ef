"""Baselines as plain arrays say what scikit-learn says, and arrays that are none are not asked anything."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from core.errors import ModelUnavailable
from core.ohlcv import Floats
from db.queries import prediction_baselines
from ml import artefacts, baselines, checkpoints, simple_export, simple_models
from ml.baselines import Learned, Rows
from ml.dataset import Dataset
from ml.simple_models import KEYS, SimpleModels
from tests.ml import versions

ASKED = versions.config()
DATA = versions.prepared(ASKED)
TEST = DATA.parts.test
RNG = np.random.default_rng(3)
WINDOWS = RNG.normal(size=(200, 4, 5)).astype(np.float32)
MADE = versions.simple_models(ASKED).arrays()


@pytest.fixture(scope="module")
def learned() -> dict[str, Learned]:
    return baselines.beside(DATA, TEST)[1]


def test_the_file_says_of_real_windows_what_was_fitted(learned: dict[str, Learned]) -> None:
    content = simple_export.export(learned, DATA, TEST)
    assert len(content) < 100_000
    read = simple_models.read(content, ASKED.window, DATA.table.shape[1])
    said = read.say(DATA.x(TEST))
    assert set(said) == set(KEYS) == {b.key for b in baselines.MODELS}
    for known in baselines.MODELS:
        fitted = learned[known.key].say(DATA, TEST)
        np.testing.assert_allclose(said[known.key], fitted, atol=1e-9)
        assert np.ptp(said[known.key][:, 2]) > 0.01
    assert simple_models.read(bytes(content), ASKED.window, DATA.table.shape[1]) is read


def off(honest: Learned, data: Dataset, rows: Rows) -> Floats:
    return honest.say(data, rows) + 1e-5


def test_an_export_that_says_something_else_is_not_let_through(learned: dict[str, Learned]) -> None:
    for key in KEYS:
        honest = learned[key]
        moved = Learned(honest.fitted, partial(off, honest))
        with pytest.raises(ModelUnavailable, match=f"“{key}” differs from the fitted one"):
            simple_export.export(learned | {key: moved}, DATA, TEST[-20:])


@pytest.mark.parametrize("classes", [(0, 1, 2), (0, 2), (1, 2)])
def test_classes_that_never_happened_have_no_chance(classes: tuple[int, ...]) -> None:
    y = np.array(classes)[RNG.integers(0, len(classes), len(WINDOWS))]
    line = LogisticRegression().fit(WINDOWS[:, -1], y)
    grown = HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=5, min_samples_leaf=5)
    with threadpool_limits(1):
        grown.fit(WINDOWS.reshape(len(WINDOWS), -1), y)
    plain = SimpleModels(simple_export.linear(line), simple_export.trees(grown))
    plain.demand(4, 5)
    said = plain.say(WINDOWS)
    for key, expected in (
        ("logistic", line.predict_proba(WINDOWS[:, -1].astype(np.float64))),
        ("boosting", grown.predict_proba(WINDOWS.reshape(len(WINDOWS), -1))),
    ):
        np.testing.assert_allclose(said[key][:, list(classes)], expected, atol=1e-9)
        np.testing.assert_allclose(said[key].sum(axis=1), 1)


def changed(name: str, value: Any) -> dict[str, Any]:
    return MADE | {name: value}


CYCLE = MADE["boosting_links"].copy()
CYCLE[3] = (0, 3, 4)
OUTSIDE = MADE["boosting_links"].copy()
OUTSIDE[6] = (0, 7, 9)
ASKS = MADE["boosting_links"].copy()
ASKS[0, 0] = 600


@pytest.mark.parametrize(
    "arrays",
    [
        changed("logistic_weights", np.full((3, 10), np.nan)),
        changed("logistic_weights", MADE["logistic_weights"][:, :9]),
        changed("logistic_bias", np.zeros(2)),
        changed("logistic_classes", np.array([0, 1, 3], dtype=np.int32)),
        changed("logistic_classes", np.array([0, 0, 1], dtype=np.int32)),
        changed("boosting_start", np.zeros(2)),
        changed("boosting_roots", np.array([0, 3, 9], dtype=np.int32)),
        changed("boosting_adds_to", np.array([0, 1, 3], dtype=np.int32)),
        changed("boosting_links", CYCLE),
        changed("boosting_links", OUTSIDE),
        changed("boosting_links", ASKS),
        changed("boosting_links", MADE["boosting_links"].astype(float)),
        changed("boosting_values", np.full((9, 2), np.inf)),
        {name: array for name, array in MADE.items() if name != "boosting_roots"},
    ],
    ids=str,
)
def test_arrays_that_fit_nothing_are_refused(arrays: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        simple_models.read(checkpoints.npz(arrays), ASKED.window, 10)


@pytest.mark.parametrize("content", [b"", b"no archive", checkpoints.npz(MADE)[:500]])
def test_a_file_that_holds_no_arrays_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        simple_models.read(content, ASKED.window, 10)


def test_what_the_database_calls_them_is_what_the_files_hold() -> None:
    assert prediction_baselines.NAMES == KEYS
    assert prediction_baselines.FILE == artefacts.BASELINES


def test_a_planted_window_goes_its_way_down_a_tree() -> None:
    models = versions.simple_models(ASKED)
    trees = replace(models.boosting, start=np.zeros(3), values=np.zeros((9, 2)))
    asked = int(trees.links[0, 0])
    trees.values[1:3, 1] = (np.log(2.0), -np.log(2.0))  # of the first tree, at most 0 and above
    windows = np.zeros((2, 600), dtype=np.float32)
    windows[:, asked] = (0.0, 1e-6)
    np.testing.assert_allclose(trees.say(windows.reshape(2, 60, 10)), [[0.5, 0.25, 0.25], [0.2, 0.4, 0.4]])
