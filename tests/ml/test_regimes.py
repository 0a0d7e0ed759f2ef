"""The kind of market is known at the close of the candle, and says what it says."""

import numpy as np

from core.ohlcv import Candles
from core.timeframe import parse
from ml import regimes
from tests.candles import START_MS, walk

HOUR = parse("1h").ms


def drifting(step: float, n: int = 900) -> Candles:
    """Prices that rise by `step` a bar, with a little noise of constant size."""
    noise = np.where(np.arange(n) % 2, 1, -1) * 0.001
    close = 100 * np.exp(np.arange(n) * step + noise)
    time = START_MS + np.arange(n, dtype=np.int64) * HOUR
    return Candles(time, close, close * 1.001, close * 0.999, close, np.ones(n))


def test_nothing_after_a_bar_changes_its_regime() -> None:
    whole = walk(1_600)
    np.testing.assert_array_equal(regimes.codes(whole, HOUR)[:1_100], regimes.codes(whole[:1_100], HOUR))


def test_prices_that_rise_and_fall_are_called_so() -> None:
    rising, falling = (regimes.direction(regimes.codes(drifting(s), HOUR))[-1] for s in (0.001, -0.001))
    assert (regimes.DIRECTIONS[rising], regimes.DIRECTIONS[falling]) == ("rising", "falling")
    assert regimes.DIRECTIONS[regimes.direction(regimes.codes(drifting(0.0), HOUR))[-1]] == "sideways"


def test_the_first_bars_are_unknown_and_a_walk_has_every_regime() -> None:
    codes = regimes.codes(walk(3_000), HOUR)
    assert (codes[:190] == regimes.UNKNOWN).all()
    assert set(codes[250:]) == set(range(len(regimes.NAMES)))
    assert regimes.mood(codes)[0] == regimes.UNKNOWN


def test_too_short_a_series_has_no_regime() -> None:
    assert (regimes.codes(walk(80), HOUR) == regimes.UNKNOWN).all()
