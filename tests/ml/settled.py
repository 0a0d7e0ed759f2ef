"""Settled calls made up for tests: classes drawn at random, probabilities as wanted."""

import numpy as np

from ml.scorecard import Habits, Settled

HOUR = 3_600_000
HABITS = Habits([0.3, 0.4, 0.3], [[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.2, 0.3, 0.5]], [[0.4, 0.3, 0.3]] * 3)


def settled(n: int, *, share: float = 0.0, seed: int = 0, length: int = 1, abstain: int = 0) -> Settled:
    """`n` calls an hour apart. `share` of each probability lies on what will happen, the rest is base rates."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, size=n, p=HABITS.base_rates).astype(np.int8)
    p = (1 - share) * np.tile(HABITS.base_rates, (n, 1)) + share * np.eye(3)[y]
    noise = rng.dirichlet((30, 30, 30), size=n)
    p = 0.8 * p + 0.2 * noise
    time = np.arange(n, dtype=np.int64) * HOUR
    abstained = np.zeros(n, dtype=bool)
    abstained[:abstain] = True
    return Settled(
        open_ms=time,
        until_ms=time + length * HOUR,
        p=p,
        y=y,
        ambiguous=np.zeros(n, dtype=bool),
        abstained=abstained,
        held=np.tile((False, True, True), (n, 1)),
        regime=(np.arange(n) % 6).astype(np.int8),
        persistence=np.concatenate(([1], y[:-1])).astype(np.int8),
        momentum=rng.integers(0, 3, n).astype(np.int8),
        logistic=np.full((n, 3), np.nan),
        boosting=np.full((n, 3), np.nan),
    )
