"""Sets hold what happens as often as they say, and abstaining is decided the same everywhere."""

import numpy as np
import pytest

from ml import abstaining, conformal, novelty
from ml.abstaining import NOVEL, UNDECIDED


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are true of the classes drawn from them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet((1.0, 1.0, 1.0), n)
    y = (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, 2).astype(np.int8)
    return p, y


@pytest.mark.parametrize("target", [0.8, 0.9])
def test_what_happens_is_in_the_set_as_often_as_was_asked_for(target: float) -> None:
    p, y = drawn(5_000, 1)
    q, z = drawn(20_000, 2)
    inside = conformal.sets(q, conformal.fit(p, y, target))
    assert inside[np.arange(len(z)), z].mean() == pytest.approx(target, abs=0.015)


def test_coverage_holds_for_probabilities_that_are_wrong() -> None:
    p, y = drawn(5_000, 3)
    q, z = drawn(20_000, 4)
    wrong, also = p**3 / (p**3).sum(axis=1, keepdims=True), q**3 / (q**3).sum(axis=1, keepdims=True)
    inside = conformal.sets(also, conformal.fit(wrong, y))
    assert inside[np.arange(len(z)), z].mean() == pytest.approx(0.9, abs=0.015)


def test_too_few_rows_rule_nothing_out() -> None:
    p, y = drawn(5, 5)
    assert conformal.fit(p, y) == 0
    assert conformal.sets(p, 0.0).all()


def test_the_likeliest_class_is_never_ruled_out() -> None:
    p = np.array([[0.2, 0.3, 0.5], [0.34, 0.33, 0.33]])
    assert conformal.sets(p, 0.9).tolist() == [[False, False, True], [True, False, False]]


def test_a_set_is_written_in_the_order_of_classes() -> None:
    assert conformal.word(np.array([False, True, True])) == "neutral,bullish"


def test_a_bar_unlike_the_train_rows_is_novel() -> None:
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(4_000, 4)) @ rng.normal(size=(4, 4))
    known = novelty.fit(rows)
    assert (known.of(rows) > 1).mean() == pytest.approx(0.005, abs=0.001)
    assert known.of(rows.mean(axis=0, keepdims=True))[0] == pytest.approx(0, abs=1e-6)
    assert known.of(rows[:1] + 100)[0] > 1


def test_a_feature_that_never_moved_does_no_harm() -> None:
    rows = np.column_stack((np.random.default_rng(7).normal(size=500), np.zeros(500)))
    assert np.isfinite(novelty.fit(rows).of(rows)).all()


def test_novelty_survives_its_file() -> None:
    rows = np.random.default_rng(8).normal(size=(300, 3))
    known = novelty.fit(rows)
    again = novelty.Novelty.from_dict(known.to_dict())
    np.testing.assert_allclose(again.of(rows), known.of(rows))


def test_a_model_abstains_on_the_novel_first_and_where_it_can_rule_nothing_out() -> None:
    known = novelty.fit(np.random.default_rng(9).normal(size=(1_000, 2)))
    p = np.array([[0.3, 0.3, 0.4], [0.05, 0.05, 0.9], [0.3, 0.3, 0.4]])
    bars = np.array([[0.0, 0.0], [0.0, 0.0], [50.0, 50.0]])
    found = abstaining.doubt(p, bars, threshold=0.2, novelty=known)
    assert [doubt.reason for doubt in found] == [UNDECIDED, None, NOVEL]
    assert found[1].conformal_set == "bullish"
    assert found[2].novelty is not None
    assert found[2].novelty > 1


def test_an_older_version_doubts_nothing() -> None:
    (found,) = abstaining.doubt(np.array([[0.3, 0.3, 0.4]]), np.zeros((1, 2)), threshold=None, novelty=None)
    assert (found.conformal_set, found.novelty, found.reason) == (None, None, None)
