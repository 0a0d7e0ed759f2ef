"""Made-up candles for tests."""

import numpy as np

from core.ohlcv import Candles
from core.timeframe import parse

START_MS = 1_600_041_600_000  # 2020-09-14 00:00 UTC, a Monday


def walk(n: int, timeframe: str = "1h", *, seed: int = 1, start_ms: int = START_MS) -> Candles:
    """A random walk of `n` candles without gaps; a longer one begins with the same candles."""
    steps, upper, lower, traded = (np.random.default_rng([seed, k]).random(n) for k in range(4))
    close = 100 * np.exp(np.cumsum((steps - 0.5) / 30))
    opened = np.concatenate(([100.0], close[:-1]))[:n]
    high = np.maximum(opened, close) * (1 + upper / 100)
    low = np.minimum(opened, close) * (1 - lower / 100)
    time = start_ms + np.arange(n, dtype=np.int64) * parse(timeframe).ms
    return Candles(time, opened, high, low, close, traded * 1_000)


def same(one: Candles, other: Candles) -> bool:
    """Equal in every value."""
    return all(np.array_equal(a, b) for a, b in zip(one.columns(), other.columns(), strict=True))


def alike(one: Candles, other: Candles) -> bool:
    """Equal in times and prices; volumes, sums that may be taken in another order, to twelve digits."""
    *first, traded = one.columns()
    *second, expected = other.columns()
    equal = all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    return equal and np.allclose(np.asarray(traded, float), np.asarray(expected, float), rtol=1e-12, atol=0)
