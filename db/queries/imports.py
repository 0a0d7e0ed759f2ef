"""Files that were imported, and what came of them."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.tables import Import


def record(
    session: Session,
    *,
    market_id: int,
    timeframe: str,
    user_id: int | None,
    file_name: str,
    counts: dict[str, int],
    report: dict[str, Any],
) -> Import:
    """Write down one import. `counts` names stored, unchanged, duplicates, refused, gaps and missing."""
    row = Import(
        market_id=market_id, timeframe=timeframe, user_id=user_id, file_name=file_name, report=report, **counts
    )
    session.add(row)
    session.flush()
    return row


def latest(session: Session, *, limit: int = 20, market_id: int | None = None) -> list[Import]:
    """The newest imports first, of one market or of all."""
    query = select(Import).order_by(Import.id.desc()).limit(limit)
    if market_id is not None:
        query = query.where(Import.market_id == market_id)
    return list(session.scalars(query))
