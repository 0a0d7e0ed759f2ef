"""Settled calls that rest on candles their exchange revised afterwards. Outcomes stay; each such candle is a mark."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.queries.ledger import SHOWN, Breach
from db.tables import CandleRevision, OutcomeRevision, Prediction, PredictionOutcome

GRACE = timedelta(minutes=5)  # an outcome written this long after a revision may have read the candle before it


@dataclass(frozen=True, slots=True)
class Revised:
    """`calls` settled ones rest on revised candles; `otherwise` of them would have ended otherwise."""

    calls: int = 0
    otherwise: int = 0


def unweighed(session: Session, *, limit: int) -> list[int]:
    """Ids of revisions nobody has looked at yet, oldest first."""
    query = select(CandleRevision.id).where(~CandleRevision.weighed).order_by(CandleRevision.id)
    return list(session.scalars(query.limit(limit)))


def under(session: Session, revision_ids: Iterable[int]) -> Sequence[Any]:
    """(revision, call, outcome) where the candle lies in the path of a call that was settled by then, or about then.

    A path goes from the close of the candle called on to the end of the bar that decided.
    """
    step = Prediction.outcome_from - Prediction.closed_at
    query = (
        select(CandleRevision, Prediction, PredictionOutcome)
        .join(
            Prediction,
            (Prediction.market_id == CandleRevision.market_id)
            & (Prediction.closed_at <= CandleRevision.open_time)
            & (Prediction.due_at > CandleRevision.open_time),
        )
        .join(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
        .where(
            CandleRevision.id.in_(list(revision_ids)),
            CandleRevision.open_time < PredictionOutcome.t1 + step,
            CandleRevision.at > PredictionOutcome.settled_at - GRACE,
        )
        .order_by(Prediction.id, CandleRevision.id)
    )
    return session.execute(query).all()


def mark(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Write marks, each once; returns how many were new."""
    if not rows:
        return 0
    statement = insert(OutcomeRevision).values(list(rows)).on_conflict_do_nothing()
    return len(session.execute(statement.returning(OutcomeRevision.prediction_id)).all())


def weigh(session: Session, revision_ids: Iterable[int]) -> None:
    """Note that the calls on these candles are marked."""
    session.execute(update(CandleRevision).where(CandleRevision.id.in_(list(revision_ids))).values(weighed=True))


def counts(session: Session) -> dict[tuple[int, int], Revised]:
    """By version and market. A call with several marks counts as its newest one says."""
    newest = _newest().subquery()
    query = (
        select(Prediction.model_id, Prediction.market_id, func.count(), func.count().filter(newest.c.differs))
        .join(newest, newest.c.prediction_id == Prediction.id)
        .group_by(Prediction.model_id, Prediction.market_id)
    )
    return {(model_id, market_id): Revised(n, other) for model_id, market_id, n, other in session.execute(query)}


def notices(session: Session) -> tuple[Revised, list[Breach]]:
    """What `verify-ledger` says of them: how many there are, and the newest."""
    newest = _newest().subquery()
    marks = select(OutcomeRevision.prediction_id, func.count().label("n")).group_by(OutcomeRevision.prediction_id)
    of_call = marks.subquery()
    query = (
        select(newest, of_call.c.n, PredictionOutcome.seq, PredictionOutcome.outcome.label("written"))
        .join(of_call, of_call.c.prediction_id == newest.c.prediction_id)
        .join(PredictionOutcome, PredictionOutcome.prediction_id == newest.c.prediction_id)
        .order_by(newest.c.prediction_id.desc())
        .limit(SHOWN)
    )
    total = session.execute(select(func.count(), func.count().filter(newest.c.differs))).one()
    found = [
        Breach("prediction_outcomes", "revised", row.seq, row.prediction_id, _sentence(row))
        for row in session.execute(query)
    ]
    return Revised(*total), found


def _newest() -> Any:
    """The newest mark of each call."""
    marks = select(OutcomeRevision).distinct(OutcomeRevision.prediction_id)
    return marks.order_by(OutcomeRevision.prediction_id, OutcomeRevision.revision_id.desc())


def _sentence(row: Row[Any]) -> str:
    place = f"outcome of call {row.prediction_id} (row {row.seq} of prediction_outcomes)"
    told = f"{place} rests on candles revised later ({row.n} revision{'s' * (row.n != 1)})"
    if row.outcome is None:
        return f"{told}; what is stored now tells no outcome"
    return f"{told}; it would be {f'{row.outcome} now, not {row.written}' if row.differs else 'the same'}"
