"""Finer candles of a market, read bar by bar where one bar touches both barriers."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from core import ohlcv
from core.ohlcv import Candles
from core.timeframe import parse as parse_timeframe
from db.queries import candles, markets
from ml.labels import Finer


def reader(opener: Callable[[], AbstractContextManager[Session]], market_id: int, timeframe: str) -> Finer | None:
    """Reads the finest stored candles that are shorter than `timeframe`; None where none are stored."""
    step = parse_timeframe(timeframe).ms
    with opener() as session:
        stored = markets.series_of(session, market_id)
    shorter = [row for row in stored.values() if parse_timeframe(row.timeframe).ms < step]
    if not shorter:
        return None
    finest = min(shorter, key=lambda row: parse_timeframe(row.timeframe).ms)

    def read(first_ms: int, last_ms: int) -> Candles:
        if last_ms < finest.first_ms or first_ms > finest.last_ms:
            return ohlcv.empty()
        with opener() as session:
            return candles.read(session, market_id, finest.timeframe, start_ms=first_ms, end_ms=last_ms)

    return read
