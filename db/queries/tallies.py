"""How often every model was right, counted by the database: quick, for lists. Scorecards say more."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from db.queries.predictions import BASE_RATES, CLASSES
from db.tables import Market, Prediction, PredictionOutcome, TrainedModel

LEAST = 1e-7  # probabilities are clipped here before the logarithm


@dataclass(frozen=True, slots=True)
class Score:
    """How the settled calls of one model in one market did; rates are None while nothing has settled.

    `base_log_loss`, `base_brier`: what quoting the base rates of the model's train rows would have scored on them.
    """

    model_id: int
    model: str
    version: int
    market_id: int
    exchange: str
    symbol: str
    timeframe: str
    horizon: int
    simulated: bool
    made: int
    n: int
    right: int
    hit_rate: float | None
    log_loss: float | None
    brier: float | None
    base_log_loss: float | None
    base_brier: float | None
    first: datetime
    last: datetime


def scorecard(session: Session, *, simulated: bool, market_id: int | None = None) -> list[Score]:
    """How every model did in every market, real or simulated calls alone; those with most settled calls first."""
    keys = (Prediction.model_id, Prediction.market_id, TrainedModel.id, Market.id, PredictionOutcome.outcome)
    query = (
        select(
            Prediction.model_id,
            TrainedModel.name,
            TrainedModel.version,
            TrainedModel.timeframe,
            TrainedModel.horizon,
            BASE_RATES.label("base_rates"),
            Prediction.market_id,
            Market.exchange,
            Market.symbol,
            PredictionOutcome.outcome,
            func.count().label("n"),
            func.count().filter(PredictionOutcome.outcome == Prediction.call).label("right"),
            func.coalesce(func.sum(PredictionOutcome.log_loss), 0.0).label("log_loss"),
            func.coalesce(func.sum(PredictionOutcome.brier), 0.0).label("brier"),
            func.min(Prediction.open_time).label("first"),
            func.max(Prediction.open_time).label("last"),
        )
        .join(TrainedModel, TrainedModel.id == Prediction.model_id)
        .join(Market, Market.id == Prediction.market_id)
        .outerjoin(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
        .where(Prediction.simulated == simulated)
        .group_by(*keys)
    )
    if market_id is not None:
        query = query.where(Prediction.market_id == market_id)
    tallies: dict[tuple[int, int], _Tally] = {}
    for row in session.execute(query):
        tallies.setdefault((row.model_id, row.market_id), _Tally(row)).add(row)
    return sorted((t.score(simulated) for t in tallies.values()), key=lambda s: (-s.n, s.symbol, s.model, s.version))


@dataclass(slots=True)
class _Tally:
    """Counts of one model in one market, per outcome."""

    about: Row[Any]
    made: int = 0
    right: int = 0
    log_loss: float = 0.0
    brier: float = 0.0
    happened: dict[str, int] = field(default_factory=dict)
    times: list[datetime] = field(default_factory=list)

    def add(self, row: Row[Any]) -> Self:
        self.made += row.n
        self.times += [row.first, row.last]
        if row.outcome is not None:
            self.happened[row.outcome] = row.n
            self.right += row.right
            self.log_loss += row.log_loss
            self.brier += row.brier
        return self

    def score(self, simulated: bool) -> Score:
        about, n, rates = self.about, sum(self.happened.values()), self.about.base_rates
        base_loss = sum(m * -math.log(max(rates[CLASSES.index(o)], LEAST)) for o, m in self.happened.items())
        base_brier = sum(m * brier(rates, o) for o, m in self.happened.items())
        return Score(
            model_id=about.model_id,
            model=about.name,
            version=about.version,
            market_id=about.market_id,
            exchange=about.exchange,
            symbol=about.symbol,
            timeframe=about.timeframe,
            horizon=about.horizon,
            simulated=simulated,
            made=self.made,
            n=n,
            right=self.right,
            hit_rate=self.right / n if n else None,
            log_loss=self.log_loss / n if n else None,
            brier=self.brier / n if n else None,
            base_log_loss=base_loss / n if n else None,
            base_brier=base_brier / n if n else None,
            first=min(self.times),
            last=max(self.times),
        )


def brier(probabilities: Iterable[float], outcome: str) -> float:
    """Squared distance of three probabilities from what happened, 0 to 2."""
    return sum((p - (name == outcome)) ** 2 for name, p in zip(CLASSES, probabilities, strict=True))
