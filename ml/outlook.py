"""What a horizon would have to earn, before anything is trained: how far its barriers lie, and what pays the costs.

Break-even hit rate at costs c of a round trip and barriers b away: 1/2 + c / (2 b). The barriers are those the newest
candles give by the rule of the labels (`ml.labels`), so that what is shown before is what a training will find.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import NotEnoughData
from core.ohlcv import Candles
from ml import labels

WORTH = 3.0  # a barrier should lie so many times the costs away
LADDER = (6, 12, 24, 48, 96)  # bars
NEWEST = 2_000  # candles that are looked at
LEAST = 100  # rows


@dataclass(frozen=True, slots=True)
class Outlook:
    """`barrier`: distance from the entry as a fraction. `break_even`: hit rate that pays the costs, above 1 if none."""

    horizon: int
    barrier: float
    break_even: float
    worth: bool


def break_even(cost: float, barrier: float) -> float:
    """The hit rate at which a call pays: both are fractions of the price."""
    return 0.5 + cost / (2 * barrier)


def outlooks(candles: Candles, horizons: Sequence[int], *, step_ms: int, span: int, cost: float) -> list[Outlook]:
    """One for each horizon the newest candles are enough for, shortest first."""
    newest = candles[-NEWEST:]
    sigma = labels.sigma(newest, step_ms, span)
    found = []
    for horizon in sorted(set(horizons)):
        at = np.nonzero(np.isfinite(sigma))[0]
        at = at[at + horizon < len(newest)]
        if len(at) < LEAST:
            continue
        try:
            k = labels.choose_k([(newest, at, sigma[at])], horizon=horizon, step_ms=step_ms)
        except NotEnoughData:
            continue
        barrier = float(np.expm1(np.median(k * sigma[at] * np.sqrt(horizon))))
        found.append(Outlook(horizon, barrier, break_even(cost, barrier), barrier >= WORTH * cost))
    return found
