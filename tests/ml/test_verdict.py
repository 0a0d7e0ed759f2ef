"""The verdict follows the rule, whatever else is good or bad."""

from dataclasses import replace

import numpy as np
import pytest

from core.ohlcv import Candles
from ml import baselines, comparison, dataset, evaluation, report, verdict
from ml.card import Baseline
from ml.config import TrainingConfig
from ml.dataset import Frame
from tests.ml import versions
from tests.ml.series import planted_drift, random_walk

ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
METRICS = replace(CARD.metrics, skill=0.01, independent=30.0)


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
    few = replace(METRICS, independent=29.0)
    assert not verdict.skill_shown(few, beside())
    assert "29 independent calls out of sample: too few, a verdict of skill needs 30." in report.reasons(few, beside())
    assert any("30 independent calls out of sample: enough" in line for line in report.reasons(METRICS, beside()))


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


def evaluated(horizon: int, *, edge: float, n: int = 1_000, seed: int = 0) -> tuple[evaluation.Judged, np.ndarray]:
    """A walk-forward's rows every bar: outcomes that overlap, and a forecast that knows a share `edge` of them."""
    rng = np.random.default_rng([seed, horizon])
    path = np.convolve(rng.normal(size=n + horizon), np.ones(horizon), "valid")[:n] / np.sqrt(horizon)
    y = (np.digitize(path, (-0.43, 0.43))).astype(np.int8)
    turns = np.convolve(rng.normal(size=n + 39), np.ones(40), "valid") / np.sqrt(40)
    tilt = 0.3 * np.tanh(edge * path + (1 - edge) * turns)
    p = np.stack([1 - tilt, np.ones(n), 1 + tilt], axis=1) / 3
    t0 = np.arange(n, dtype=np.int64) * 3_600_000
    none = np.zeros(n, dtype=bool)
    market, ends = np.zeros(n, dtype=np.int16), t0 + horizon * 3_600_000
    return evaluation.Judged(y, none, t0, ends, market, np.full(3, 1 / 3), horizon, 3_600_000), p


def concluded(horizon: int, *, edge: float, seed: int = 0) -> bool:
    """Whether the rows show skill against base rates, which stand here for every other rule too."""
    rows, p = evaluated(horizon, edge=edge, seed=seed)
    y = evaluation.settled(rows.y, rows.ambiguous, p)
    ours, base = evaluation.log_losses(p, y), np.full(len(y), np.log(3))
    found = comparison.compare(ours, base, rows.t0, horizon=horizon)
    beaten = [replace(b, model_against=found) for b in beside()]
    return found.beats and verdict.skill_shown(evaluation.judge(p, rows), beaten)


@pytest.mark.parametrize("horizon", [6, 12, 24])
def test_strong_drift_shows_skill_and_a_walk_does_not_on_the_rows_of_6000_candles(horizon: int) -> None:
    assert all(concluded(horizon, edge=1.0, seed=seed) for seed in range(3))
    assert sum(concluded(horizon, edge=0.0, seed=seed) for seed in range(20)) <= 3


def test_a_lean_that_never_changes_is_no_direction_where_base_rates_were_wrong() -> None:
    """Base rates of a short training span may lie so far off that any other constant beats them."""
    rows, _ = evaluated(6, edge=0.0, n=4_000)
    shares = np.bincount(rows.y, minlength=3) / len(rows.y)
    wrong = replace(rows, prior=np.array([shares[0] + 0.12, shares[1], shares[2] - 0.12]))
    p = np.tile(shares, (len(rows.y), 1))
    base = np.tile(wrong.prior, (len(rows.y), 1))
    assert report.against(baselines.BASELINES[0], base, None, p, wrong).model_against.beats
    assert not report.without_direction(p, wrong).model_against.beats
