"""What the card says beyond its scores: network, differences, worth of its calls, every detail it holds."""

from dataclasses import replace

import pytest

from layouts.components import card_details, model_card
from ml.card import Card
from tests.layouts.test_model_parts import CARD, words


def test_card_names_the_network_it_holds() -> None:
    assert "LSTM 8 → 4" in words(model_card.rail(replace(CARD, network={"units": [8, 4]}), "retired", code="a"))
    named = replace(CARD, network={"kind": "LSTM 16", "units": [16]})
    assert "LSTM 16" in words(model_card.rail(named, "retired", code="a"))


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (0.0, "exactly the same"),
        (2.3e-7, "differs by at most 0.0000002"),
        (9.7e-8, "differs by at most 0.0000001"),
        (0.25, "differs by at most 0.2"),
    ],
)
def test_a_difference_is_told_without_an_exponent(difference: float, told: str) -> None:
    assert told in words(model_card.rail(replace(CARD, onnx_max_difference=difference), "retired", code="a"))


def test_the_verdict_says_what_overlapping_calls_are_worth() -> None:
    worth = replace(CARD, metrics=replace(CARD.metrics, n=1_200, n_eff=400.0, independent=97.0))
    assert "Independent calls these are worth 97 of 1,200" in " ".join(words(model_card._verdict(worth)).split())
    older = replace(worth, metrics=replace(worth.metrics, independent=0.0))
    assert "400 of 1,200" in words(model_card._verdict(older))


def details(card: Card) -> str:
    return " ".join(words(card_details.block(card)).split())


def test_details_tell_every_score_the_card_holds() -> None:
    sided = replace(CARD.metrics, hit_rate=0.524, directional=840, mcc=0.02, mcc_interval=[-0.011, 0.051])
    text = details(replace(CARD, metrics=replace(sided, balanced_accuracy=0.341, ece=0.031)))
    for told in ("34.1%", "52.4% of 840 calls", "+0.020 [−0.011, +0.051]", "Calibration error (ECE) 3.1%"):
        assert told in text
    assert "no call named a side" in details(replace(CARD, metrics=replace(CARD.metrics, hit_rate=None)))


def test_details_tell_each_class_and_call_nothing_precise_that_was_never_called() -> None:
    scores = [replace(one, support=40, called=0, precision=0.0) for one in CARD.metrics.per_class]
    text = words(card_details._by_class(replace(CARD, metrics=replace(CARD.metrics, per_class=scores))))
    assert all(name in text for name in ("Bearish", "Neutral", "Bullish", "Precision, %", "Calibration error"))
    assert text.count("—") >= 3


def test_details_tell_each_seed_with_mean_and_deviation() -> None:
    one = CARD.runs[0]
    runs = [
        replace(one, seed=1, test_log_loss=1.0, test_accuracy=0.40),
        replace(one, seed=2, test_log_loss=1.2, test_accuracy=0.44, served=False),
    ]
    text = details(replace(CARD, runs=runs))
    assert "1.1000 ± 0.1414" in text and "42.0 ± 2.8" in text
    assert "±" not in details(CARD), "one seed has no deviation"


def test_details_tell_where_it_came_from() -> None:
    made = replace(CARD, environment={"python": "3.11.9"}, network={"kind": "LSTM 8", "dropout": 0.2, "units": [8]})
    text = details(made)
    assert CARD.code_version in text and "3.11.9" in text and "Network: dropout 0.2" in text
    assert CARD.data[0].sha256 in text, "whole in the tooltip"
