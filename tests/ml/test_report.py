"""The words of a card say what its numbers say."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ml import outlook, report
from ml.card import Card, Comparison
from tests.ml import versions

ASKED = versions.config()
DATA = versions.prepared(ASKED, n=2_500)
CARD = versions.card(ASKED, DATA)


def test_a_card_survives_json() -> None:
    assert Card.from_dict(json.loads(json.dumps(CARD.to_dict(), allow_nan=False))) == CARD


def test_a_card_without_its_calls_can_be_read() -> None:
    short = CARD.to_dict()
    del short["calls"]
    assert Card.from_dict(short).calls == {}


def test_a_later_cards_unknown_field_does_no_harm() -> None:
    assert Card.from_dict(CARD.to_dict() | {"invented_later": 1}) == CARD


def test_quoting_base_rates_is_no_better_than_base_rates() -> None:
    assert "did no better than quoting base rates" in CARD.finding
    assert CARD.verdict == "no_demonstrated_skill"
    assert CARD.quick_look


def test_a_better_logistic_regression_is_named() -> None:
    beside = [
        replace(b, metrics=replace(b.metrics, log_loss=0.5)) if b.key == "logistic" else b for b in CARD.baselines
    ]
    assert report.finding(CARD.metrics, beside).endswith("It does not beat logistic regression.") or (
        "and logistic regression" in report.finding(CARD.metrics, beside)
    )


def beaten(gain: float, p_value: float) -> list:
    against = Comparison(gain, [gain - 0.01, gain + 0.01], 2.0, p_value, p_value < 0.05)
    worse = CARD.metrics.log_loss + gain
    return [replace(b, model_against=against, metrics=replace(b.metrics, log_loss=worse)) for b in CARD.baselines]


def test_a_small_gain_may_be_chance() -> None:
    assert "may be chance" in report.finding(CARD.metrics, beaten(0.001, 0.4))


def test_a_lead_that_may_be_chance_is_no_lead() -> None:
    against = Comparison(0.004, [-0.011, 0.018], 0.5, 0.3, False)
    clear = beaten(0.05, 0.001)
    beside = [replace(b, model_against=against) if b.key == "logistic" else b for b in clear]
    assert report.finding(CARD.metrics, beside).endswith("Against logistic regression its lead may be chance.")


def test_a_clear_gain_is_said_plainly_and_is_no_verdict_yet() -> None:
    told = report.finding(CARD.metrics, beaten(0.05, 0.001))
    assert "lost less than base rates" in told
    assert "every other baseline" in told
    reasons = report.reasons(CARD.metrics, beaten(0.05, 0.001))
    assert any("Leak lab: not run" in line for line in reasons)
    assert any("walk-forward" in line for line in reasons)


def test_every_baseline_has_its_line() -> None:
    assert sum(line.startswith("Against ") for line in CARD.reasons) == len(CARD.baselines)


def test_limits_name_simulation_few_seeds_and_break_even() -> None:
    text = " ".join(CARD.limits)
    assert "simulated" in text
    assert "1 of at least 5 seeds" in text
    assert "round trip" in text


def test_the_card_says_of_costs_what_the_form_said_before() -> None:
    assert outlook.told(CARD.labels.cost, CARD.labels.typical_barrier) in CARD.limits
    near = replace(CARD.labels, cost=CARD.labels.typical_barrier / 2)
    assert outlook.TOO_NEAR in report.limits(DATA, CARD.metrics, near)
    assert outlook.TOO_NEAR not in report.limits(DATA, CARD.metrics, replace(near, cost=near.typical_barrier / 4))


def test_results_too_good_are_called_a_leak_until_cleared() -> None:
    perfect = np.eye(3)[DATA.rows.y[DATA.parts.test]] * 0.97 + 0.01
    assert any("leak" in line for line in versions.card(ASKED, DATA, forecast=perfect).limits)


def test_break_even_follows_from_cost_and_barrier() -> None:
    found = report.labels_summary(DATA)
    assert found.break_even == pytest.approx(0.5 + 0.002 / (2 * found.typical_barrier))


def test_segments_are_in_order_and_their_shares_sum_to_one() -> None:
    split = CARD.split
    assert split.train.last_ms < split.validation.first_ms < split.validation.last_ms < split.test.first_ms
    for segment in (split.train, split.validation, split.test):
        assert sum(segment.shares) == pytest.approx(1)


def test_test_calls_are_the_newest_and_parallel() -> None:
    calls = CARD.calls[ASKED.markets[0]]
    assert {len(column) for column in calls.to_dict().values()} == {min(len(DATA.parts.test), report.SHOWN_CALLS)}
    assert calls.time_ms[-1] == CARD.split.test.last_ms
    assert all(u > t for t, u in zip(calls.time_ms, calls.until_ms, strict=True))


def test_a_chance_is_never_said_to_be_zero_or_certain() -> None:
    said = {0.0: "p < 0.001", 0.0004: "p < 0.001", 0.001: "p = 0.001", 0.0499: "p = 0.050", 0.9999: "p > 0.999"}
    assert {value: report.chance(value) for value in said} == said
    lines = [*report.reasons(CARD.metrics, beaten(0.05, 1e-9)), report.finding(CARD.metrics, beaten(0.05, 1e-9))]
    assert any("p < 0.001" in line for line in lines)
    assert not any("p = 0.000" in line for line in lines)
