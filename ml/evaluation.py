"""Scores of probabilities over three classes against what happened, and how far they can be trusted.

`p`: (n, 3) probabilities in the order bearish, neutral, bullish. `y`: (n,) classes 0, 1, 2. `t0`, `t1`: opens of the
bar decided on and of the bar that ended the label, ms.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats, Times
from ml.card import CLASSES, Bin, ClassScore, Metrics
from ml.labels import BEARISH, BULLISH, NEUTRAL

Classes = npt.NDArray[np.int8]

BINS = 15  # equal width, on the probability of the call
RESAMPLES = 1_000
MASS_BINS = 10
LEAST = 1e-7  # probabilities are clipped here before the logarithm


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The rows a forecaster is scored on. `market`: number of the market.

    `prior`: class shares of train rows, (3,), or (n, 3) where rows belong to several folds.
    """

    y: Classes
    ambiguous: npt.NDArray[np.bool_]
    t0: Times
    t1: Times
    market: npt.NDArray[np.int16]
    prior: Floats
    horizon: int
    step_ms: int


def settled(y: Classes, ambiguous: npt.NDArray[np.bool_], p: Floats) -> Classes:
    """What counts as the outcome: where one bar touched both barriers, the side the forecast held less likely."""
    worst = np.where(p[:, BEARISH] < p[:, BULLISH], BEARISH, BULLISH)
    return np.where(ambiguous, worst, y).astype(np.int8)


def log_losses(p: Floats, y: Classes) -> Floats:
    """(n,) −ln of the probability given to what happened, nats."""
    losses: Floats = -np.log(np.clip(p[np.arange(len(y)), y], LEAST, 1.0))
    return losses


def briers(p: Floats, y: Classes) -> Floats:
    """(n,) squared distance of the three probabilities from what happened, 0 to 2."""
    scores: Floats = ((p - np.eye(3)[y]) ** 2).sum(axis=1)
    return scores


def confusion(y: Classes, called: Classes) -> npt.NDArray[np.int64]:
    """(3, 3) counts, rows what happened, columns what was called."""
    return np.bincount(y.astype(np.int64) * 3 + called, minlength=9).reshape(3, 3)


def mcc(table: npt.NDArray[np.int64] | Floats) -> float:
    """Matthews correlation for several classes (Gorodkin 2004, R_K); 0 where one side never varies."""
    t, p, n = table.sum(axis=1).astype(float), table.sum(axis=0).astype(float), float(table.sum())
    spread = np.sqrt((n * n - (p * p).sum()) * (n * n - (t * t).sum()))
    return float((np.trace(table) * n - (t * p).sum()) / spread) if spread > 0 else 0.0


def per_class(table: npt.NDArray[np.int64]) -> list[ClassScore]:
    found = []
    for k, name in enumerate(CLASSES):
        right, support, called = int(table[k, k]), int(table[k].sum()), int(table[:, k].sum())
        precision, recall = right / called if called else 0.0, right / support if support else 0.0
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        found.append(ClassScore(name, precision, recall, f1, support, called))
    return found


def reliability(p: Floats, y: Classes) -> list[Bin]:
    """Calls by confidence in 15 bins of equal width; empty bins are left out."""
    called, confidence = p.argmax(axis=1), p.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    found = []
    for b in np.unique(bins):
        inside = bins == b
        right = float((called[inside] == y[inside]).mean())
        found.append(Bin(b / BINS, (b + 1) / BINS, int(inside.sum()), float(confidence[inside].mean()), right))
    return found


def ece(bins: list[Bin]) -> float:
    """Expected calibration error (Guo et al. 2017): mean distance of confidence from hit rate, weighed by calls."""
    n = sum(b.n for b in bins)
    return sum(b.n * abs(b.right - b.confidence) for b in bins) / n if n else 0.0


def effective_size(t0: Times, t1: Times, market: npt.NDArray[np.int16], step_ms: int) -> float:
    """Sum over labels of the mean of 1/concurrency over their bars, per market: what overlapping labels are worth.

    Markets are added up, which overstates it where they move together.
    """
    total = 0.0
    for number in np.unique(market):
        first = t0[market == number] // step_ms + 1
        last = t1[market == number] // step_ms
        origin = int(first.min())
        edges = np.zeros(int(last.max()) - origin + 2)
        np.add.at(edges, first - origin, 1.0)
        np.add.at(edges, last - origin + 1, -1.0)
        count = np.cumsum(edges)[:-1]
        inverse = np.divide(1.0, count, out=np.zeros_like(count), where=count > 0)
        before = np.concatenate(([0.0], np.cumsum(inverse)))
        mean = (before[last - origin + 1] - before[first - origin]) / (last - first + 1)
        total += float(mean.sum())
    return total


