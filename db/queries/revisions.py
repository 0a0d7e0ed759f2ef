"""Closed candles that an exchange told differently later."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.tables import CandleRevision


def latest(
    session: Session, *, market_id: int | None = None, timeframe: str | None = None, limit: int = 100
) -> list[CandleRevision]:
    """The newest revisions first, of all series or of one market or timeframe."""
    query = select(CandleRevision).order_by(CandleRevision.id.desc()).limit(limit)
    if market_id is not None:
        query = query.where(CandleRevision.market_id == market_id)
    if timeframe is not None:
        query = query.where(CandleRevision.timeframe == timeframe)
    return list(session.scalars(query))


def of_candle(session: Session, market_id: int, timeframe: str, open_time: datetime) -> list[CandleRevision]:
    """What was changed of one candle, oldest first."""
    query = select(CandleRevision).filter_by(market_id=market_id, timeframe=timeframe, open_time=open_time)
    return list(session.scalars(query.order_by(CandleRevision.id)))


def count(session: Session, *, since: datetime) -> int:
    """How many candles were revised from then on."""
    found = session.scalar(select(func.count()).select_from(CandleRevision).where(CandleRevision.at >= since))
    return int(found or 0)
