"""Results by the kind of market a call was made in: how much it moved, and where to.

Both are known at the close of the candle. Movement: thirds of σ over the train rows of the row's own step. Trend: the
distance of the close from EMA 50 in units of ATR, thirds over the same rows.
"""

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml import comparison, evaluation, features
from ml.card_parts import Regime
from ml.walk import Step, Walked

TREND = features.NAMES.index("ema_50_distance")
MOVEMENT = (("calm", "Calm"), ("usual", "Usual movement"), ("wild", "Wild"))
DIRECTION = (("falling", "Falling"), ("flat", "Flat"), ("rising", "Rising"))
LEAST = 30  # rows below which nothing is said


def by_regime(walked: Walked) -> list[Regime]:
    """Results in each third of movement and of trend; those with too few rows are left out."""
    found = []
    for names, of in ((MOVEMENT, _movement), (DIRECTION, _trend)):
        third = np.concatenate([of(step) for step in walked.steps])
        for number, (key, title) in enumerate(names):
            rows = np.nonzero(third == number)[0]
            if len(rows) >= LEAST:
                found.append(_one(walked, rows, key, title))
    return found


def _movement(step: Step) -> npt.NDArray[np.int64]:
    return _thirds(step, step.data.rows.width.astype(np.float64))


def _trend(step: Step) -> npt.NDArray[np.int64]:
    return _thirds(step, step.data.table[step.data.rows.ends, TREND].astype(np.float64))


def _thirds(step: Step, values: Floats) -> npt.NDArray[np.int64]:
    """0, 1, 2 for each test row, by the thirds of the train rows."""
    edges = np.quantile(values[step.data.parts.train], (1 / 3, 2 / 3))
    third: npt.NDArray[np.int64] = np.digitize(values[step.data.parts.test], edges)
    return third


def _one(walked: Walked, rows: npt.NDArray[np.int64], key: str, title: str) -> Regime:
    all_rows, p = walked.rows, walked.p[rows]
    y = evaluation.settled(all_rows.y[rows], all_rows.ambiguous[rows], p)
    called = p.argmax(axis=1).astype(np.int8)
    base = np.broadcast_to(all_rows.prior, walked.p.shape)[rows]
    mine, theirs = evaluation.log_losses(p, y), evaluation.log_losses(base, y)
    against = comparison.compare(mine, theirs, all_rows.t0[rows], horizon=all_rows.horizon)
    return Regime(
        key=key,
        title=title,
        n=len(rows),
        n_eff=evaluation.effective_size(all_rows.t0[rows], all_rows.t1[rows], all_rows.market[rows], all_rows.step_ms),
        accuracy=float((called == y).mean()),
        hit_rate=evaluation.hit_rate(called, y)[0],
        mcc=evaluation.mcc(evaluation.confusion(y, called)),
        log_loss=float(mine.mean()),
        gain=against.gain,
        interval=against.interval,
    )
