"""Scores against scikit-learn and against numbers worked out by hand."""

import numpy as np
import pytest
from sklearn import metrics as reference

from ml import evaluation
from ml.evaluation import Judged

HOUR = 3_600_000


def judged(y: np.ndarray, *, ambiguous: np.ndarray | None = None, horizon: int = 1) -> Judged:
    n = len(y)
    t0 = np.arange(n, dtype=np.int64) * HOUR
    return Judged(
        y=y.astype(np.int8),
        ambiguous=np.zeros(n, dtype=bool) if ambiguous is None else ambiguous,
        t0=t0,
        t1=t0 + horizon * HOUR,
        market=np.zeros(n, dtype=np.int16),
        prior=np.array([0.3, 0.4, 0.3]),
        horizon=horizon,
        step_ms=HOUR,
    )


def chance(n: int = 2_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet([2, 2, 2], n), rng.integers(0, 3, n)


def test_scores_agree_with_scikit_learn() -> None:
    p, y = chance()
    got, called = evaluation.judge(p, judged(y)), p.argmax(axis=1)
    assert got.accuracy == pytest.approx(reference.accuracy_score(y, called))
    assert got.macro_f1 == pytest.approx(reference.f1_score(y, called, average="macro"))
    assert got.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(y, called))
    assert got.mcc == pytest.approx(reference.matthews_corrcoef(y, called))
    assert got.log_loss == pytest.approx(reference.log_loss(y, p))
    assert got.confusion == reference.confusion_matrix(y, called).tolist()


def test_brier_runs_from_zero_to_two() -> None:
    y = np.array([0, 1, 2])
    assert evaluation.briers(np.eye(3), y).tolist() == [0, 0, 0]
    assert evaluation.briers(np.eye(3)[[1, 2, 0]], y).tolist() == [2, 2, 2]


def test_skill_is_zero_for_base_rates_and_one_for_certainty() -> None:
    _, y = chance()
    rows = judged(y)
    assert evaluation.judge(np.tile(rows.prior, (len(y), 1)), rows).skill == pytest.approx(0)
    assert evaluation.judge(np.eye(3)[y], rows).skill == pytest.approx(1)


def test_a_forecaster_that_always_says_the_same_has_no_correlation() -> None:
    _, y = chance()
    assert evaluation.judge(np.tile([0.5, 0.3, 0.2], (len(y), 1)), judged(y)).mcc == 0


def test_the_worse_side_counts_where_both_barriers_were_touched() -> None:
    p = np.array([[0.6, 0.1, 0.3], [0.2, 0.1, 0.7]])
    got = evaluation.settled(np.zeros(2, dtype=np.int8), np.array([True, True]), p)
    assert got.tolist() == [2, 0]


def test_impossible_outcomes_cost_much_but_not_everything() -> None:
    assert np.isfinite(evaluation.log_losses(np.eye(3)[[0]], np.array([2]))).all()


def test_calibrated_forecasts_have_a_small_calibration_error() -> None:
    rng = np.random.default_rng(3)
    p = rng.dirichlet([1, 1, 1], 20_000)
    y = (rng.random(20_000)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    good = evaluation.reliability(p, y)
    assert evaluation.ece(good) < 0.02
    assert sum(b.n for b in good) == 20_000
    sure = np.where(np.eye(3)[p.argmax(axis=1)] == 1, 0.98, 0.01)
    assert evaluation.ece(evaluation.reliability(sure, y)) > 0.2


def test_overlapping_labels_are_worth_as_many_as_fit_beside_each_other() -> None:
    t0 = np.arange(240, dtype=np.int64) * HOUR
    market = np.zeros(240, dtype=np.int16)
    apart = evaluation.effective_size(t0, t0 + HOUR, market, HOUR)
    assert apart == pytest.approx(240)
    crowded = evaluation.effective_size(t0, t0 + 24 * HOUR, market, HOUR)
    assert crowded == pytest.approx(240 / 24, rel=0.25)


def test_markets_are_counted_one_by_one() -> None:
    t0 = np.tile(np.arange(100, dtype=np.int64) * HOUR, 2)
    market = np.repeat([0, 1], 100).astype(np.int16)
    assert evaluation.effective_size(t0, t0 + HOUR, market, HOUR) == pytest.approx(200)


def test_intervals_hold_the_rate_and_widen_when_hits_come_in_runs() -> None:
    rng = np.random.default_rng(4)
    t0 = np.arange(2_400, dtype=np.int64) * HOUR
    single = rng.random(2_400) < 0.5
    runs = np.repeat(rng.random(100) < 0.5, 24)
    narrow, wide = (evaluation.block_interval(hits, t0, 24) for hits in (single, runs))
    for (low, high), hits in ((narrow, single), (wide, runs)):
        assert low < hits.mean() < high
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_a_class_that_never_happened_does_not_spoil_the_scores() -> None:
    p, _ = chance(100)
    got = evaluation.judge(p, judged(np.zeros(100)))
    assert [c.support for c in got.per_class] == [100, 0, 0]
    assert np.isfinite([got.macro_f1, got.mcc, got.balanced_accuracy, got.skill]).all()


@pytest.mark.parametrize("n", [10, 23, 24, 25, 100])
def test_a_resample_holds_as_many_moments_as_there_are(n: int) -> None:
    """Also where the number is no multiple of the block: the last block is cut, not left out."""
    t0, ones = np.arange(n, dtype=np.int64), np.ones((n, 1))
    assert (evaluation.block_sums(ones, t0, 24, resamples=50) == n).all()
    both = evaluation.block_sums(np.ones((2 * n, 1)), np.tile(t0, 2), 24, resamples=50)
    assert (both == 2 * n).all()  # two markets of one moment stay together
