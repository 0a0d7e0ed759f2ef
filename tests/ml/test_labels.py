"""The triple barrier, checked against a plain loop and by hand."""

import time

import numpy as np
import pytest

from core.errors import NotEnoughData
from core.ohlcv import Candles
from ml import labels
from ml.labels import BEARISH, BULLISH, NEUTRAL
from tests.candles import walk

HOUR = 3_600_000


def candles(rows: list[tuple[float, float, float, float]]) -> Candles:
    """Candles of (open, high, low, close)."""
    o, h, low, c = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return Candles(np.arange(len(rows), dtype=np.int64) * HOUR, o, h, low, c, np.ones(len(rows)))


def one(rows: list[tuple[float, float, float, float]], horizon: int = 2) -> labels.Outcomes:
    """The label of the first candle with barriers 10 % away."""
    up, down = np.array([1.1]), np.array([0.9])
    return labels.touch(candles(rows), np.array([0]), up, down, horizon=horizon, step_ms=HOUR)


DECISION = (50.0, 50.0, 50.0, 50.0)  # its own prices count for nothing: the entry is the next open


def test_upper_barrier_counts_from_the_open_after_the_decision() -> None:
    found = one([DECISION, (100, 105, 99, 104), (104, 110.5, 103, 108)])
    assert (found.y[0], found.end[0], found.entry[0]) == (BULLISH, 2, 100.0)
    assert found.ret[0] == pytest.approx(np.log(1.1))


def test_lower_barrier_ends_the_label_at_its_first_touch() -> None:
    found = one([DECISION, (100, 101, 90, 95), (95, 120, 94, 119)])
    assert (found.y[0], found.end[0]) == (BEARISH, 1)


def test_time_runs_out_as_neutral_with_the_return_to_the_last_close() -> None:
    found = one([DECISION, (100, 105, 95, 101), (101, 106, 96, 104), (104, 200, 1, 100)])
    assert (found.y[0], found.end[0]) == (NEUTRAL, 2)
    assert found.ret[0] == pytest.approx(np.log(1.04))


def test_both_barriers_in_one_bar_are_ambiguous() -> None:
    found = one([DECISION, (100, 111, 89, 100), (100, 100, 100, 100)])
    assert found.ambiguous[0]
    assert found.end[0] == 1


BOTH = [DECISION, (100, 111, 89, 100), (100, 100, 100, 100)]


def finely(rows: list[tuple[float, float, float, float]]) -> labels.Outcomes:
    """The label of `BOTH` where the hour that touched both barriers is known in quarters."""

    def read(first: int, last: int) -> Candles:
        assert (first, last) == (HOUR, 2 * HOUR - 1)
        return candles(rows)

    up, down = np.array([1.1]), np.array([0.9])
    return labels.touch(candles(BOTH), np.array([0]), up, down, horizon=2, step_ms=HOUR, finer=read)


def test_finer_candles_decide_which_barrier_came_first() -> None:
    calm, high, low = (100, 101, 99, 100), (100, 111, 99, 100), (100, 101, 89, 100)
    up = finely([calm, high, low])
    assert (up.y[0], up.ambiguous[0]) == (BULLISH, False)
    assert up.ret[0] == pytest.approx(np.log(1.1))
    down = finely([low, high, calm])
    assert (down.y[0], down.ambiguous[0]) == (BEARISH, False)
    assert down.ret[0] == pytest.approx(np.log(0.9))


@pytest.mark.parametrize("rows", [[(100, 111, 89, 100)], [(100, 101, 99, 100)], [(100, 100, 100, 100)] * 3])
def test_finer_candles_that_do_not_tell_leave_it_open(rows: list[tuple[float, float, float, float]]) -> None:
    assert finely(rows).ambiguous[0]


def test_a_path_that_is_not_over_has_no_label() -> None:
    assert not one([DECISION, (100, 120, 99, 104)]).known[0]


def test_a_path_over_a_hole_has_no_label() -> None:
    series = walk(100)[np.delete(np.arange(100), 50)]
    at = np.arange(99)
    wide = np.full(99, 2.0)
    found = labels.touch(series, at, wide, 1 / wide, horizon=5, step_ms=HOUR)
    assert not found.known[45:50].any()
    assert found.known[:45].all()
    assert found.known[50:94].all()


