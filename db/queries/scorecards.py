"""Settled calls with what rules said beside them, the scorecards drawn up from them, and findings about versions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from db.queries import outcome_revisions
from db.queries.ledger import LATE_BARS
from db.queries.outcome_revisions import Revised
from db.queries.prediction_baselines import NAMES
from db.queries.predictions import CLASSES
from db.tables import (
    CallRules,
    Market,
    ModelReport,
    Prediction,
    PredictionBaseline,
    PredictionOutcome,
    StoredScorecard,
    TrainedModel,
)

REFERENCE, DRIFT, REBUILD = "reference", "drift", "rebuild"


@dataclass(frozen=True, slots=True)
class Pair:
    """One version in one market."""

    model_id: int
    market_id: int


@dataclass(frozen=True, slots=True)
class Record:
    """A stored scorecard with whose it is; `card` is `ml.scorecard.Scorecard` as JSON.

    `unsettled`: calls without an outcome two bars after their horizon; over a hole they stay so for good. `revised`:
    settled ones that rest on candles their exchange revised afterwards.
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
    settled: int
    card: dict[str, Any]
    updated_at: datetime
    unsettled: int = 0
    revised: Revised = Revised()

    @property
    def title(self) -> str:
        return f"{self.model} v{self.version}"


def settled_rows(
    session: Session, model_id: int, market_id: int, *, since: datetime | None = None
) -> Sequence[Row[Any]]:
    """What a scorecard needs of every settled call of a version in a market (made on candles since), oldest first."""
    wanted: list[Any] = [Prediction.id, Prediction.open_time, Prediction.simulated]
    wanted += [Prediction.p_bearish, Prediction.p_neutral, Prediction.p_bullish]
    wanted += [Prediction.abstained, Prediction.conformal_set]
    wanted += [PredictionOutcome.outcome, PredictionOutcome.ambiguous, PredictionOutcome.t1]
    wanted += [CallRules.persistence, CallRules.momentum, CallRules.regime]
    beside = {name: aliased(PredictionBaseline) for name in NAMES}
    wanted += [getattr(one, f"p_{c}").label(f"{name}_{c}") for name, one in beside.items() for c in CLASSES]
    query = (
        select(*wanted)
        .join(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
        .outerjoin(CallRules, CallRules.prediction_id == Prediction.id)
        .where(Prediction.model_id == model_id, Prediction.market_id == market_id)
        .order_by(Prediction.open_time, Prediction.id)
    )
    for name, one in beside.items():
        query = query.outerjoin(one, (one.prediction_id == Prediction.id) & (one.name == name))
    if since is not None:
        query = query.where(Prediction.open_time >= since)
    return session.execute(query).all()


def markets_of(session: Session, model_id: int) -> list[int]:
    """Markets a version has called."""
    query = select(Prediction.market_id).where(Prediction.model_id == model_id).distinct()
    return list(session.scalars(query.order_by(Prediction.market_id)))


def without_rules(session: Session, *, since: datetime, limit: int = 2_000) -> list[Prediction]:
    """Settled calls since then beside which nothing is noted yet, newest first."""
    query = (
        select(Prediction)
        .join(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
        .outerjoin(CallRules, CallRules.prediction_id == Prediction.id)
        .where(CallRules.prediction_id.is_(None), PredictionOutcome.settled_at > since)
    )
    return list(session.scalars(query.order_by(Prediction.id.desc()).limit(limit)))


def note_rules(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Write what rules said beside calls, each once; how many were new."""
    if not rows:
        return 0
    statement = insert(CallRules).values(list(rows)).on_conflict_do_nothing()
    return len(session.execute(statement.returning(CallRules.prediction_id)).all())


def outdated(session: Session, *, form: int) -> list[Pair]:
    """Versions in markets whose stored scorecard misses settled calls or is of another form."""
    counted = (
        select(Prediction.model_id, Prediction.market_id, func.count().label("n"))
        .join(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
        .group_by(Prediction.model_id, Prediction.market_id)
        .subquery()
    )
    query = (
        select(counted.c.model_id, counted.c.market_id)
        .outerjoin(
            StoredScorecard,
            (StoredScorecard.model_id == counted.c.model_id) & (StoredScorecard.market_id == counted.c.market_id),
        )
        .where(
            (func.coalesce(StoredScorecard.settled, 0) != counted.c.n)
            | (func.coalesce(StoredScorecard.card["form"].as_integer(), 1) != form)
        )
    )
    return [Pair(*row) for row in session.execute(query.order_by(counted.c.model_id, counted.c.market_id))]


def called(session: Session) -> list[Pair]:
    """Every version in every market it has called."""
    query = select(Prediction.model_id, Prediction.market_id).distinct()
    return [Pair(*row) for row in session.execute(query.order_by(Prediction.model_id, Prediction.market_id))]


def store(session: Session, pair: Pair, *, simulated: bool, settled: int, newest: int, card: dict[str, Any]) -> None:
    """Keep a scorecard in place of an older one."""
    values = {"simulated": simulated, "settled": settled, "newest": newest, "card": card}
    statement = insert(StoredScorecard).values(model_id=pair.model_id, market_id=pair.market_id, **values)
    keys = [StoredScorecard.model_id, StoredScorecard.market_id]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values | {"updated_at": func.now()}))


def records(
    session: Session,
    *,
    simulated: bool | None = None,
    market_id: int | None = None,
    model_id: int | None = None,
    timeframe: str | None = None,
    horizon: int | None = None,
) -> list[Record]:
    """Stored scorecards, those with most settled calls first; real ones before simulated ones."""
    query = (
        select(StoredScorecard, TrainedModel, Market)
        .join(TrainedModel, TrainedModel.id == StoredScorecard.model_id)
        .join(Market, Market.id == StoredScorecard.market_id)
        .order_by(StoredScorecard.simulated, StoredScorecard.settled.desc(), Market.symbol, TrainedModel.id)
    )
    wanted = (
        (StoredScorecard.simulated, simulated),
        (StoredScorecard.market_id, market_id),
        (StoredScorecard.model_id, model_id),
        (TrainedModel.timeframe, timeframe),
        (TrainedModel.horizon, horizon),
    )
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    waiting, revised, found = unsettled(session), outcome_revisions.counts(session), []
    for row in session.execute(query):
        pair = row[0].model_id, row[0].market_id
        found.append(_record(*row, waiting.get(Pair(*pair), 0), revised.get(pair, Revised())))
    return found


def unsettled(session: Session) -> dict[Pair, int]:
    """How many calls have no outcome though their horizon was over two bars ago, by the database's clock."""
    deadline = Prediction.due_at + LATE_BARS * (Prediction.outcome_from - Prediction.closed_at)
    query = (
        select(Prediction.model_id, Prediction.market_id, func.count())
        .outerjoin(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
        .where(PredictionOutcome.prediction_id.is_(None), Prediction.due_at < func.now(), deadline < func.now())
        .group_by(Prediction.model_id, Prediction.market_id)
    )
    return {Pair(model_id, market_id): n for model_id, market_id, n in session.execute(query)}


def _record(found: StoredScorecard, model: TrainedModel, market: Market, unsettled: int, revised: Revised) -> Record:
    return Record(
        model_id=model.id,
        model=model.name,
        version=model.version,
        market_id=market.id,
        exchange=market.exchange,
        symbol=market.symbol,
        timeframe=model.timeframe,
        horizon=model.horizon,
        simulated=found.simulated,
        settled=found.settled,
        card=found.card,
        updated_at=found.updated_at,
        unsettled=unsettled,
        revised=revised,
    )


def report(session: Session, model_id: int, kind: str) -> ModelReport | None:
    """The newest finding of a kind about a version."""
    return session.get(ModelReport, (model_id, kind), populate_existing=True)


def reports(session: Session, kind: str, model_ids: Iterable[int] | None = None) -> dict[int, ModelReport]:
    """The newest findings of a kind by version."""
    query = select(ModelReport).where(ModelReport.kind == kind)
    if model_ids is not None:
        query = query.where(ModelReport.model_id.in_(list(model_ids)))
    return {found.model_id: found for found in session.scalars(query)}


def keep_report(session: Session, model_id: int, kind: str, state: str, found: dict[str, Any]) -> None:
    """Keep a finding in place of an older one."""
    values = {"state": state, "report": found}
    statement = insert(ModelReport).values(model_id=model_id, kind=kind, **values)
    keys = [ModelReport.model_id, ModelReport.kind]
    changed = values | {"created_at": func.now()}
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))
