"""A shuffled split flatters where labels overlap, and is said not to where nothing can be copied."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from ml import dataset, naive_split
from ml.card_parts import NaiveSplit
from ml.config import TrainingConfig
from ml.dataset import Dataset, Frame
from tests.ml.series import random_walk

CONFIG = TrainingConfig(("demo:KNOWN/USDT",), "1h", 24)
DATA = dataset.prepare([Frame(CONFIG.markets[0], True, random_walk(3_000, seed=1))], CONFIG)


def looked(data: Dataset = DATA) -> NaiveSplit:
    found = naive_split.look(data)
    assert found is not None
    return found


FOUND = looked()


def test_of_a_random_walk_a_shuffled_split_promises_what_no_one_can_know() -> None:
    assert FOUND.flatters
    assert FOUND.naive_accuracy > 0.6 > 0.5 > FOUND.purged_accuracy
    assert FOUND.naive_log_loss < 1.0 < FOUND.purged_log_loss
    assert f"{FOUND.naive_accuracy:.1%} right instead of {FOUND.purged_accuracy:.1%}" in FOUND.told
    assert "this is what the purged split prevents" in FOUND.told


def test_of_labels_that_do_not_hang_together_it_promises_nothing_and_the_card_says_so() -> None:
    y = np.random.default_rng(2).permutation(DATA.rows.y)
    found = looked(replace(DATA, rows=replace(DATA.rows, y=y)))
    assert not found.flatters
    assert "by no more than chance explains" in found.told and "prevents" not in found.told


def test_it_says_the_same_every_time_and_survives_json() -> None:
    assert looked() == FOUND == NaiveSplit.from_dict(FOUND.to_dict())


def test_the_purged_side_learns_from_train_rows_and_is_asked_of_test_rows() -> None:
    train, test = DATA.parts.train, DATA.parts.test[~DATA.rows.ambiguous[DATA.parts.test]]
    assert (FOUND.train, FOUND.test) == (len(train), len(test))
    known = KNeighborsClassifier(naive_split.NEIGHBOURS, algorithm="brute")
    known.fit(DATA.x(train).reshape(len(train), -1), DATA.rows.y[train])
    expected = np.zeros((len(test), 3))
    expected[:, known.classes_] = known.predict_proba(DATA.x(test).reshape(len(test), -1))
    smoothed = (expected * naive_split.NEIGHBOURS + 1) / (naive_split.NEIGHBOURS + 3)
    loss = -np.log(smoothed[np.arange(len(test)), DATA.rows.y[test]]).mean()
    assert FOUND.purged_log_loss == pytest.approx(loss, abs=2e-3)  # where two are equally far, either may be taken


def test_a_long_history_is_asked_of_the_rows_beside_the_border(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naive_split, "MOST_TRAIN", 400)
    monkeypatch.setattr(naive_split, "MOST_TEST", 100)
    found = looked()
    assert (found.train, found.test) == (400, 100)


def test_where_every_test_row_is_ambiguous_nothing_is_said() -> None:
    rows = replace(DATA.rows, ambiguous=np.ones_like(DATA.rows.ambiguous))
    assert naive_split.look(replace(DATA, rows=rows)) is None
