"""What shuffling rows before they are split would have promised, beside what the purged split of the same rows shows.

The probe forgets nothing: it looks for the windows most like the one asked about and quotes how often each class
followed. After a shuffled split those are the neighbouring bars, whose windows and labels share almost every candle
with the row asked about, and it copies their outcome. The rows, how many are on either side and the probe are the same.
"""

import math

import numpy as np

from core.ohlcv import Floats
from ml import evaluation, windows
from ml.card_parts import NaiveSplit
from ml.dataset import Classes, Dataset
from ml.splits import Rows
from ml.windows import Table

NEIGHBOURS = 10
MOST_TRAIN, MOST_TEST = 6_000, 1_500  # rows: a third of a second, whatever the history
AT_ONCE = 500
SURE = 1.96
Scores = tuple[float, float]  # share of right calls, log loss


def look(data: Dataset) -> NaiveSplit | None:
    """The newest train rows and the test rows after them, as they are split and shuffled first (seed 0).

    None where every test row is ambiguous.
    """
    test = data.parts.test
    train, test = data.parts.train[-MOST_TRAIN:], test[~data.rows.ambiguous[test]][:MOST_TEST]
    if not len(test):
        return None
    mixed = np.random.default_rng(0).permutation(np.concatenate((train, test)))
    purged = _scored(data, train, test)
    naive = _scored(data, mixed[: len(train)], mixed[len(train) :])
    worth = _independent(data, test)
    flatters = naive[0] - purged[0] > SURE * math.sqrt((_spread(naive[0]) + _spread(purged[0])) / worth)
    return NaiveSplit(len(train), len(test), *purged, *naive, flatters, told(purged, naive, flatters=flatters))


def told(purged: Scores, naive: Scores, *, flatters: bool) -> str:
    """The sentence on the card."""
    why = (
        "neighbouring labels overlap, and this is what the purged split prevents"
        if flatters
        else "here the shuffle flatters by no more than chance explains"
    )
    return (
        f"With rows shuffled before the split, nearest neighbours would have claimed {naive[0]:.1%} right instead of "
        f"{purged[0]:.1%} (log loss {naive[1]:.4f} instead of {purged[1]:.4f}): {why}."
    )


def neighbours(x: Table, y: Classes, asked: Table) -> Floats:
    """(rows, 3) how often each class followed the windows most like those asked about, one imagined row of each added.

    `x`, `asked`: (rows, numbers); likeness is Euclidean. Raises ValueError where `x` has no more rows than neighbours.
    """
    from threadpoolctl import threadpool_limits

    found = np.ones((len(asked), 3))
    squares = (x * x).sum(axis=1)
    with threadpool_limits(1):
        for part in windows.batches(len(asked), AT_ONCE):
            apart = squares - 2 * (asked[part] @ x.T)
            near = y[np.argpartition(apart, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]]
            found[part] += np.stack([(near == k).sum(axis=1) for k in range(3)], axis=1)
    shares: Floats = found / (NEIGHBOURS + 3)
    return shares


def _scored(data: Dataset, train: Rows, test: Rows) -> Scores:
    """On `test` after looking at `train`."""
    y = data.rows.y
    p = neighbours(_flat(data, train), y[train], _flat(data, test))
    return float((p.argmax(axis=1) == y[test]).mean()), float(evaluation.log_losses(p, y[test]).mean())


def _flat(data: Dataset, rows: Rows) -> Table:
    flat: Table = data.x(rows).reshape(len(rows), -1)
    return flat


def _independent(data: Dataset, rows: Rows) -> float:
    spans = data.rows.spans
    same = np.zeros(len(rows), dtype=np.int16)  # markets move together
    return evaluation.effective_size(spans.t0[rows], spans.t1[rows], same, data.config.step.ms)


def _spread(share: float) -> float:
    return share * (1 - share)
