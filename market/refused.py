"""Writes down which rows of exchanges were refused: for people in PostgreSQL, for /metrics in the shared counts."""

import logging

from sqlalchemy.exc import SQLAlchemyError

import db.engine
from core.clock import utc_now
from core.shared import Numbers, SharedNumbers
from db.queries import refused_rows

REQUEST, STREAM = "request", "stream"

log = logging.getLogger(__name__)


def note(exchange: str, symbol: str, timeframe: str, source: str, reasons: dict[str, int]) -> None:
    """Count rows of a series; while PostgreSQL is away, they stand in the log alone."""
    try:
        with db.engine.session() as session:
            refused_rows.add(session, exchange, symbol, timeframe, source, reasons, now=utc_now())
    except SQLAlchemyError as fault:
        told = {"exchange": exchange, "symbol": symbol, "reasons": reasons, "fault": type(fault).__name__}
        log.warning("refused_rows_not_noted", extra=told)


def tally(shared: SharedNumbers, name: str, what: str, counts: dict[str, int]) -> None:
    """Add to the counts of all processes, which /metrics shows; `what` is `rejected` or `errors`."""

    def step(numbers: Numbers, _now: float) -> None:
        for word, n in counts.items():
            numbers[word] = numbers.get(word, 0) + n

    shared.change(f"{what}:{name}", step)
