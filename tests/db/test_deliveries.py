"""Where candles came from: written with them, few rows, and right for every single candle."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import from_ms
from core.market_name import parse
from db.queries import candles, deliveries, markets
from db.queries.deliveries import Origin
from db.tables import CandleDelivery, Market, Series
from tests.candle_data import START_MS, walk

TOLD = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR = 3_600_000


@pytest.fixture
def market(session: Session) -> int:
    return markets.get_or_create(session, parse("binance:BTC/USDT")).id


def rows(session: Session) -> list[tuple[str, int, int, int]]:
    """(source, hour of the first candle, of the last, how many) of every delivery."""
    found = session.query(CandleDelivery).order_by(CandleDelivery.id).populate_existing()
    zero = from_ms(START_MS)
    hour = timedelta(hours=1)
    return [(d.source, (d.first_open - zero) // hour, (d.last_open - zero) // hour, d.candles) for d in found]


def source_at(session: Session, market: int, hour: int) -> str | None:
    found = deliveries.of_candle(session, market, "1h", from_ms(START_MS + hour * HOUR))
    return found.source if found else None


def put(session: Session, market: int, hours: list[int], source: deliveries.Source, *, seed: int = 7) -> None:
    part = walk(200, seed=seed)[np.array(hours)]
    candles.upsert(session, market, "1h", part, origin=Origin(source, answered_at=TOLD))


def test_a_stream_that_goes_on_is_one_row_an_hour(session: Session, market: int) -> None:
    for hour in range(60):
        put(session, market, [hour], "stream")
    assert rows(session) == [("stream", 0, 59, 60)]
    session.execute(text("UPDATE candle_deliveries SET stored_at = stored_at - interval '61 minutes'"))
    put(session, market, [60], "stream")
    assert rows(session) == [("stream", 0, 59, 60), ("stream", 60, 60, 1)]


def test_pages_that_go_back_in_time_are_one_row_too(session: Session, market: int) -> None:
    for first in (90, 60, 30, 0):
        put(session, market, list(range(first, first + 30)), "history")
    assert rows(session) == [("history", 0, 119, 120)]


def test_what_stood_there_already_keeps_where_it_came_from(session: Session, market: int) -> None:
    put(session, market, list(range(10)), "history")
    put(session, market, list(range(8, 12)), "top_up")
    assert rows(session) == [("history", 0, 9, 10), ("top_up", 10, 11, 2)]
    put(session, market, list(range(12)), "import")
    assert len(rows(session)) == 2


def test_a_candle_that_came_back_different_has_a_new_origin_and_its_neighbours_the_old_one(
    session: Session, market: int
) -> None:
    put(session, market, list(range(10)), "history")
    changed = walk(200)[4:7]
    changed.volume[1] += 1
    candles.upsert(session, market, "1h", changed, source="binance", origin=Origin("top_up", answered_at=TOLD))
    assert [source_at(session, market, hour) for hour in (4, 5, 6)] == ["history", "top_up", "history"]


def test_a_hole_that_was_filled_says_so_inside_the_page_around_it(session: Session, market: int) -> None:
    put(session, market, [*range(5), *range(8, 20)], "history")
    put(session, market, list(range(5, 8)), "repair")
    assert [source_at(session, market, hour) for hour in (4, 5, 7, 8)] == ["history", "repair", "repair", "history"]
    assert source_at(session, market, 20) is None


def test_a_file_between_other_candles_makes_a_bounded_number_of_rows(session: Session, market: int) -> None:
    put(session, market, list(range(0, 200, 2)), "history")
    put(session, market, list(range(200)), "import")
    found = session.query(CandleDelivery).filter_by(source="import").one()
    assert (found.candles, found.scattered) == (100, True)
    put(session, market, [0, 2, 4], "import", seed=8)
    assert [row[1:] for row in rows(session)[2:]] == [(0, 0, 1), (2, 2, 1), (4, 4, 1)]


def test_the_row_says_when_it_was_told_and_stored(session: Session, market: int) -> None:
    candles.upsert(session, market, "1h", walk(2), origin=Origin("import", "x" * 300))
    put(session, market, [2], "history")
    by_file, by_exchange = session.query(CandleDelivery).order_by(CandleDelivery.id)
    assert (len(by_file.detail), by_file.answered_at) == (200, None)
    assert by_exchange.answered_at == TOLD
    assert by_exchange.stored_until >= by_exchange.stored_at


def test_nothing_is_written_where_nothing_was_said_of_the_origin(session: Session, market: int) -> None:
    candles.upsert(session, market, "1h", walk(5))
    assert not rows(session)


@pytest.mark.parametrize("what", [Series, Market])
def test_deliveries_go_with_the_candles(session: Session, market: int, what: type) -> None:
    put(session, market, [0], "stream")
    session.flush()
    session.query(what).delete()
    assert not rows(session)
