"""The figures beside a chart, on candles whose answers are known."""

import numpy as np
import pytest

from core import ohlcv
from core.ohlcv import Candles
from market.key_figures import key_figures

HOUR = 3_600_000
DAY = 24 * HOUR


def flat(n: int, step: int = HOUR) -> Candles:
    ones = np.ones(n)
    return Candles(step * np.arange(n, dtype=np.int64), ones, ones, ones, ones, ones)


def rising(n: int, step: int = HOUR) -> Candles:
    close = np.arange(1.0, n + 1)
    return Candles(step * np.arange(n, dtype=np.int64), close, close + 0.5, close - 0.5, close, np.full(n, 2.0))


def test_nothing_gives_nothing() -> None:
    assert key_figures(ohlcv.empty(), HOUR) is None


def test_a_day_is_the_last_24_candles_of_an_hour() -> None:
    found = key_figures(rising(200), HOUR)
    assert found is not None
    assert (found.last, found.low_day, found.high_day, found.volume_day) == (200.0, 176.5, 200.5, 48.0)
    assert found.change_day == pytest.approx(200 / 176 - 1)
    assert found.change_week == pytest.approx(200 / 32 - 1)


def test_no_change_is_told_where_the_candle_to_compare_with_is_missing() -> None:
    candles = rising(200)
    holed = candles[candles.time != candles.time[-1] - DAY]
    found = key_figures(holed, HOUR)
    assert found is not None
    assert found.change_day is None
    assert found.change_week is not None


def test_too_short_a_series_has_neither_changes_nor_volatility() -> None:
    found = key_figures(rising(5), HOUR)
    assert found is not None
    assert (found.change_day, found.change_week, found.volatility) == (None, None, None)


def test_a_flat_price_has_no_volatility_and_a_known_one_has_its_own() -> None:
    quiet = key_figures(flat(800), HOUR)
    assert quiet is not None
    assert quiet.volatility == 0.0
    rng = np.random.default_rng(3)
    close = np.exp(np.cumsum(rng.normal(0, 0.01, 720)))
    moving = Candles(HOUR * np.arange(720, dtype=np.int64), close, close, close, close, close)
    found = key_figures(moving, HOUR)
    assert found is not None
    assert found.volatility == pytest.approx(0.01 * np.sqrt(365 * 24), rel=0.1)


def test_no_return_spans_a_gap() -> None:
    candles = flat(800)
    jump = np.where(np.arange(800) < 400, 1.0, 5.0)
    holed = Candles(candles.time + np.where(np.arange(800) < 400, 0, DAY), jump, jump, jump, jump, candles.volume)
    found = key_figures(holed, HOUR)
    assert found is not None
    assert found.volatility == 0.0


def test_weekly_candles_have_no_figures_of_a_day() -> None:
    found = key_figures(rising(60, 7 * DAY), 7 * DAY)
    assert found is not None
    assert (found.low_day, found.volume_day, found.change_day) == (None, None, None)
    assert found.change_week == pytest.approx(60 / 59 - 1)
