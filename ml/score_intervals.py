"""Hit rate, Brier, calibration error and MCC of a forecaster on settled calls, each with its interval.

Everything is a score of sums over calls, so that a resample is a sum of other calls. Columns of a table: calls made;
Brier; calls; nine cells of what happened by what was called; per bin of confidence, right less confidence.
"""

from dataclasses import dataclass

import numpy as np

from core.ohlcv import Floats
from ml import evaluation, power
from ml.evaluation import Classes
from ml.scorecard import ENOUGH, Flags, Settled

RESAMPLES = 300
MADE, BRIER, CALLS, CELLS, BINS = 0, 1, 2, slice(3, 12), slice(12, 12 + evaluation.BINS)
Interval = list[float] | None


@dataclass(frozen=True, slots=True)
class Scores:
    """None where fewer than `ENOUGH` calls were made, and for Brier where fewer have settled."""

    hit_rate: float | None = None
    interval: Interval = None
    brier_interval: Interval = None
    ece: float | None = None
    ece_interval: Interval = None
    mcc: float | None = None
    mcc_interval: Interval = None


def score(rows: Settled, q: Floats, y: Classes, said: Classes, *, horizon: int, worth: float) -> Scores:
    """Scores of one forecaster. `q`: its probabilities. `y`: what counts as the outcome for it. `said`: what it called.

    95 % intervals by circular block bootstrap over calls in their order. That of the hit rate is never narrower than
    Wilson's at `worth` independent calls: with few blocks a bootstrap is surer than it may be.
    """
    if len(rows) < ENOUGH:
        return Scores()
    whole = table(q, y, said, ~rows.abstained)
    drawn = evaluation.block_sums(whole, rows.open_ms, horizon, resamples=RESAMPLES)
    brier = bounds(drawn[:, BRIER] / drawn[:, CALLS])
    made = int(whole[:, MADE].sum())
    if made < ENOUGH:
        return Scores(brier_interval=brier)
    drawn, total = drawn[drawn[:, MADE] > 0], whole.sum(axis=0, keepdims=True)
    rate = float(hit_rates(total)[0])
    low, high = bounds(hit_rates(drawn))
    least, most = power.wilson(rate, max(worth * made / len(rows), 1.0))
    return Scores(
        hit_rate=rate,
        interval=[min(low, least), max(high, most)],
        brier_interval=brier,
        ece=float(errors(total)[0]),
        ece_interval=bounds(errors(drawn)),
        mcc=float(correlations(total)[0]),
        mcc_interval=bounds(correlations(drawn)),
    )


def skill_interval(rows: Settled, mine: Floats, base: Floats, *, horizon: int) -> list[float]:
    """95 % interval of the Brier skill score; (n,) Brier scores of the model and of base rates."""
    drawn = evaluation.block_sums(np.stack((mine, base), axis=1), rows.open_ms, horizon, resamples=RESAMPLES)
    return bounds(1 - np.divide(drawn[:, 0], drawn[:, 1], out=np.ones(len(drawn)), where=drawn[:, 1] > 0))


def table(q: Floats, y: Classes, said: Classes, made: Flags) -> Floats:
    """(n, 27) what is summed, see above."""
    sure, right = q.max(axis=1), q.argmax(axis=1) == y
    bins = np.minimum((sure * evaluation.BINS).astype(int), evaluation.BINS - 1)
    found = np.zeros((len(y), 12 + evaluation.BINS))
    found[:, MADE], found[:, BRIER], found[:, CALLS] = made, evaluation.briers(q, y), 1
    found[np.arange(len(y)), 3 + y.astype(int) * 3 + said] = made
    found[np.arange(len(y)), 12 + bins] = (right - sure) * made
    return found


def hit_rates(sums: Floats) -> Floats:
    """Share of calls made that were right, per row of sums."""
    rates: Floats = sums[:, CELLS].reshape(-1, 3, 3).trace(axis1=1, axis2=2) / sums[:, MADE]
    return rates


def errors(sums: Floats) -> Floats:
    """Expected calibration error (Guo et al. 2017) per row of sums."""
    found: Floats = np.abs(sums[:, BINS]).sum(axis=1) / sums[:, MADE]
    return found


def correlations(sums: Floats) -> Floats:
    """Matthews correlation for three classes per row of sums."""
    return np.array([evaluation.mcc(cells.reshape(3, 3)) for cells in sums[:, CELLS]])


def bounds(values: Floats) -> list[float]:
    """The middle 95 %."""
    low, high = np.quantile(values, (0.025, 0.975))
    return [float(low), float(high)]
