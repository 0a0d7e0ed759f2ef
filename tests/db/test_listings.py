"""What exchanges list, beside what is stored: replaced as a whole, searched together, a page at a time."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.market_name import parse
from db.queries import listings, markets

NOW = utc_now()


@pytest.fixture
def listed(session: Session) -> None:
    listings.put(session, "binance", {"BTC/USDT": 2, "BTCST/USDT": 4, "ETH/BTC": None}, now=NOW)
    listings.put(session, "kraken", {"BTC/USD": 1}, now=NOW - timedelta(hours=3))
    market = markets.get_or_create(session, parse("binance:BTC/USDT"))
    markets.set_followed(session, market.id, True)
    markets.get_or_create(session, parse("bitstamp:BTC/EUR"))


def names(session: Session, text: str, **more: object) -> list[str]:
    return [str(row.name) for row in listings.search(session, text, **more)]  # type: ignore[arg-type]


def test_a_search_finds_stored_and_listed_markets_once_each_best_first(session: Session, listed: None) -> None:
    found = ["binance:BTC/USDT", "bitstamp:BTC/EUR", "kraken:BTC/USD", "binance:BTCST/USDT", "binance:ETH/BTC"]
    assert names(session, "btc") == found
    assert listings.count(session, "btc") == 5
    first = listings.search(session, "btc")[0]
    assert (first.followed, first.listed, first.market_id is not None) == (True, True, True)
    assert [row.listed for row in listings.search(session, "eur")] == [False]


def test_an_exchange_can_be_part_of_what_is_searched(session: Session, listed: None) -> None:
    assert names(session, "kraken btc") == ["kraken:BTC/USD"]
    assert names(session, "", exchange="kraken") == ["kraken:BTC/USD"]
    assert listings.count(session, "", exchange="binance") == 3


def test_pages_follow_each_other(session: Session, listed: None) -> None:
    assert names(session, "btc", limit=2) + names(session, "btc", start=2, limit=9) == names(session, "btc")


def test_a_new_list_replaces_the_old_one(session: Session, listed: None) -> None:
    listings.put(session, "binance", {"ETH/BTC": 5, "SOL/USDT": 2}, now=NOW + timedelta(hours=1))
    assert listings.last_seen(session)["binance"] == (2, NOW + timedelta(hours=1))
    assert names(session, "btcst") == []
    assert names(session, "btcusdt") == ["binance:BTC/USDT"]  # stored, though its exchange lists it no longer
    assert not listings.search(session, "btcusdt")[0].listed


def test_what_matches_nothing_finds_nothing(session: Session, listed: None) -> None:
    assert names(session, "%") == names(session, "")
    assert names(session, "zzz") == []
