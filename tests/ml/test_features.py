"""Features know the past only, are ratios, and stay silent until they are warm."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from core.ohlcv import Candles, empty
from ml import features
from tests.candles import walk

HOUR = 3_600_000
CANDLES = walk(400)
WHOLE = features.compute(CANDLES, HOUR)


def column(table: np.ndarray, name: str) -> np.ndarray:
    return table[:, features.NAMES.index(name)]


def changed(candles: Candles, **columns: np.ndarray) -> Candles:
    return dataclasses.replace(candles, **columns)


def test_there_are_ten() -> None:
    assert WHOLE.shape == (400, 10)
    assert len(set(features.NAMES)) == 10


@settings(max_examples=60, deadline=None)
@given(at=some.integers(1, 399), seed=some.integers(0, 1_000))
def test_no_feature_changes_when_later_candles_come(at: int, seed: int) -> None:
    cut = features.compute(CANDLES[:at], HOUR)
    np.testing.assert_array_equal(cut, WHOLE[:at])
    noise = np.random.default_rng(seed).uniform(0.5, 2.0, 400)
    noise[:at] = 1.0
    other = Candles(CANDLES.time, *(c * noise for c in list(CANDLES.columns())[1:]))
    np.testing.assert_array_equal(features.compute(other, HOUR)[:at], WHOLE[:at])


def test_price_level_and_volume_unit_do_not_matter() -> None:
    scaled = Candles(
        CANDLES.time, *(c * 1_000 for c in (CANDLES.open, CANDLES.high, CANDLES.low, CANDLES.close)), CANDLES.volume * 7
    )
    np.testing.assert_allclose(features.compute(scaled, HOUR), WHOLE, rtol=1e-6, atol=1e-9)


def test_warm_up_is_nan_and_what_follows_is_not() -> None:
    assert np.isnan(WHOLE[0]).any()
    assert np.isfinite(WHOLE[60:]).all()
    assert np.isnan(column(WHOLE, "ema_50_distance")[:49]).all()


def test_values_are_what_their_definitions_say() -> None:
    c, i = CANDLES, 300
    assert column(WHOLE, "log_return")[i] == pytest.approx(np.log(c.close[i] / c.close[i - 1]))
    assert column(WHOLE, "range")[i] == pytest.approx((c.high[i] - c.low[i]) / c.close[i])
    assert column(WHOLE, "close_position")[i] == pytest.approx((c.close[i] - c.low[i]) / (c.high[i] - c.low[i]))
    volumes = c.volume[i - 49 : i + 1]
    assert column(WHOLE, "volume_z")[i] == pytest.approx((c.volume[i] - volumes.mean()) / volumes.std())
    closes = c.close[i - 19 : i + 1]
    low, high = closes.mean() - 2 * closes.std(), closes.mean() + 2 * closes.std()
    assert column(WHOLE, "bollinger_b")[i] == pytest.approx((c.close[i] - low) / (high - low))
    assert (column(WHOLE, "rsi_14")[60:] <= 1).all()


def test_return_over_a_hole_is_missing() -> None:
    holed = CANDLES[np.delete(np.arange(400), np.arange(200, 205))]
    table = features.compute(holed, HOUR)
    assert np.isnan(column(table, "log_return")[200])
    assert np.isfinite(column(table, "log_return")[201])


def test_flat_candles_and_still_volume_give_numbers() -> None:
    still = np.full(400, 100.0)
    flat = changed(CANDLES, open=still, high=still, low=still, close=still, volume=np.full(400, 5.0))
    table = features.compute(flat, HOUR)[60:]
    assert np.isfinite(table).all()
    assert (column(table, "close_position") == 0.5).all()
    assert (column(table, "volume_z") == 0).all()
    assert (column(table, "bollinger_b") == 0.5).all()


def test_the_lead_makes_the_start_of_a_series_invisible() -> None:
    long = walk(3_000)
    whole = features.compute(long, HOUR)[-60:]
    short = features.compute(long[-(features.LEAD + 60) :], HOUR)[-60:]
    np.testing.assert_allclose(short, whole, rtol=1e-7, atol=1e-8)


def test_no_candles_give_no_features() -> None:
    assert features.compute(empty(), HOUR).shape == (0, 10)
