"""Finer candles are read from the shortest timeframe that is stored, for one bar at a time."""

from contextlib import nullcontext

from sqlalchemy.orm import Session

from core import market_name
from db.queries import candles, markets
from db.tables import Market
from ml import finer
from tests.candles import START_MS, walk

HOUR, MINUTE = 3_600_000, 60_000


def market(session: Session) -> Market:
    found = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
    candles.upsert(session, found.id, "1h", walk(10))
    return found


def test_without_finer_candles_there_is_no_reader(session: Session) -> None:
    assert finer.reader(lambda: nullcontext(session), market(session).id, "1h") is None


def test_the_shortest_stored_timeframe_is_read_within_the_bar(session: Session) -> None:
    found = market(session)
    candles.upsert(session, found.id, "15m", walk(40, "15m"))
    candles.upsert(session, found.id, "1m", walk(180, "1m"))
    read = finer.reader(lambda: nullcontext(session), found.id, "1h")
    assert read is not None
    inside = read(START_MS + HOUR, START_MS + 2 * HOUR - 1)
    assert (len(inside), inside.time[0], inside.time[-1]) == (60, START_MS + HOUR, START_MS + 2 * HOUR - MINUTE)


def test_a_bar_outside_the_finer_series_holds_nothing(session: Session) -> None:
    found = market(session)
    candles.upsert(session, found.id, "1m", walk(60, "1m"))
    read = finer.reader(lambda: nullcontext(session), found.id, "1h")
    assert read is not None
    assert len(read(START_MS + 5 * HOUR, START_MS + 6 * HOUR - 1)) == 0
