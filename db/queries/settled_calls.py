"""Settled calls as a list that can be narrowed, newest first, a page at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import Session

from core.market_name import MarketName
from db.queries.predictions import CallRow, read, with_outcomes
from db.tables import Market, Prediction, PredictionOutcome, TrainedModel

RIGHT, WRONG, ABSTAINED = "right", "wrong", "abstained"
Place = tuple[datetime, int]  # when a call settled, and its id


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that fit every word given; `result` is right, wrong or abstained."""

    market_id: int | None = None
    model_id: int | None = None
    result: str = ""
    since: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.market_id is not None:
            found.append(Prediction.market_id == self.market_id)
        if self.model_id is not None:
            found.append(Prediction.model_id == self.model_id)
        if self.since is not None:
            found.append(PredictionOutcome.settled_at >= self.since)
        if self.result in BY_RESULT:
            found.append(BY_RESULT[self.result])
        return found


HIT = PredictionOutcome.outcome == Prediction.call
BY_RESULT: dict[str, ColumnElement[bool]] = {
    RIGHT: and_(~Prediction.abstained, HIT),
    WRONG: and_(~Prediction.abstained, ~HIT),
    ABSTAINED: Prediction.abstained.is_(True),
}


def page(session: Session, wanted: Wanted, *, after: Place | None = None, limit: int = 50) -> list[CallRow]:
    """The next `limit` calls that fit, those that settled last first; only ones that settled before `after`."""
    query = with_outcomes().where(PredictionOutcome.prediction_id.is_not(None), *wanted.conditions())
    if after is not None:
        query = query.where(tuple_(PredictionOutcome.settled_at, Prediction.id) < after)
    query = query.order_by(PredictionOutcome.settled_at.desc(), Prediction.id.desc()).limit(limit)
    return [read(row) for row in session.execute(query)]


def tally(session: Session, wanted: Wanted, *, simulated: bool) -> dict[str, int]:
    """How many of those that fit were right, wrong and abstained."""
    counts = [func.count().filter(condition).label(name) for name, condition in BY_RESULT.items()]
    query = select(*counts).select_from(Prediction)
    query = query.join(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
    found = session.execute(query.where(Prediction.simulated.is_(simulated), *wanted.conditions())).one()
    return dict(found._mapping)


def markets(session: Session) -> list[tuple[MarketName, int]]:
    """Those that have settled calls, by symbol."""
    some = _settled().where(Prediction.market_id == Market.id).exists()
    query = select(Market.exchange, Market.symbol, Market.id).where(some)
    return [(MarketName(e, s), n) for e, s, n in session.execute(query.order_by(Market.symbol, Market.exchange))]


def models(session: Session) -> list[tuple[str, int]]:
    """Versions that have settled calls, newest first."""
    some = _settled().where(Prediction.model_id == TrainedModel.id).exists()
    query = select(TrainedModel.name, TrainedModel.version, TrainedModel.id).where(some)
    return [(f"{name} v{version}", n) for name, version, n in session.execute(query.order_by(TrainedModel.id.desc()))]


def _settled() -> Select[Any]:
    return select(Prediction.id).join(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
