"""Series that nothing can be known of, and one whose direction can be seen."""

import numpy as np

from core.ohlcv import Candles
from tests.candles import START_MS

HOUR = 3_600_000
SIGMA = 0.01  # of a bar's log return
DWELL = 40  # bars a planted direction lasts on average


def random_walk(n: int, *, seed: int) -> Candles:
    """Independent moves: whoever finds skill here finds chance."""
    return _candles(np.random.default_rng([seed, 1]).normal(0.0, SIGMA, n), seed)


def planted_drift(n: int, *, seed: int, strength: float = 0.5) -> Candles:
    """A drift of `strength` deviations a bar, up or down, that turns now and then; volume gives its side away."""
    rng = np.random.default_rng([seed, 2])
    up = np.cumsum(rng.random(n) < 1 / DWELL) % 2 == 0
    moves = rng.normal(0.0, SIGMA, n) + np.where(up, strength, -strength) * SIGMA
    return _candles(moves, seed, np.where(up, 8.0, 2.0))


def _candles(moves: np.ndarray, seed: int, volume: float | np.ndarray = 5.0) -> Candles:
    rng = np.random.default_rng([seed, 3])
    close = 100.0 * np.exp(np.cumsum(moves))
    opened = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, SIGMA / 3, len(moves))))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, SIGMA / 3, len(moves))))
    time = START_MS + np.arange(len(moves), dtype=np.int64) * HOUR
    return Candles(time, opened, high, low, close, volume * rng.uniform(0.8, 1.2, len(moves)))
