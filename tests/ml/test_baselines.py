"""Baselines learn from train rows alone and say what they are supposed to say."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ml import baselines, dataset, report
from ml.baselines import BASELINES
from ml.config import TrainingConfig
from tests.ml import versions
from tests.ml.series import random_walk

DATA = versions.prepared(versions.config(), n=2_000)
TEST = DATA.parts.test


@pytest.mark.parametrize("forecaster", BASELINES, ids=lambda f: f.key)
def test_every_baseline_gives_probabilities(forecaster: baselines.Forecaster) -> None:
    p, _ = forecaster.forecast(DATA, TEST)
    assert p.shape == (len(TEST), 3)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert p.min() > 0


@pytest.mark.parametrize("forecaster", BASELINES, ids=lambda f: f.key)
def test_no_baseline_learns_from_test_labels(forecaster: baselines.Forecaster) -> None:
    y = DATA.rows.y.copy()
    y[TEST] = 2 - y[TEST]
    other = replace(DATA, rows=replace(DATA.rows, y=y))
    np.testing.assert_array_equal(forecaster.forecast(other, TEST)[0], forecaster.forecast(DATA, TEST)[0])


def test_base_rates_are_those_of_the_train_rows() -> None:
    p, said = baselines.climatology(DATA, TEST)
    shares = np.bincount(DATA.rows.y[DATA.parts.train], minlength=3) / len(DATA.parts.train)
    np.testing.assert_allclose(p[0], shares)
    assert said is None


def test_majority_calls_the_commonest_class() -> None:
    _, said = baselines.majority(DATA, TEST)
    assert set(said) == {int(baselines.prior(DATA).argmax())}


def test_persistence_quotes_what_followed_when_it_said_the_same() -> None:
    p, said = baselines.persistence(DATA, TEST)
    train = DATA.parts.train
    for c in range(3):
        followed = DATA.rows.y[train][DATA.rows.said_before[train] == c]
        expected = (np.bincount(followed, minlength=3) + 1) / (len(followed) + 3)
        np.testing.assert_allclose(p[said == c], np.tile(expected, ((said == c).sum(), 1)))


def test_momentum_calls_the_direction_of_the_last_horizon() -> None:
    _, said = baselines.momentum(DATA, TEST)
    candles = versions.walk(2_000)
    i = np.searchsorted(candles.time, DATA.rows.spans.t0[TEST])
    np.testing.assert_array_equal(said, np.sign(candles.close[i] - candles.close[i - 3]) + 1)


def test_logistic_regression_finds_a_planted_rule() -> None:
    y = np.where(DATA.table[DATA.rows.ends, 0] > 0, 2, 0).astype(np.int8)
    planted = replace(DATA, rows=replace(DATA.rows, y=y))
    p, _ = baselines.logistic(planted, TEST)
    assert (p.argmax(axis=1) == y[TEST]).mean() > 0.95


def test_gradient_boosting_finds_a_rule_in_the_middle_of_the_window() -> None:
    seen = DATA.x(np.arange(len(DATA.rows.y)))[:, 40, 0]
    planted = replace(DATA, rows=replace(DATA.rows, y=np.where(seen > 0, 2, 0).astype(np.int8)))
    p, _ = baselines.boosting(planted, TEST)
    assert (p.argmax(axis=1) == planted.rows.y[TEST]).mean() > 0.8
    assert (p[:, 1] == 0).all()
    again, _ = baselines.boosting(planted, TEST)
    np.testing.assert_array_equal(p, again)


def test_without_direction_keeps_the_chance_of_neutral_and_splits_the_rest_by_base_rates() -> None:
    p = np.array([[0.1, 0.4, 0.5], [0.6, 0.2, 0.2]])
    found = baselines.undirected(p, np.array([0.2, 0.4, 0.4]))
    np.testing.assert_allclose(found, [[0.2, 0.4, 0.4], [0.8 / 3, 0.2, 1.6 / 3]])
    np.testing.assert_allclose(baselines.undirected(p, np.tile([0.2, 0.4, 0.4], (2, 1))), found)


def test_a_random_walk_gives_away_how_often_barriers_are_reached_but_not_which() -> None:
    """Why the verdict asks for more than base rates: the barriers' width alone beats them on a pure random walk."""
    config = TrainingConfig(("demo:WALK/USDT",), "1h", 24)
    data = dataset.prepare([dataset.Frame(config.markets[0], True, random_walk(40_000, seed=5))], config)
    width, train, test = np.log(data.rows.width)[:, None], data.parts.train, data.parts.test
    p = LogisticRegression().fit(width[train], data.rows.y[train]).predict_proba(width[test])
    rows = report.judged(data, test)
    mine, base = report.losses(p, rows).mean(), report.losses(np.tile(rows.prior, (len(p), 1)), rows).mean()
    itself = report.losses(baselines.undirected(p, rows.prior), rows).mean()
    assert base - mine > 0.002
    assert itself - mine < 0.001
