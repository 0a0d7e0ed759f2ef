"""Finer candles of a market, read bar by bar where one bar touches both barriers."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from core import ohlcv
from core.ohlcv import Candles
from core.timeframe import parse as parse_timeframe
from db.queries import candles, markets
from db.queries.markets import SeriesRow
from ml.labels import Finer


def finest(session: Session, market_id: int, timeframe: str) -> SeriesRow | None:
    """The series of the shortest candles stored that are shorter than `timeframe`."""
    step = parse_timeframe(timeframe).ms
    stored = markets.series_of(session, market_id).values()
    shorter = [row for row in stored if parse_timeframe(row.timeframe).ms < step]
    return min(shorter, key=lambda row: parse_timeframe(row.timeframe).ms, default=None)


def reader(opener: Callable[[], AbstractContextManager[Session]], market_id: int, timeframe: str) -> Finer | None:
    """Reads the finest stored candles that are shorter than `timeframe`; None where none are stored."""
    with opener() as session:
        row = finest(session, market_id, timeframe)
    if row is None:
        return None

    def read(first_ms: int, last_ms: int) -> Candles:
        if last_ms < row.first_ms or first_ms > row.last_ms:
            return ohlcv.empty()
        with opener() as session:
            return candles.read(session, market_id, row.timeframe, start_ms=first_ms, end_ms=last_ms)

    return read
