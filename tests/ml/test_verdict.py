"""The verdict follows the rule, whatever else is good or bad."""

from dataclasses import replace

import pytest

from core.ohlcv import Candles
from ml import baselines, dataset, evaluation, report, verdict
from ml.card import Baseline
from ml.config import TrainingConfig
from ml.dataset import Frame
from tests.ml import versions
from tests.ml.series import planted_drift, random_walk

ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
METRICS = replace(CARD.metrics, skill=0.01, independent=100.0)


def beside(*lost: str) -> list[Baseline]:
    """All baselines beaten but these."""
    return [replace(b, model_against=replace(b.model_against, beats=b.key not in lost)) for b in CARD.baselines]


def test_all_hurdles_taken_show_skill() -> None:
    assert verdict.skill_shown(METRICS, beside())
    assert verdict.verdict(True, "green") == "skilled"


@pytest.mark.parametrize("key", ["climatology", "majority", "persistence", "undirected"])
def test_one_hurdle_missed_shows_none(key: str) -> None:
    assert not verdict.skill_shown(METRICS, beside(key))


def test_a_brier_score_no_better_than_base_rates_shows_none() -> None:
    assert not verdict.skill_shown(replace(METRICS, skill=0.0), beside())


@pytest.mark.parametrize("state", ["red", "not run"])
def test_without_a_green_leak_lab_there_is_no_verdict_of_skill(state: str) -> None:
    assert verdict.verdict(True, state) == "no_demonstrated_skill"


def test_too_few_independent_calls_show_none_whatever_they_say() -> None:
    few = replace(METRICS, independent=99.0)
    assert not verdict.skill_shown(few, beside())
    assert "99 independent calls out of sample: too few, a verdict of skill needs 100." in report.reasons(few, beside())
    assert any("100 independent calls out of sample: enough" in line for line in report.reasons(METRICS, beside()))


def test_momentum_and_models_do_not_enter_the_verdict() -> None:
    assert verdict.skill_shown(METRICS, beside("momentum", "logistic", "boosting"))


@pytest.mark.parametrize("key", ["logistic", "boosting"])
def test_a_model_that_does_not_beat_a_simple_one_is_not_better(key: str) -> None:
    assert not verdict.better_than_simple_models(True, beside(key))
    assert verdict.better_than_simple_models(True, beside("momentum"))
    assert not verdict.better_than_simple_models(False, beside())


def test_a_baseline_that_is_missing_is_not_beaten() -> None:
    assert not verdict.skill_shown(METRICS, [b for b in beside() if b.key != "majority"])


def shown(candles: Candles, horizon: int) -> bool:
    """Whether a regression, judged as a model is, shows skill out of sample."""
    config = TrainingConfig(("demo:KNOWN/USDT",), "1h", horizon)
    data = dataset.prepare([Frame(config.markets[0], True, candles)], config)
    p, _ = baselines.logistic(data, data.parts.test)
    rows = report.judged(data, data.parts.test)
    return verdict.skill_shown(evaluation.judge(p, rows), report.beside(data, p, rows))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_walk_shows_no_skill(seed: int) -> None:
    assert not shown(random_walk(4_000, seed=seed), 24)


def test_a_planted_drift_shows_skill() -> None:
    assert shown(planted_drift(6_000, seed=1), 6)
