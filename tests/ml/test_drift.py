"""Drift is told from the weather: limits come from the training span itself."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ml import drift
from ml.drift import Cusum, Report, Shift

HOUR = 3_600_000


def noise(n: int, *, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, scale, n)


def wandering(n: int, seed: int) -> np.ndarray:
    """An autoregressive series that stays away from its mean for long."""
    rng, value, found = np.random.default_rng(seed), 0.0, []
    for _ in range(n):
        value = 0.98 * value + float(rng.normal())
        found.append(value)
    return np.array(found)


def test_psi_and_ks_are_those_of_the_definitions() -> None:
    then, now = noise(20_000), noise(4_000, seed=1, shift=0.5)
    quantiles = np.quantile(then, np.linspace(0, 1, drift.QUANTILES))
    edges = np.quantile(then, np.linspace(0, 1, 11)[1:-1])
    share = np.bincount(np.searchsorted(edges, now), minlength=10) / len(now)
    assert drift.psi(quantiles, now) == pytest.approx(((share - 0.1) * np.log(share / 0.1)).sum(), rel=1e-3)
    from scipy import stats

    assert drift.ks(quantiles, now) == pytest.approx(stats.ks_2samp(then, now).statistic, abs=0.01)


def test_the_same_distribution_hardly_differs() -> None:
    quantiles = np.quantile(noise(20_000), np.linspace(0, 1, drift.QUANTILES))
    assert drift.psi(quantiles, noise(4_000, seed=3)) < 0.02
    assert drift.ks(quantiles, noise(4_000, seed=3)) < 0.04


def test_a_feature_that_never_moved_is_no_drift() -> None:
    flat = drift.usual("flat", np.zeros(2_000))
    assert drift.psi(np.asarray(flat.quantiles), np.zeros(500)) == 0
    assert drift.ks(np.asarray(flat.quantiles), np.zeros(500)) == pytest.approx(0.5)


def test_limits_allow_what_the_training_span_did_itself() -> None:
    slow = drift.usual("slow", wandering(20_000, seed=5))
    quick = drift.usual("quick", noise(20_000))
    assert quick.psi_limit == drift.LEAST_PSI and quick.ks_limit == drift.LEAST_KS
    assert slow.psi_limit > 0.5
    alarms = [drift.compare([slow], wandering(drift.LIVE, seed=s)[:, None])[0].beyond for s in range(60, 80)]
    assert sum(alarms) <= 2


def test_a_shifted_feature_is_called_what_the_pages_call_it() -> None:
    shifts = [drift.Shift(key, 9.0, 0.9, 0.2, 0.2, True) for key in ("rsi_14", "atr_over_price")]
    assert drift.judge({"demo:BTC/USDT": shifts}, [], None).reason == "RSI 14, ATR over price in demo:BTC/USDT."


def test_a_shifted_feature_is_named() -> None:
    then = [drift.usual("a", noise(5_000)), drift.usual("b", noise(5_000, seed=1))]
    live = np.column_stack((noise(500, seed=2), noise(500, seed=3, shift=2)))
    live[3, 0] = np.nan
    assert [(s.key, s.beyond) for s in drift.compare(then, live)] == [("a", False), ("b", True)]


def test_cusum_rings_for_a_model_that_got_worse_and_not_for_luck() -> None:
    time = np.arange(1_200, dtype=np.int64) * HOUR
    calm = drift.cusum(time, noise(1_200, scale=0.2), horizon=6, step_ms=HOUR)
    worse = drift.cusum(time, noise(1_200, scale=0.2) + 0.15, horizon=6, step_ms=HOUR)
    assert calm is not None and worse is not None
    assert calm.blocks == 200 and not calm.alarm
    assert worse.alarm and worse.path[-1] > drift.LIMIT


def test_cusum_waits_for_enough_blocks() -> None:
    time = np.arange(30, dtype=np.int64) * HOUR
    assert drift.cusum(time, np.ones(30) + noise(30), horizon=6, step_ms=HOUR) is None
    assert drift.cusum(time[:0], np.empty(0), horizon=6, step_ms=HOUR) is None


def shift(key: str, beyond: bool) -> Shift:
    return Shift(key, 0.5 if beyond else 0.1, 0.3 if beyond else 0.1, 0.25, 0.2, beyond)


@pytest.mark.parametrize(("moved", "state"), [(0, "steady"), (2, "shifting"), (3, "drifted")])
def test_several_features_together_are_drift(moved: int, state: str) -> None:
    shifts = [shift(str(k), k < moved) for k in range(10)]
    assert drift.judge({"demo:BTC/USDT": shifts}, [], None).state == state


def test_one_market_of_three_is_not_the_model() -> None:
    far, calm = [shift(str(k), True) for k in range(5)], [shift(str(k), False) for k in range(5)]
    assert drift.judge({"a": far, "b": calm, "c": calm}, [], None).state == "shifting"
    assert drift.judge({"a": far, "b": far, "c": calm}, [], None).state == "drifted"


def test_bad_scores_are_drift_whatever_the_features_say() -> None:
    found = drift.judge({}, ["demo:BTC/USDT"], Cusum(40, [6.0], drift.LIMIT, True))
    assert found.state == "drifted" and "CUSUM 6.0, limit 5" in found.reason
    assert drift.judge({}, [], None).state == "unknown"
    calm = replace(found, cusum=Cusum(40, [1.0], drift.LIMIT, False))
    assert calm.cusum is not None and drift.judge({}, [], calm.cusum).state == "steady"
    assert Report.from_dict(json.loads(json.dumps(found.to_dict()))) == found
