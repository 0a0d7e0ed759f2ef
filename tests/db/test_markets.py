"""Markets: made once, found by what people type, listed with what is stored of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

import db.engine
import db.queries.candles as candles
import db.queries.markets as markets
from core import market_name
from core.errors import NotFound
from db.tables import Candle, Market
from tests.candles import START_MS, walk

BTC = market_name.parse("binance:BTC/USDT")


def add(session: Session, *names: str) -> list[Market]:
    return [markets.get_or_create(session, market_name.parse(name)) for name in names]


def test_a_market_that_is_not_there_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound, match="binance:BTC/USDT"):
        markets.get(session, BTC)
    with pytest.raises(NotFound):
        markets.by_id(session, 0)


def test_a_market_is_made_once(session: Session) -> None:
    made = markets.get_or_create(session, BTC, simulated=True, price_decimals=2)
    again = markets.get_or_create(session, BTC)
    assert again.id == made.id == markets.get(session, BTC).id
    assert (again.simulated, again.price_decimals) == (True, 2)
    assert markets.by_id(session, made.id).symbol == "BTC/USDT"


def test_newer_price_decimals_replace_older_ones(session: Session) -> None:
    markets.get_or_create(session, BTC, price_decimals=2)
    assert markets.get_or_create(session, BTC, price_decimals=4).price_decimals == 4


def test_two_makers_at_once_get_the_same_market(database: Engine) -> None:
    def make(_: int) -> int:
        with db.engine.session() as session:
            return markets.get_or_create(session, BTC).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(make, range(8)))) == 1


def test_search_finds_symbols_by_their_letters(session: Session) -> None:
    add(session, "binance:WBTC/USDT", "binance:BTC/USDT", "binance:ETH/BTC", "kraken:BTC/USD", "binance:ADA/USDT")
    found = [str(row.name) for row in markets.search(session, "btc")]
    assert found == ["kraken:BTC/USD", "binance:BTC/USDT", "binance:ETH/BTC", "binance:WBTC/USDT"]
    assert [str(row.name) for row in markets.search(session, "BTC-USDT")] == ["binance:BTC/USDT", "binance:WBTC/USDT"]
    assert [str(row.name) for row in markets.search(session, "kraken btc")] == ["kraken:BTC/USD"]
    assert markets.search(session, "doge") == []


def test_search_takes_signs_of_sql_as_nothing(session: Session) -> None:
    add(session, "binance:BTC/USDT")
    assert len(markets.search(session, "b%'; --tc")) == 1
    assert markets.search(session, "x_y") == []


def test_search_stops_at_its_limit(session: Session) -> None:
    add(session, *(f"binance:A{k}/USDT" for k in range(5)))
    assert len(markets.search(session, "", limit=3)) == 3


def test_following_is_remembered(session: Session) -> None:
    btc, eth = add(session, "binance:BTC/USDT", "binance:ETH/USDT")
    markets.set_followed(session, eth.id, True)
    assert [m.symbol for m in markets.followed(session)] == ["ETH/USDT"]
    markets.set_followed(session, eth.id, False)
    assert markets.followed(session) == []
    assert not btc.followed


def test_the_table_lists_markets_with_their_series(session: Session) -> None:
    btc, _ = add(session, "binance:BTC/USDT", "binance:ETH/USDT")
    candles.upsert(session, btc.id, "1d", walk(3, "1d"))
    candles.upsert(session, btc.id, "1h", walk(5))
    first, second = markets.table(session)
    assert [row.symbol for row in (first, second)] == ["BTC/USDT", "ETH/USDT"]
    assert list(first.series) == ["1h", "1d"]
    assert first.series["1h"].rows == 5
    assert first.series["1d"].first_ms == START_MS
    assert second.series == {}


def test_pages_put_together_are_the_table(session: Session) -> None:
    btc, *_ = add(session, "kraken:BTC/USDT", "binance:BTC/USDT", "binance:ADA/USDT", "binance:ETH/USDT")
    candles.upsert(session, btc.id, "1h", walk(5))
    whole, found = markets.table(session), markets.page(session, limit=2)
    assert [row.symbol for row in found] == ["ADA/USDT", "BTC/USDT"]
    rest = markets.page(session, after=(found[-1].symbol, found[-1].exchange), limit=5)
    assert [*found, *rest] == whole
    assert rest[0].series["1h"].rows == 5
    assert [m.exchange for m in markets.named(session, "BTC/USDT")] == ["binance", "kraken"]
    assert markets.named(session, "XRP/USDT") == []


def test_a_deleted_market_takes_its_candles_along(session: Session) -> None:
    btc, eth = add(session, "binance:BTC/USDT", "binance:ETH/USDT")
    for market in (btc, eth):
        candles.upsert(session, market.id, "1h", walk(4))
    session.delete(btc)
    session.flush()
    assert session.scalar(select(func.count()).select_from(Candle).where(Candle.market_id == btc.id)) == 0
    assert len(candles.read(session, eth.id, "1h")) == 4
