"""The scaler knows the train rows alone and is kept as plain JSON."""

import numpy as np

from ml import scaling
from ml.scaling import FURTHEST

NAMES = ("a", "b")


def test_train_rows_get_mean_zero_and_deviation_one() -> None:
    rows = np.random.default_rng(1).normal([5, -3], [2, 0.1], size=(5_000, 2))
    scaled = scaling.fit(NAMES, rows).apply(rows)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-2)
    assert scaled.dtype == np.float32


def test_far_values_are_clipped_and_missing_ones_stay_missing() -> None:
    scaler = scaling.fit(NAMES, np.array([[0.0, 0.0], [2.0, 2.0]]))
    got = scaler.apply(np.array([[1e9, -1e9], [np.nan, 1.0]]))
    assert got[0].tolist() == [FURTHEST, -FURTHEST]
    assert np.isnan(got[1, 0]) and got[1, 1] == 0


def test_a_feature_that_never_moves_does_not_divide_by_zero() -> None:
    assert scaling.fit(NAMES, np.ones((10, 2))).apply(np.ones((1, 2))).tolist() == [[0.0, 0.0]]


def test_scaler_survives_json_exactly() -> None:
    scaler = scaling.fit(NAMES, np.random.default_rng(2).normal(size=(100, 2)))
    assert scaling.from_json(scaler.to_json()) == scaler
