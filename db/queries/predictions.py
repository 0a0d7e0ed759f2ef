"""Calls and their outcomes. Both tables are append-only; what is simulated is never counted with what is real."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.clock import from_ms
from core.errors import NotFound
from db.tables import Market, OutcomeRevision, Prediction, PredictionOutcome, TrainedModel

CLASSES = ("bearish", "neutral", "bullish")
BASE_RATES = TrainedModel.card[("split", "train", "shares")]


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call with its outcome, which is None until it has settled.

    `probabilities` and `base_rates` (class shares of the model's train rows) in the order bearish, neutral, bullish.
    Barriers are factors on the entry price; `t1` opens the candle that decided. `revisions`: how often a candle under
    the outcome was revised later; `outcome_now`: what it would be with them, None where they do not tell; `differs`:
    that is another one.
    """

    id: int
    model_id: int
    model: str
    version: int
    market_id: int
    exchange: str
    symbol: str
    timeframe: str
    horizon: int
    simulated: bool
    open_time: datetime
    closed_at: datetime
    due_at: datetime
    made_at: datetime
    close: float
    sigma: float
    upper_factor: float
    lower_factor: float
    probabilities: tuple[float, float, float]
    base_rates: tuple[float, float, float]
    call: str
    confidence: float
    conformal_set: str | None
    novelty: float | None
    abstained: bool
    abstain_reason: str | None
    outcome: str | None
    entry: float | None
    log_return: float | None
    ambiguous: bool | None
    t1: datetime | None
    log_loss: float | None
    brier: float | None
    settled_at: datetime | None
    revisions: int = 0
    outcome_now: str | None = None
    differs: bool = False

    @property
    def right(self) -> bool | None:
        return None if self.outcome is None else self.outcome == self.call

    @property
    def revised_words(self) -> str:
        """What became of candles under the outcome; empty where none was revised."""
        if not self.revisions:
            return ""
        return f"candles revised later, {self.outcome_now} now" if self.differs else "candles revised later"


def write(session: Session, values: dict[str, Any]) -> int | None:
    """Write a call; its id, None where the model has called this candle already. The database refuses a late one."""
    statement = insert(Prediction).values(values).on_conflict_do_nothing()
    return session.execute(statement.returning(Prediction.id)).scalar()


def get(session: Session, call_id: int) -> CallRow:
    """The call with this id; raises NotFound."""
    found = session.execute(with_outcomes().where(Prediction.id == call_id)).first()
    if found is None:
        raise NotFound("There is no such call.")
    return read(found)


def find(session: Session, *, model: str, market_id: int, timeframe: str, open_time: datetime) -> CallRow | None:
    """The call that any version of the family `model` made on one candle."""
    query = with_outcomes().where(
        TrainedModel.name == model,
        Prediction.market_id == market_id,
        Prediction.timeframe == timeframe,
        Prediction.open_time == open_time,
    )
    found = session.execute(query.order_by(Prediction.id)).first()
    return None if found is None else read(found)


def called(session: Session, *, timeframe: str, open_time: datetime) -> set[tuple[str, int]]:
    """(family of models, market id) that have a call on this candle."""
    query = select(TrainedModel.name, Prediction.market_id).join(TrainedModel, TrainedModel.id == Prediction.model_id)
    query = query.where(Prediction.timeframe == timeframe, Prediction.open_time == open_time)
    return {(name, market_id) for name, market_id in session.execute(query)}


def latest(session: Session, *, market_id: int | None = None) -> list[CallRow]:
    """The newest call per market, timeframe and horizon; by symbol, exchange and timeframe."""
    newest = select(func.max(Prediction.id)).group_by(Prediction.market_id, Prediction.timeframe, Prediction.horizon)
    if market_id is not None:
        newest = newest.where(Prediction.market_id == market_id)
    query = with_outcomes().where(Prediction.id.in_(newest))
    query = query.order_by(Market.symbol, Market.exchange, Prediction.timeframe, Prediction.horizon)
    return [read(row) for row in session.execute(query)]


def history(
    session: Session,
    market_id: int,
    timeframe: str,
    *,
    horizon: int | None = None,
    limit: int = 200,
    before: tuple[datetime, int] | None = None,
) -> list[CallRow]:
    """Calls on a market with their outcomes, newest first; only those older than the call `before` (open time, id)."""
    query = with_outcomes().where(Prediction.market_id == market_id, Prediction.timeframe == timeframe)
    if horizon is not None:
        query = query.where(Prediction.horizon == horizon)
    if before is not None:
        query = query.where(tuple_(Prediction.open_time, Prediction.id) < before)
    query = query.order_by(Prediction.open_time.desc(), Prediction.id.desc()).limit(limit)
    return [read(row) for row in session.execute(query)]


