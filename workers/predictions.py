"""Calls on candles that have just closed, and the outcomes of earlier ones."""

from dataclasses import asdict
from typing import Any

from core.clock import utc_now
from ml import predictor, scorekeeping, settling
from workers.context import JobContext


def predict_due(context: JobContext) -> dict[str, Any]:
    """Call every closed candle that has none yet, with every champion that may."""
    with context.session() as session:
        done = predictor.predict_due(session, models=context.settings.models, now=utc_now())
    return asdict(done)


def settle_due(context: JobContext) -> dict[str, Any]:
    """Write the outcomes of calls whose horizon is over, what rules said beside them, and the scorecards anew."""
    now = utc_now()
    with context.session() as session:
        settled = settling.settle_due(session, now=now)
    with context.session() as session:
        touched = scorekeeping.note_rules(session, now=now)
    with context.session() as session:
        drawn = scorekeeping.refresh(session, touched)
    return {"settled": settled, "scorecards": drawn}
