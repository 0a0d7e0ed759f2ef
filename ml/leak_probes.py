"""What the leak lab shows a pipeline: another future, a random walk; and the probes that look for skill in it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.ohlcv import Candles, Floats
from ml import comparison, evaluation
from ml.card import Comparison
from ml.dataset import Classes, Dataset, Frame
from ml.labels import NEUTRAL, shares
from ml.windows import Table

Rows = npt.NDArray[np.int64]
Forecast = Callable[[Table, Classes, Table], Floats]
MOST_TRAIN, MOST_TEST = 6_000, 3_000  # rows a probe sees, evenly spread
WALK = 6_000  # candles of a placebo


@dataclass(frozen=True, slots=True)
class Probe:
    """`forecast(train windows, train classes, test windows)` gives (test, 3) probabilities."""

    title: str
    forecast: Forecast


def _logistic(x: Table, y: Classes, test: Table) -> Floats:
    """Multinomial logistic regression on the last bar of each window."""
    from sklearn.linear_model import LogisticRegression  # a second to import

    found = np.zeros((len(test), 3))
    if len(np.unique(y)) == 1:
        found[:, y[0]] = 1.0
        return found
    fitted = LogisticRegression(max_iter=300).fit(x[:, -1].astype(np.float64), y)
    found[:, fitted.classes_.astype(int)] = fitted.predict_proba(test[:, -1].astype(np.float64))
    return found


LOGISTIC = Probe("logistic regression", _logistic)


def other_future(candles: Candles, at: int, seed: int = 0) -> Candles:
    """The same candles up to `at`; from there on prices wander off another way and volumes change."""
    n = len(candles) - at
    rng = np.random.default_rng([seed, at])
    factor = np.ones(len(candles))
    factor[at:] = np.exp(np.cumsum(rng.normal(0.0, 0.02, n)) + rng.choice((-0.2, 0.2)))
    volume = candles.volume.copy()
    volume[at:] = volume[at:] * rng.uniform(0.1, 9.0, n) + rng.uniform(0.0, 9.0, n)
    prices = {name: getattr(candles, name) * factor for name in ("open", "high", "low", "close")}
    return replace(candles, volume=volume, **prices)


def placebo(frame: Frame, step_ms: int, n: int, seed: int) -> Frame:
    """A random walk of moves and wicks drawn from the market, each up or down by a coin: nothing can be known of it."""
    c, rng = frame.candles, np.random.default_rng([seed, 7])
    draw = rng.integers(1, len(c), n)
    moves = np.abs(np.log(c.close[draw] / c.close[draw - 1])) * rng.choice((-1.0, 1.0), n)
    moves = np.clip(moves, -0.2, 0.2)
    close = 100.0 * np.exp(np.cumsum(moves - moves.mean()))
    opened = np.concatenate(([100.0], close[:-1]))
    body_high, body_low = np.maximum(c.open, c.close), np.minimum(c.open, c.close)
    above, below = (c.high / body_high)[rng.permutation(draw)], (body_low / c.low)[rng.permutation(draw)]
    if rng.random() < 0.5:
        above, below = below, above
    high, low = np.maximum(opened, close) * above, np.minimum(opened, close) / below
    time = int(c.time[0]) + np.arange(n, dtype=np.int64) * step_ms
    return Frame(frame.market, frame.simulated, Candles(time, opened, high, low, close, c.volume[draw]))


def shuffled(data: Dataset, probe: Probe) -> tuple[float, Comparison]:
    """The probe's log loss on the test rows after learning from shuffled labels, and against base rates."""
    train, test = _spread(data.parts.train, MOST_TRAIN), _spread(_clear(data, data.parts.test), MOST_TEST)
    y = np.random.default_rng(0).permutation(data.rows.y[train])
    p = probe.forecast(data.x(train), y, data.x(test))
    losses, against = _scored(data, test, p, shares(y))
    return float(losses.mean()), against


def planted(data: Dataset, probe: Probe) -> Comparison:
    """The probe against base rates when every window carries the return it is asked about."""
    train, test = _spread(data.parts.train, MOST_TRAIN), _spread(_clear(data, data.parts.test), MOST_TEST)
    scale = float(data.rows.ret[train].std()) or 1.0

    def seeing(rows: Rows) -> Table:
        x = data.x(rows).copy()
        x[:, :, 0] = (data.rows.ret[rows] / scale)[:, None]
        return x

    p = probe.forecast(seeing(train), data.rows.y[train], seeing(test))
    return _scored(data, test, p, shares(data.rows.y[train]))[1]


def direction(data: Dataset, probe: Probe) -> Comparison:
    """The probe on which barrier came first, where one did: unlike how wide they lay, no walk gives that away."""
    train, test = (
        _spread(_touched(data, data.parts.train), MOST_TRAIN),
        _spread(_touched(data, _clear(data, data.parts.test)), MOST_TEST),
    )
    y = data.rows.y[train]
    p = probe.forecast(data.x(train), y, data.x(test))
    p[:, NEUTRAL] = 0.0
    sums = p.sum(axis=1, keepdims=True)
    p = np.where(sums > 1e-9, p / np.maximum(sums, 1e-9), shares(y))
    return _scored(data, test, p, shares(y))[1]


def _scored(data: Dataset, test: Rows, p: Floats, prior: Floats) -> tuple[Floats, Comparison]:
    y = data.rows.y[test]
    losses = evaluation.log_losses(p, y)
    base = evaluation.log_losses(np.tile(prior, (len(y), 1)), y)
    t0 = data.rows.spans.t0[test]  # every few bars where the configuration or `_spread` says so
    overlap = comparison.overlapping(t0, data.config.horizon * data.config.step.ms)
    against = comparison.compare(losses, base, t0, horizon=overlap)
    return losses, against


def _clear(data: Dataset, rows: Rows) -> Rows:
    some: Rows = rows[~data.rows.ambiguous[rows]]
    return some


def _touched(data: Dataset, rows: Rows) -> Rows:
    some: Rows = rows[data.rows.y[rows] != NEUTRAL]
    return some


def _spread(rows: Rows, most: int) -> Rows:
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
