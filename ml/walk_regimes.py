"""Results by the kind of market a call was made in, by the definitions of `ml.regimes`, as on live scorecards."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml import comparison, evaluation, regimes
from ml.card_parts import Regime
from ml.dataset import Frame
from ml.regimes import Codes
from ml.walk import Walked

LEAST = 30  # rows below which nothing is said


def codes(walked: Walked, frames: Sequence[Frame]) -> Codes:
    """(rows,) code of each row out of sample, known at the close of its candle."""
    rows = walked.rows
    found = np.full(len(rows.t0), regimes.UNKNOWN, dtype=np.int8)
    for number, frame in enumerate(frames):
        mine = np.nonzero(rows.market == number)[0]
        at = np.searchsorted(frame.candles.time, rows.t0[mine])
        found[mine] = regimes.codes(frame.candles, rows.step_ms)[at]
    return found


def by_regime(walked: Walked, kinds: Codes) -> list[Regime]:
    """Results in each direction and in each mood; those with too few rows are left out."""
    found = [(key, np.nonzero(inside)[0]) for key, inside in regimes.groups(kinds)]
    return [_one(walked, rows, key) for key, rows in found if len(rows) >= LEAST]


def _one(walked: Walked, rows: npt.NDArray[np.int64], key: str) -> Regime:
    all_rows, p = walked.rows, walked.p[rows]
    y = evaluation.settled(all_rows.y[rows], all_rows.ambiguous[rows], p)
    called = p.argmax(axis=1).astype(np.int8)
    base = np.broadcast_to(all_rows.prior, walked.p.shape)[rows]
    mine, theirs = evaluation.log_losses(p, y), evaluation.log_losses(base, y)
    t0 = all_rows.t0[rows]
    overlap = comparison.overlapping(t0, all_rows.horizon * all_rows.step_ms)
    against = comparison.compare(mine, theirs, t0, horizon=overlap)
    return Regime(
        key=key,
        title=key.capitalize(),
        n=len(rows),
        n_eff=evaluation.effective_size(all_rows.t0[rows], all_rows.t1[rows], all_rows.market[rows], all_rows.step_ms),
        accuracy=float((called == y).mean()),
        hit_rate=evaluation.hit_rate(called, y)[0],
        mcc=evaluation.mcc(evaluation.confusion(y, called)),
        log_loss=float(mine.mean()),
        gain=against.gain,
        interval=against.interval,
    )
