"""Triple-barrier labels. The same code labels training rows and settles calls.

Decision at the close of bar i, entry at the OPEN of bar i+1. sigma_i is the exponentially weighted standard deviation
(span s) of log returns up to bar i. Barriers at entry × exp(±k·sigma·sqrt(h)), the vertical one at bar i+h. t1 is the
first bar in (i, i+h] whose high reaches the upper or whose low reaches the lower barrier, else i+h.
(López de Prado, Advances in Financial Machine Learning, 2018, ch. 3; entry and volatility as stated.)

A row whose path i … i+h is not gapless has no label: what happened inside a hole is unknown. Where one bar touches both
barriers, finer candles decide which came first; without them the row is ambiguous.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import NotEnoughData
from core.ohlcv import Candles, Floats
from market.indicators.talib_functions import talib
from ml.features import log_returns

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Finer = Callable[[int, int], Candles]  # finer candles that open in [first, last], ms; none where none are stored

BEARISH, NEUTRAL, BULLISH = 0, 1, 2
FAIR = (0.25, 0.45)  # the share each class should have on train rows
NARROWEST, WIDEST = 0.02, 5.0  # of k


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What came of rows, parallel arrays. `known` False: the path is not complete, and the rest means nothing.

    `end`: index of the deciding bar. `ret`: log return from entry to the barrier, or to the close of bar i+h.
    `ambiguous`: nobody knows which barrier came first; `y` says bearish, and `evaluation.settled` decides.
    """

    known: Flags
    end: Ints
    y: npt.NDArray[np.int8]
    entry: Floats
    ret: Floats
    ambiguous: Flags


def sigma(candles: Candles, step_ms: int, span: int) -> Floats:
    """(n,) EWMA standard deviation of log returns of bars <= i; NaN in warm-up. Returns across holes are left out."""
    returns = log_returns(candles, step_ms)
    there = ~np.isnan(returns)
    found = np.full(len(candles), np.nan)
    if there.sum() < span:
        return found
    r = returns[there]
    variance = talib.EMA(r * r, span) - talib.EMA(r, span) ** 2
    latest = np.cumsum(there) - 1
    found[latest >= 0] = np.sqrt(np.maximum(variance, 0.0))[latest[latest >= 0]]
    found[found == 0] = np.nan
    return found


def factors(sigmas: Floats, k: float, horizon: int) -> tuple[Floats, Floats]:
    """Upper and lower barrier as factors on the entry price."""
    width = k * sigmas * np.sqrt(horizon)
    return np.exp(width), np.exp(-width)


def touch(
    candles: Candles,
    at: Ints,
    upper: Floats,
    lower: Floats,
    *,
    horizon: int,
    step_ms: int,
    finer: Finer | None = None,
) -> Outcomes:
    """Follow the path of each row `at` (bar indices) until a barrier or bar i+h. `upper`, `lower`: factors per row."""
    last = np.minimum(at + horizon, len(candles) - 1)
    known = (at + horizon < len(candles)) & (candles.time[last] - candles.time[at] == horizon * step_ms)
    first = np.minimum(at + 1, len(candles) - 1)
    entry = candles.open[first]
    y = np.full(len(at), NEUTRAL, dtype=np.int8)
    end, ambiguous = last.copy(), np.zeros(len(at), dtype=bool)
    ret = np.log(candles.close[last] / entry)
    high, low = entry * upper, entry * lower
    walking = np.nonzero(known)[0]
    for ahead in range(1, horizon + 1):
        bar = at[walking] + ahead
        up, down = candles.high[bar] >= high[walking], candles.low[bar] <= low[walking]
        hit = up | down
        rows = walking[hit]
        y[rows] = np.where(down[hit], BEARISH, BULLISH)
        ambiguous[rows] = (up & down)[hit]
        ret[rows] = np.log(np.where(down[hit], lower[rows], upper[rows]))
        end[rows] = bar[hit]
        walking = walking[~hit]
        if not len(walking):
            break
    if finer is not None:
        for row in np.nonzero(ambiguous)[0]:
            opened = int(candles.time[end[row]])
            side = _first_side(finer(opened, opened + step_ms - 1), high[row], low[row])
            if side is not None:
                y[row], ambiguous[row] = side, False
                ret[row] = np.log(upper[row] if side == BULLISH else lower[row])
    return Outcomes(known, end, y, entry, ret, ambiguous)


def _first_side(inside: Candles, high: float, low: float) -> int | None:
    """Which barrier the finer candles of a bar reach first; None where they do not tell."""
    up, down = inside.high >= high, inside.low <= low
    hits = np.nonzero(up | down)[0]
    if not len(hits) or (up[hits[0]] and down[hits[0]]):
        return None
    return BULLISH if up[hits[0]] else BEARISH


def shares(y: npt.NDArray[np.int8]) -> Floats:
    """(3,) how often each class stands in `y`."""
    return np.bincount(y, minlength=3)[:3] / max(len(y), 1)


def choose_k(paths: list[tuple[Candles, Ints, Floats]], *, horizon: int, step_ms: int) -> float:
    """The k at which a third of the train rows is neutral, by bisection: the neutral share grows with k.

    `paths`: per market its candles, the TRAIN rows and their sigmas. Nothing after a train row's path may be in them.
    """

    def neutral(k: float) -> float:
        found = [
            touch(c, at, *factors(s, k, horizon), horizon=horizon, step_ms=step_ms) for c, at, s in paths if len(at)
        ]
        y = np.concatenate([o.y[o.known & ~o.ambiguous] for o in found]) if found else np.empty(0, dtype=np.int8)
        if not len(y):
            raise NotEnoughData("No row of the training span has a label. Choose a longer span or a shorter horizon.")
        return float(shares(y)[NEUTRAL])

    low, high = NARROWEST, WIDEST
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if neutral(middle) < 1 / 3 else (low, middle)
    return round((low + high) / 2, 4)
