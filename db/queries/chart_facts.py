"""What is known about the candles of a stretch of a chart: how many are stored, what was changed, what is missing."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.timeframe import TIMEFRAMES
from db.tables import Candle, CandleRevision, Gap


def stored(session: Session, market_id: int, timeframe: str, start: datetime, end: datetime) -> tuple[int, int]:
    """(how many candles open in [start, end), their flags together)."""
    query = select(func.count(), func.coalesce(func.bit_or(Candle.flags), 0)).where(
        Candle.market_id == market_id,
        Candle.timeframe == timeframe,
        Candle.open_time >= start,
        Candle.open_time < end,
    )
    count, flags = session.execute(query).one()
    return int(count), int(flags)


def revised(
    session: Session, market_id: int, timeframe: str, start: datetime, end: datetime, *, limit: int = 20
) -> list[CandleRevision]:
    """Changes of candles that open in [start, end), newest first."""
    query = select(CandleRevision).where(
        CandleRevision.market_id == market_id,
        CandleRevision.timeframe == timeframe,
        CandleRevision.open_time >= start,
        CandleRevision.open_time < end,
    )
    return list(session.scalars(query.order_by(CandleRevision.id.desc()).limit(limit)))


def holes(
    session: Session, market_id: int, timeframe: str, start: datetime, end: datetime, *, limit: int = 500
) -> list[tuple[datetime, datetime, str]]:
    """Holes that reach into [start, end) and are not filled: (first missing, end, state), oldest first."""
    step = timedelta(milliseconds=TIMEFRAMES[timeframe].ms)
    query = select(Gap).where(
        Gap.market_id == market_id,
        Gap.timeframe == timeframe,
        Gap.state != "filled",
        Gap.first_missing < end,
        Gap.first_missing + Gap.count * step > start,
    )
    rows = session.scalars(query.order_by(Gap.first_missing).limit(limit))
    return [(row.first_missing, row.first_missing + row.count * step, row.state) for row in rows]
