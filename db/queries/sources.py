"""How each exchange answered last."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.tables import SourceHealth


def record(
    session: Session,
    exchange: str,
    state: str,
    *,
    now: datetime,
    detail: str = "",
    latency_ms: float | None = None,
    wait_until: datetime | None = None,
) -> None:
    """Write down an answer: `ok`, `down`, `blocked` or `waiting` (then with `wait_until`)."""
    values = {"state": state, "detail": detail, "latency_ms": latency_ms, "checked_at": now, "wait_until": wait_until}
    answered = now if state == "ok" else None
    made = insert(SourceHealth).values(exchange=exchange, answered_at=answered, **values)
    last_answer = func.coalesce(made.excluded.answered_at, SourceHealth.answered_at)
    session.execute(
        made.on_conflict_do_update(index_elements=[SourceHealth.exchange], set_={**values, "answered_at": last_answer})
    )


def get(session: Session, exchange: str) -> SourceHealth | None:
    """The last answer of an exchange, None before the first."""
    query = select(SourceHealth).where(SourceHealth.exchange == exchange)
    return session.scalar(query.execution_options(populate_existing=True))


def all_of_them(session: Session) -> list[SourceHealth]:
    """The last answer of every exchange that was asked, by name."""
    return list(session.scalars(select(SourceHealth).order_by(SourceHealth.exchange)))


def wait_until(session: Session, exchange: str, *, now: datetime) -> datetime | None:
    """Until when an exchange asked to be left alone, where that lies ahead."""
    found = get(session, exchange)
    if found is None or found.wait_until is None or found.wait_until <= now:
        return None
    return found.wait_until
