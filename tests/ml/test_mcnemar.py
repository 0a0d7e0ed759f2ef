"""McNemar's mid-p against SciPy, and what overlap does to it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ml import baselines, mcnemar, report
from ml.card import Baseline
from tests.ml import versions

COUNTS = st.integers(0, 5_000)
SIZES = st.floats(0, 5_000, allow_subnormal=False)


@given(COUNTS, COUNTS)
def test_without_overlap_it_is_the_mid_p_of_the_binomial_test(one: int, other: int) -> None:
    if one == other:
        assert mcnemar.mid_p(one, other) == 1
        return
    n, few = one + other, min(one, other)
    expected = stats.binomtest(few, n).pvalue - stats.binom.pmf(few, n, 0.5)
    assert mcnemar.mid_p(one, other) == pytest.approx(expected, rel=1e-8, abs=1e-12)


@given(SIZES, SIZES)
def test_neither_side_is_favoured_and_it_is_a_probability(one: float, other: float) -> None:
    assert 0 <= mcnemar.mid_p(one, other) == mcnemar.mid_p(other, one) <= 1


@given(st.floats(1, 500), st.floats(1.05, 3), st.floats(1.1, 50))
def test_the_more_calls_overlap_the_less_they_show(few: float, ratio: float, effect: float) -> None:
    assert mcnemar.mid_p(few / effect, few * ratio / effect) >= mcnemar.mid_p(few, few * ratio)


def test_few_overlapping_rows_have_the_p_worked_out_by_hand() -> None:
    model = np.array([True] * 8 + [False] * 4)
    baseline = np.array([True] * 2 + [False] * 6 + [True] * 2 + [False] * 2)
    assert mcnemar.compare(model, baseline, independent=12).p_value == pytest.approx((1 + 8 + 28 / 2) / 128)
    found = mcnemar.compare(model, baseline, independent=6)  # three to one
    assert (found.model_alone, found.baseline_alone, found.design_effect) == (6, 2, 2)
    assert found.p_value == pytest.approx((1 + 4 / 2) / 8)


def test_the_same_calls_have_no_row_where_one_alone_was_right() -> None:
    right = np.random.default_rng(1).random(500) < 0.4
    same = mcnemar.compare(right, right, independent=20.0)
    assert (same.model_alone, same.baseline_alone, same.p_value) == (0, 0, 1.0)


def test_overlap_is_allowed_for() -> None:
    """Two coins whose luck lasts 12 bars: taken as they are, rows cry wolf; corrected ones seldom do."""
    false = {1_200.0: 0, 100.0: 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        model, baseline = (np.repeat(rng.random(100) < 0.5, 12) for _ in range(2))
        for independent in false:
            false[independent] += mcnemar.compare(model, baseline, independent=independent).p_value < 0.05
    assert false[1_200.0] > 100
    assert false[100.0] <= 25


ASKED = versions.config()
DATA = versions.prepared(ASKED)


def test_a_card_counts_what_its_accuracies_count() -> None:
    rows = report.judged(DATA, DATA.parts.test)
    p = np.random.default_rng(3).dirichlet([2, 2, 2], len(rows.y))
    card = versions.card(ASKED, DATA, forecast=p)
    for b in card.baselines:
        assert b.mcnemar is not None
        gap = (b.mcnemar.model_alone - b.mcnemar.baseline_alone) / card.metrics.n
        assert gap == pytest.approx(card.metrics.accuracy - b.metrics.accuracy)
        assert b.mcnemar.design_effect == pytest.approx(card.metrics.n / card.metrics.independent)


def test_a_baseline_is_as_often_right_as_itself() -> None:
    rows = report.judged(DATA, DATA.parts.test)
    p, said = baselines.climatology(DATA, DATA.parts.test)
    found = report.against(baselines.BASELINES[0], p, said, p, rows).mcnemar
    assert found is not None and found.p_value == 1


def test_cards_from_before_it_can_be_read() -> None:
    made = versions.card(ASKED, DATA).baselines[0]
    older = made.to_dict()
    del older["mcnemar"]
    assert Baseline.from_dict(made.to_dict()) == made
    assert Baseline.from_dict(older) == replace(made, mcnemar=None)
