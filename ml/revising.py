"""Marking settled calls whose candles an exchange told differently afterwards.

An outcome is never rewritten: what was settled in public stays. Each revised candle it rests on is written down beside
it, with the outcome there would be now, so that everybody can count them.
"""

from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.clock import from_ms, to_ms
from core.errors import NotFound
from core.ohlcv import Candles
from core.timeframe import parse as parse_timeframe
from db.queries import outcome_revisions
from db.tables import CandleRevision, Prediction, PredictionOutcome
from market import candles as market_candles
from ml import finer, settling

BATCH = 500  # revisions a round looks at; the next round goes on
SAID = ("outcome", "log_return", "entry", "t1")


@dataclass(slots=True)
class _Path:
    """What a call's outcome is made of: candles of the timeframe `source`, and where one of its bars touches both
    barriers, those of the timeframe `finest` in the spans `asked`.

    `now`: what the outcome would be, None where nothing tells.
    """

    source: str | None = None
    finest: str | None = None
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)
    now: dict[str, Any] | None = None

    def holds(self, candle: CandleRevision) -> bool:
        if candle.timeframe == self.source:
            return True
        inside = any(first <= candle.open_time <= last for first, last in self.asked)
        return inside and candle.timeframe == self.finest


def mark(session: Session) -> int:
    """Mark the settled calls that rest on candles revised since the last round; how many marks are new."""
    fresh = outcome_revisions.unweighed(session, limit=BATCH)
    if not fresh:
        return 0
    calls: dict[int, list[Any]] = defaultdict(list)
    for row in outcome_revisions.under(session, fresh):
        calls[row.Prediction.id].append(row)
    marks = [one for rows in calls.values() for one in _marks(session, rows)]
    made = outcome_revisions.mark(session, marks)
    outcome_revisions.weigh(session, fresh)
    return made


def _marks(session: Session, rows: list[Any]) -> list[dict[str, Any]]:
    """Of one call, a mark for each revised candle its outcome rests on."""
    call, outcome = rows[0].Prediction, rows[0].PredictionOutcome
    path = _follow(session, call)
    now = path.now or {}
    values = {name: now.get(name) for name in ("outcome", "log_return", "t1")}
    differs = path.now is not None and path.now["outcome"] != outcome.outcome
    return [
        {"prediction_id": call.id, "revision_id": row.CandleRevision.id, "differs": differs, **values}
        for row in rows
        if path.holds(row.CandleRevision) and _later(row.CandleRevision, outcome, path)
    ]


def _later(candle: CandleRevision, outcome: PredictionOutcome, path: _Path) -> bool:
    """Whether the outcome was made of the candle before it was revised.

    Of both within a few minutes the clock does not tell: then it was, if the outcome would be another one now.
    """
    if candle.at > outcome.settled_at:
        return True
    return path.now is None or any(path.now[name] != getattr(outcome, name) for name in SAID)


def _follow(session: Session, call: Prediction) -> _Path:
    """Settle a call once more on what is stored now."""
    path, step = _Path(), parse_timeframe(call.timeframe).ms
    try:
        path.source = market_candles.source(session, call.market_id, call.timeframe)
        bars = call.horizon + 2
        candles = market_candles.latest(session, call.market_id, call.timeframe, bars, now_ms=to_ms(call.due_at))
    except NotFound:
        return path
    shorter = finer.finest(session, call.market_id, call.timeframe)
    read = finer.reader(lambda: nullcontext(session), call.market_id, call.timeframe)

    def noting(first_ms: int, last_ms: int) -> Candles:
        path.asked.append((from_ms(first_ms), from_ms(last_ms)))
        return read(first_ms, last_ms)  # type: ignore[misc]

    path.finest = shorter.timeframe if shorter else None
    found = settling.outcomes(candles, [call], step_ms=step, finer=noting if read else None)
    path.now = found[0] if found else None
    return path
