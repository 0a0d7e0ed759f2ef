"""Diebold–Mariano finds a difference that is there, and few where there is none."""

import numpy as np
import pytest

from ml import student
from ml.comparison import compare, degrees, long_run_variance, overlapping, small_sample

HOUR = 3_600_000


def times(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int64) * HOUR


def test_a_clear_gain_is_significant_and_a_loss_is_not() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(1.1, 0.2, 2_000)
    better = compare(base - 0.05 + rng.normal(0, 0.05, 2_000), base, times(2_000), horizon=1)
    assert better.beats and better.gain == pytest.approx(0.05, abs=0.01)
    assert better.interval[0] > 0
    worse = compare(base + 0.05, base, times(2_000), horizon=1)
    assert not worse.beats and worse.p_value > 0.99


def test_the_same_forecast_beats_nothing() -> None:
    loss = np.random.default_rng(2).random(100)
    same = compare(loss, loss, times(100), horizon=5)
    assert (same.gain, same.p_value, same.beats) == (0, 0.5, False)


def test_overlap_is_allowed_for() -> None:
    """Differences of no use that hang together over 24 bars: naive tests cry wolf, this one seldom."""
    false = {1: 0, 24: 0}
    for seed in range(300):
        noise = np.random.default_rng(seed).normal(size=1_023)
        difference = np.convolve(noise, np.ones(24) / 24, "valid")
        for horizon in false:
            false[horizon] += compare(-difference, np.zeros(1_000), times(1_000), horizon=horizon).beats
    assert false[1] > 60
    assert false[24] <= 21  # 5 % of 300 are 15, with a deviation of 4


def test_no_more_moments_than_the_horizon_show_nothing() -> None:
    clear = compare(np.zeros(24), np.linspace(1, 2, 24), times(24), horizon=24)
    assert (clear.p_value, clear.beats) == (0.5, False)


def test_the_tail_is_students() -> None:
    from scipy import stats

    for freedom in (1, 2, 5, 30, 839, 100_000):
        for t in (-3.0, -0.5, 0.0, 0.3, 1.645, 8.0):
            assert student.upper_tail(t, freedom) == pytest.approx(float(stats.t.sf(t, freedom)), rel=1e-6)
        assert student.critical(0.025, freedom) == pytest.approx(float(stats.t.ppf(0.975, freedom)))


def test_the_correction_is_that_of_harvey_leybourne_and_newbold() -> None:
    assert small_sample(100, 1) == pytest.approx(np.sqrt(99 / 100))
    assert small_sample(50, 5) == pytest.approx(np.sqrt((50 + 1 - 10 + 5 * 4 / 50) / 50))
    assert small_sample(5, 5) == 0.0


def test_variance_of_white_noise_is_its_sum_of_squares() -> None:
    noise = np.random.default_rng(3).normal(size=20_000)
    assert long_run_variance(noise - noise.mean(), 23) == pytest.approx(20_000, rel=0.25)


def test_markets_of_one_moment_count_as_one_term() -> None:
    """Copying a market beside itself adds no evidence."""
    rng = np.random.default_rng(4)
    base, model = rng.random(500), rng.random(500)
    alone = compare(model, base, times(500), horizon=3)
    twice = compare(np.tile(model, 2), np.tile(base, 2), np.tile(times(500), 2), horizon=3)
    assert twice.statistic == pytest.approx(alone.statistic)
    assert twice.p_value == pytest.approx(alone.p_value)


def test_calls_made_every_few_bars_overlap_less_and_leave_more_degrees_of_freedom() -> None:
    assert overlapping(times(100), 24 * HOUR) == 24
    assert overlapping(times(100)[::4], 24 * HOUR) == 6
    assert overlapping(np.tile(times(50), 2), 5 * HOUR) == 5
    assert overlapping(times(1), HOUR) == overlapping(times(0), HOUR) == 1
    assert (degrees(480, 24), degrees(120, 6), degrees(10, 9)) == (19, 19, 1)


def test_calls_in_bursts_overlap_as_often_as_in_the_densest_of_them() -> None:
    burst = np.concatenate((times(300)[::12], 300 * HOUR + times(24)))  # now and then, later every bar
    assert overlapping(burst, 24 * HOUR) == 24
    assert overlapping(burst[:25], 24 * HOUR) == 2


def test_no_calls_farther_apart_than_the_lags_share_a_bar() -> None:
    rng = np.random.default_rng(5)
    for horizon in (1, 6, 24):
        t0 = np.sort(rng.choice(400, 150, replace=False)) * HOUR
        lap = overlapping(t0, horizon * HOUR)
        assert (t0[lap:] - t0[:-lap] >= horizon * HOUR).all()
        assert lap == 1 or (t0[lap - 1 :] - t0[: 1 - lap]).min() < horizon * HOUR  # and no lag is for nothing
