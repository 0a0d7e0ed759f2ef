"""What a walk-forward adds to a version's page, and that a quick look claims none of it."""

from dataclasses import replace

from layouts.components import model_scores, walk_results
from ml.card import Fold, WalkForward
from ml.card_parts import Abstained, NaiveSplit, Regime, Sets
from tests.layouts.test_model_parts import CARD, words

FOLD = Fold(CARD.split, 0.8, [1.0], [3], 240, 0.361, 0.021, 1.0912, 1.0986)
WALKED = replace(
    CARD,
    walk=WalkForward("rolling", 365, 4, [FOLD, replace(FOLD, accuracy=0.402)]),
    regimes=[Regime("calm", "Calm", 120, 30.0, 0.35, None, 0.01, 1.09, -0.002, [-0.01, 0.006])],
    sets=Sets(0.9, 0.2, 0.887, 2.4, [0.1, 0.4, 0.5]),
    abstained=Abstained(0.31, 0.01, 0.3, 165, 0.389),
)


def test_each_step_and_kind_of_market_has_its_line() -> None:
    text = " ".join(words(walk_results.panes(WALKED)).split())
    for told in ("rolling, every 4th bar", "36.1", "40.2", "+0.0074", "Calm", "−0.0020 [−0.0100, +0.0060]"):
        assert told in text
    assert "abstained on 31.0% of the test calls" in text and "held it 88.7%" in text


def test_a_quick_look_has_no_steps() -> None:
    assert walk_results.panes(replace(CARD, walk=None, regimes=[], sets=None, abstained=None)) == []


def test_every_seed_has_its_curve() -> None:
    runs = [replace(CARD.runs[0], seed=n, served=True) for n in (1, 2, 3)]
    text = words(model_scores.draw(replace(CARD, runs=runs), dark=True, updown="teal-vermillion"))
    assert "seed 1 in colour, 2 others dotted" in text


def test_what_a_shuffled_split_would_have_promised_is_told_of_a_quick_look_too() -> None:
    told = "With rows shuffled before the split, nearest neighbours would have claimed 67.0% right."
    text = words(walk_results.panes(replace(CARD, naive=NaiveSplit(6_000, 1_177, 0.3, 1.2, 0.67, 0.8, True, told))))
    assert told in text and "6,000 rows to learn from, 1,177 asked" in text
    assert "shuffled" not in words(walk_results.panes(CARD))