def settled_since(session: Session, since: datetime, *, limit: int = 100) -> list[CallRow]:
    """Calls that settled after `since`, newest first, wrong ones included."""
    query = with_outcomes().where(PredictionOutcome.settled_at >= since)
    query = query.order_by(PredictionOutcome.settled_at.desc(), Prediction.id.desc()).limit(limit)
    return [read(row) for row in session.execute(query)]


def due(session: Session, now: datetime, *, since: datetime, limit: int = 5_000) -> list[Prediction]:
    """Calls without an outcome whose last bar closed between `since` and `now`, newest first."""
    query = select(Prediction).outerjoin(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
    query = query.where(PredictionOutcome.prediction_id.is_(None), Prediction.due_at <= now, Prediction.due_at > since)
    return list(session.scalars(query.order_by(Prediction.due_at.desc(), Prediction.id.desc()).limit(limit)))


def settle(session: Session, outcomes: Sequence[dict[str, Any]]) -> int:
    """Write outcomes, each once; returns how many were new."""
    if not outcomes:
        return 0
    statement = insert(PredictionOutcome).values(list(outcomes)).on_conflict_do_nothing()
    return len(session.execute(statement.returning(PredictionOutcome.prediction_id)).all())


def settled_calls(
    session: Session, market_id: int, timeframe: str, start_ms: int, end_ms: int, *, limit: int = 2_000
) -> list[CallRow]:
    """Settled calls made on candles that open in [`start_ms`, `end_ms`], oldest first; of more the newest `limit`."""
    query = with_outcomes().where(
        Prediction.market_id == market_id,
        Prediction.timeframe == timeframe,
        Prediction.open_time >= from_ms(start_ms),
        Prediction.open_time <= from_ms(end_ms),
        PredictionOutcome.prediction_id.is_not(None),
    )
    query = query.order_by(Prediction.open_time.desc(), Prediction.id.desc()).limit(limit)
    return [read(row) for row in session.execute(query)][::-1]


def punctuality(session: Session, now: datetime) -> tuple[int, int]:
    """(calls not settled two bars after their time, calls that settled later than that); of the last day.

    A call whose candles have a hole waits for them, and counts among the first.
    """
    allowed = 2 * (Prediction.outcome_from - Prediction.closed_at)
    lately = Prediction.due_at > now - timedelta(days=1)
    joined = select(func.count()).select_from(Prediction)
    joined = joined.outerjoin(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id).where(lately)
    open_ = joined.where(PredictionOutcome.prediction_id.is_(None), Prediction.due_at + allowed < now)
    late = joined.where(PredictionOutcome.settled_at > Prediction.due_at + allowed)
    return session.scalar(open_) or 0, session.scalar(late) or 0


def with_outcomes() -> Select[Any]:
    """Every call with its outcome, where it has one; `read` makes a `CallRow` of each row."""
    newest = (
        select(OutcomeRevision.outcome, OutcomeRevision.differs, func.count().over().label("n"))
        .where(OutcomeRevision.prediction_id == Prediction.id)
        .order_by(OutcomeRevision.revision_id.desc())
        .limit(1)
        .lateral()
    )
    return (
        select(
            Prediction,
            PredictionOutcome,
            newest.c.n.label("revisions"),
            newest.c.outcome.label("outcome_now"),
            newest.c.differs,
            TrainedModel.name,
            TrainedModel.version,
            Market.exchange,
            Market.symbol,
            BASE_RATES.label("base_rates"),
        )
        .join(TrainedModel, TrainedModel.id == Prediction.model_id)
        .join(Market, Market.id == Prediction.market_id)
        .outerjoin(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
        .outerjoin(newest, true())
    )


AS_WRITTEN = (
    *("id", "model_id", "market_id", "timeframe", "horizon", "simulated", "open_time", "closed_at", "due_at"),
    *("made_at", "close", "sigma", "upper_factor", "lower_factor", "call", "confidence"),
    *("conformal_set", "novelty", "abstained", "abstain_reason"),
)
LATER = ("outcome", "entry", "log_return", "ambiguous", "t1", "log_loss", "brier", "settled_at")


def read(found: Row[Any]) -> CallRow:
    """A row of `with_outcomes`."""
    call, outcome = found.Prediction, found.PredictionOutcome
    values: dict[str, Any] = {name: getattr(call, name) for name in AS_WRITTEN}
    values |= {name: getattr(outcome, name) if outcome else None for name in LATER}
    return CallRow(
        model=found.name,
        version=found.version,
        exchange=found.exchange,
        symbol=found.symbol,
        probabilities=(call.p_bearish, call.p_neutral, call.p_bullish),
        base_rates=tuple(found.base_rates),
        revisions=found.revisions or 0,
        outcome_now=found.outcome_now,
        differs=bool(found.differs),
        **values,
    )
