"""Calls on candles that have just closed, and the outcomes of earlier ones."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from core.clock import utc_now
from core.errors import ModelUnavailable, NotFound, Refused
from core.jobs import CALLED, PREDICT_DUE
from core.market_name import MarketName
from db.queries import jobs
from ml import predictor, revising, scorekeeping, serving, settling
from workers.context import JobContext


def predict_due(context: JobContext) -> dict[str, Any]:
    """Call every closed candle that has none yet, with every champion that may."""
    with context.session() as session:
        serving.remember(_logged(session))
        done = predictor.predict_due(session, models=context.settings.models, now=utc_now())
    return asdict(done)


def _logged(session: Session) -> dict[str, str]:
    """What the round before found at fault: an operator learns of it once, though every round is a new process."""
    rounds = jobs.latest(session, name=PREDICT_DUE.name, limit=10)
    found = next((job.result for job in rounds if job.result is not None), {})
    return dict(found.get("faults", {}))


def predict_one(context: JobContext, exchange: str, symbol: str, timeframe: str) -> dict[str, Any]:
    """The call on one market's last closed candle, made now. What stands in its way is an answer as well.

    `code` says what became of it: `called`, or the code of the error whose sentence is `detail`.
    """
    name = MarketName(exchange, symbol)
    try:
        with context.session() as session:
            serving.remember(_logged(session))
            asked = predictor.ask(session, name, timeframe, models=context.settings.models, now=utc_now())
    except (Refused, NotFound, ModelUnavailable) as reason:
        return {"code": reason.code, "detail": reason.sentence}
    return {"code": CALLED, "call_id": asked.call.id, "written": asked.written, "note": asked.note}


def settle_due(context: JobContext) -> dict[str, Any]:
    """Write the outcomes of calls whose horizon is over, what rules said beside them, and the scorecards anew.

    Those that were settled before on candles that were revised since are marked.
    """
    now = utc_now()
    with context.session() as session:
        settled = settling.settle_due(session, now=now)
    with context.session() as session:
        revised = revising.mark(session)
    with context.session() as session:
        touched = scorekeeping.note_rules(session, now=now)
    with context.session() as session:
        drawn = scorekeeping.refresh(session, touched)
    return {"settled": settled, "revised": revised, "scorecards": drawn}
