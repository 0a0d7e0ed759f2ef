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

WORTH = 3.0  # a barrier should lie so many times the costs of a round trip away
TOO_NEAR = (
    f"Barriers nearer than {WORTH:.0f} times the costs make calls that costs eat: choose a longer horizon or "
    "timeframe, or state lower costs if you pay less than that."
)
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


def worth(cost: float, barrier: float) -> bool:
    """Whether barriers lie far enough from the entry for calls on them to be worth making."""
    return barrier >= WORTH * cost


def told(cost: float, barrier: float) -> str:
    """What calls have to earn, in the one sentence of the form, the command, the API and the card."""
    rate = break_even(cost, barrier)
    needs = f"a call has to be right {rate:.1%} of the time to pay" if rate < 1 else "no hit rate can pay"
    return f"Barriers lie about {barrier:.2%} from the entry: at costs of {cost:.2%} a round trip {needs}."


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
        found.append(Outlook(horizon, barrier, break_even(cost, barrier), worth(cost, barrier)))
    return found
