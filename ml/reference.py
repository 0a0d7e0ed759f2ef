"""What a version's training span was like: the habits of simple rules there, and the usual figures of each feature.

Made once from the candles the card names, and kept with the version; live calls and live candles are held against it.
"""

from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from core import market_name
from core.errors import NotFound
from core.ohlcv import Candles, Floats
from core.timeframe import parse as parse_timeframe
from db.queries import markets, scorecards
from db.tables import TrainedModel
from market import candles as market_candles
from ml import config, drift, features, labels
from ml.card import Part
from ml.config import TrainingConfig
from ml.drift import Usual
from ml.evaluation import Classes
from ml.scorecard import Habits

LEAST = 200  # labelled bars of the training span below which nothing is said
LATE = 4  # bars after whose open a series without a newer one counts as ended


@dataclass(frozen=True)
class Reference(Part):
    """`usual` is empty, and the rules' habits are base rates, where the candles of the training are gone."""

    habits: Habits
    usual: list[Usual]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What two rules say at the close of each bar of a series, as classes."""

    persistence: Classes
    momentum: Classes


def of(session: Session, model: TrainedModel) -> Reference:
    """The reference of a version: the kept one, else made now and kept."""
    kept = scorecards.report(session, model.id, scorecards.REFERENCE)
    if kept is not None:
        return Reference.from_dict(kept.report)
    made = make(session, model)
    if made.usual:
        scorecards.keep_report(session, model.id, scorecards.REFERENCE, "made", made.to_dict())
    return made


def make(session: Session, model: TrainedModel) -> Reference:
    """Read the training span of every market and summarise it."""
    asked, split = config.from_dict(model.config), model.card["split"]["train"]
    found = [_span(session, name, asked, model.card["labels"]["k"], split) for name in asked.markets]
    whole = [f for f in found if f is not None]
    base = [float(share) for share in split["shares"]]
    if len(whole) < len(found) or sum(len(f.y) for f in whole) < LEAST:
        return Reference(Habits(base, [base] * 3, [base] * 3), [])
    habits = Habits(
        base,
        _given(np.concatenate([f.said.persistence for f in whole]), np.concatenate([f.y for f in whole])),
        _given(np.concatenate([f.said.momentum for f in whole]), np.concatenate([f.y for f in whole])),
    )
    table = np.concatenate([f.table for f in whole])
    usual = [drift.usual(key, table[:, number]) for number, key in enumerate(features.NAMES)]
    return Reference(habits, usual)


@dataclass(frozen=True, slots=True, eq=False)
class _Span:
    """One market's training span: features of its bars, labels of its rows and what the rules said there."""

    table: Floats
    y: Classes
    said: Said


def _span(session: Session, name: str, asked: TrainingConfig, k: float, split: dict[str, int]) -> _Span | None:
    try:
        market = markets.get(session, market_name.parse(name))
        until = split["last_ms"] + (asked.horizon + 2) * asked.step.ms
        candles = market_candles.series(session, market.id, asked.timeframe, now_ms=until)
    except NotFound:
        return None
    if not len(candles):
        return None
    table, step = features.compute(candles, asked.step.ms), asked.step.ms
    inside = (candles.time >= split["first_ms"]) & (candles.time <= split["last_ms"])
    at, y, said = labelled(candles, k, horizon=asked.horizon, step_ms=step, sigma_span=asked.sigma_span)
    train = inside[at]
    rows = Said(said.persistence[at[train]], said.momentum[at[train]])
    whole = inside & np.isfinite(table).all(axis=1)
    return _Span(table[whole], y[train], rows)


def labelled(
    candles: Candles, k: float, *, horizon: int, step_ms: int, sigma_span: int
) -> tuple[labels.Ints, Classes, Said]:
    """Bars with a clear label, their classes, and what the rules say at the close of EVERY bar, of bars up to it."""
    sigma = labels.sigma(candles, step_ms, sigma_span)
    at = np.nonzero(np.isfinite(sigma))[0]
    found = labels.touch(candles, at, *labels.factors(sigma[at], k, horizon), horizon=horizon, step_ms=step_ms)
    before = candles.close[np.maximum(np.arange(len(candles)) - horizon, 0)]
    momentum = (np.sign(candles.close - before) + 1).astype(np.int8)
    known = found.known
    persistence = _settled_by(at[known], found.end[known], found.y[known], len(candles))
    clear = known & ~found.ambiguous
    return at[clear], found.y[clear], Said(persistence, momentum)


def _settled_by(at: labels.Ints, end: labels.Ints, y: Classes, bars: int) -> Classes:
    """For every bar the class of the newest row whose label had ended at its close, neutral where there is none."""
    newest = np.full(bars, -1, dtype=np.int64)
    np.maximum.at(newest, end, np.arange(len(at)))
    known = np.maximum.accumulate(newest)
    found = np.full(bars, labels.NEUTRAL, dtype=np.int8)
    found[known >= 0] = y[known[known >= 0]]
    return found


def _given(said: Classes, y: Classes) -> list[list[float]]:
    """Shares of the outcome per thing said, one imagined row per class added so that none is 0."""
    counts = np.ones((3, 3))
    np.add.at(counts, (said, y), 1.0)
    return [[float(v) for v in row] for row in counts / counts.sum(axis=1, keepdims=True)]


def live(session: Session, name: str, timeframe: str, bars: int, *, now_ms: int) -> Floats | None:
    """(bars, features) of a market's newest closed bars; None where its series has ended or is too short."""
    step = parse_timeframe(timeframe).ms
    try:
        market = markets.get(session, market_name.parse(name))
        found = market_candles.latest(session, market.id, timeframe, features.LEAD + bars, now_ms=now_ms)
    except NotFound:
        return None
    if len(found) < bars or int(found.time[-1]) + LATE * step < now_ms:
        return None
    return features.compute(found, step)[-bars:]