@pytest.mark.parametrize("horizon", [1, 3, 24])
def test_labels_agree_with_a_plain_loop(horizon: int) -> None:
    series = walk(500, seed=horizon)
    at = np.arange(100, 480)
    sigma = labels.sigma(series, HOUR, 50)[at]
    upper, lower = labels.factors(sigma, 0.7, horizon)
    found = labels.touch(series, at, upper, lower, horizon=horizon, step_ms=HOUR)
    for n, i in enumerate(at):
        if i + horizon >= len(series):
            assert not found.known[n]
            continue
        entry, y, end = series.open[i + 1], NEUTRAL, i + horizon
        for j in range(i + 1, i + horizon + 1):
            up, down = series.high[j] >= entry * upper[n], series.low[j] <= entry * lower[n]
            if up or down:
                y, end = BEARISH if down else BULLISH, j
                break
        assert (found.y[n], found.end[n]) == (y, end)


def test_sigma_is_the_exponentially_weighted_deviation_of_returns() -> None:
    series = walk(2_000)
    r = np.diff(np.log(series.close))
    weights = (1 - 2 / 101) ** np.arange(len(r))[::-1]
    mean = np.average(r, weights=weights)
    expected = np.sqrt(np.average((r - mean) ** 2, weights=weights))
    assert labels.sigma(series, HOUR, 100)[-1] == pytest.approx(expected, rel=1e-6)


def test_sigma_of_a_bar_ignores_later_bars() -> None:
    series = walk(400)
    np.testing.assert_array_equal(labels.sigma(series[:250], HOUR, 100), labels.sigma(series, HOUR, 100)[:250])


def test_sigma_is_missing_in_warm_up_and_where_nothing_moves() -> None:
    assert np.isnan(labels.sigma(walk(50), HOUR, 100)).all()
    still = candles([(100, 100, 100, 100)] * 200)
    assert np.isnan(labels.sigma(still, HOUR, 100)).all()


def test_sigma_leaves_out_the_jump_over_a_hole() -> None:
    series = walk(400)
    holed = series[np.delete(np.arange(400), np.arange(200, 240))]
    jump = Candles(holed.time, *(np.concatenate((c[:200], c[200:] * 3)) for c in list(holed.columns())[1:]))
    plain = labels.sigma(holed, HOUR, 100)
    np.testing.assert_allclose(labels.sigma(jump, HOUR, 100), plain, rtol=1e-9)


def test_k_makes_a_third_of_the_train_rows_neutral() -> None:
    series = walk(4_000)
    sigma = labels.sigma(series, HOUR, 100)
    at = np.nonzero(np.isfinite(sigma))[0][:2_500]
    k = labels.choose_k([(series, at, sigma[at])], horizon=24, step_ms=HOUR)
    found = labels.touch(series, at, *labels.factors(sigma[at], k, 24), horizon=24, step_ms=HOUR)
    got = labels.shares(found.y[found.known])
    assert got[NEUTRAL] == pytest.approx(1 / 3, abs=0.02)
    assert got.min() >= 0.25
    assert got.max() <= 0.45


def test_k_does_not_look_beyond_the_train_rows() -> None:
    series = walk(4_000)
    sigma = labels.sigma(series, HOUR, 100)
    at = np.nonzero(np.isfinite(sigma))[0][:1_000]
    until = at[-1] + 25
    whole = labels.choose_k([(series, at, sigma[at])], horizon=24, step_ms=HOUR)
    assert labels.choose_k([(series[:until], at, sigma[at])], horizon=24, step_ms=HOUR) == whole


def test_no_train_rows_are_refused_in_words() -> None:
    nothing = np.empty(0, dtype=np.int64)
    with pytest.raises(NotEnoughData, match="longer span"):
        labels.choose_k([(walk(10), nothing, np.empty(0))], horizon=24, step_ms=HOUR)


def test_labelling_five_years_of_hours_takes_less_than_a_second() -> None:
    series = walk(38_221)
    began = time.perf_counter()
    sigma = labels.sigma(series, HOUR, 100)
    at = np.nonzero(np.isfinite(sigma))[0]
    labels.touch(series, at, *labels.factors(sigma[at], 0.8, 24), horizon=24, step_ms=HOUR)
    assert time.perf_counter() - began < 1