def block_sums(table: Floats, t0: Times, horizon: int, *, resamples: int = RESAMPLES) -> Floats:
    """(resamples, m) sums over circular blocks of moments; all markets of a moment stay together.

    `table`: (n, m) what is summed over rows. Blocks are of `horizon` moments or more; the last one is cut, so that each
    resample holds as many moments as there are. The same moments draw the same blocks, whatever is summed.
    """
    _, moment = np.unique(t0, return_inverse=True)
    n = int(moment.max()) + 1
    sums = np.stack([np.bincount(moment, column, n) for column in table.T], axis=1)
    block = min(max(horizon, round(n ** (1 / 3))), n)
    blocks = -(-n // block)
    starts = np.random.default_rng(0).integers(0, n, size=(resamples, blocks))
    ends = starts + np.append(np.full(blocks - 1, block), n - (blocks - 1) * block)
    before = np.concatenate((np.zeros((1, sums.shape[1])), np.cumsum(np.concatenate((sums, sums[:block])), axis=0)))
    drawn: Floats = np.stack([(c[ends] - c[starts]).sum(axis=1) for c in before.T], axis=1)
    return drawn


def block_intervals(table: Floats, t0: Times, horizon: int, of: Callable[[Floats], Floats]) -> list[float]:
    """95 % interval by circular block bootstrap over time; `of` makes (resamples, m) sums of `table` a score each."""
    low, high = np.quantile(of(block_sums(table, t0, horizon)), (0.025, 0.975))
    return [float(low), float(high)]


def block_interval(hits: npt.NDArray[np.bool_], t0: Times, horizon: int) -> list[float]:
    """95 % interval of the share of `hits`."""
    table = np.stack((hits.astype(np.float64), np.ones(len(hits))), axis=1)
    return block_intervals(table, t0, horizon, lambda sums: sums[:, 0] / sums[:, 1])


def mcc_interval(y: Classes, called: Classes, t0: Times, horizon: int) -> list[float]:
    """95 % interval of the Matthews correlation."""
    cells = np.eye(9)[y.astype(np.int64) * 3 + called]
    return block_intervals(cells, t0, horizon, lambda sums: np.array([mcc(row.reshape(3, 3)) for row in sums]))


def class_ece(p: Floats, y: Classes) -> list[float]:
    """Calibration error of each class's own probability: ten bins of equal mass, weighed by rows."""
    found = []
    for k in range(p.shape[1]):
        order = np.argsort(p[:, k], kind="stable")
        bins = [part for part in np.array_split(order, MASS_BINS) if len(part)]
        apart = sum(len(part) * abs(float(p[part, k].mean()) - float((y[part] == k).mean())) for part in bins)
        found.append(apart / max(len(y), 1))
    return found


def hit_rate(called: Classes, y: Classes) -> tuple[float | None, int]:
    """Share of right ones among calls of a side where a side was reached, and how many there were."""
    sides = (called != NEUTRAL) & (y != NEUTRAL)
    n = int(sides.sum())
    return (float((called[sides] == y[sides]).mean()) if n else None), n


def judge(p: Floats, rows: Judged, said: Classes | None = None) -> Metrics:
    """Every score of one forecaster over the rows; `said` where its call is not simply the likeliest class."""
    y = settled(rows.y, rows.ambiguous, p)
    called = p.argmax(axis=1).astype(np.int8) if said is None else said
    table = confusion(y, called)
    classes = per_class(table)
    happened = [c for c in classes if c.support]
    brier = float(briers(p, y).mean())
    base = np.broadcast_to(rows.prior, p.shape)
    reference = float(briers(base, settled(rows.y, rows.ambiguous, base)).mean())
    sides, directional = hit_rate(called, y)
    return Metrics(
        n=len(y),
        n_eff=effective_size(rows.t0, rows.t1, rows.market, rows.step_ms),
        accuracy=float((called == y).mean()),
        accuracy_interval=block_interval(called == y, rows.t0, rows.horizon),
        balanced_accuracy=sum(c.recall for c in happened) / len(happened),
        macro_f1=sum(c.f1 for c in classes) / len(classes),
        mcc=mcc(table),
        log_loss=float(log_losses(p, y).mean()),
        brier=brier,
        skill=1 - brier / reference,
        ece=ece(reliability(p, y)),
        confusion=table.tolist(),
        per_class=classes,
        hit_rate=sides,
        directional=directional,
        mcc_interval=mcc_interval(y, called, rows.t0, rows.horizon),
        class_ece=class_ece(p, y),
        independent=effective_size(rows.t0, rows.t1, np.zeros_like(rows.market), rows.step_ms),
    )
