"""ccxt.pro against the demo exchange's real WebSocket: prices, minutes, and streams that fail."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from core.errors import ExchangeUnavailable, NotFound
from demo.exchange import Exchange
from market import ccxt_gateway, ccxt_live
from market.ccxt_live import Feed, Minute, News, Price
from market.gateway import NotCandles
from tests.demo.server import Server, running

MINUTE = 60_000


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, list[dict[str, Any]]] = {}

    def get(self, exchange: str) -> list[dict[str, Any]] | None:
        return self.kept.get(exchange)

    def put(self, exchange: str, markets: list[dict[str, Any]]) -> None:
        self.kept[exchange] = markets


class Clock:
    """Our clock and the exchange's alike; it stands unless moved."""

    def __init__(self) -> None:
        self.at = 1_714_996_830.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[Server]:
    with running(Exchange(clock, pulse_s=0.05)) as server:
        yield server


@pytest.fixture
def listed(server: Server) -> list[dict[str, Any]]:
    memory = Memory()
    ccxt_gateway.make("demo", base_url=server.url, memory=memory).markets()
    server.exchange.log.clear()
    return memory.kept["demo"]


Use = Callable[[Feed], Awaitable[Any]]


def follow(server: Server, listed: list[dict[str, Any]], clock: Clock, use: Use, *symbols: str) -> Any:
    async def run() -> Any:
        feed = ccxt_live.make("demo", list(symbols or ("BTC/USDT", "ETH/USDT")), listed, base_url=server.url)
        feed._clock = clock
        async with feed:
            return await asyncio.wait_for(use(feed), 10)

    return asyncio.run(run())


async def take(feed: Feed, count: int) -> list[News]:
    return [await feed.next() for _ in range(count)]


def test_prices_and_minutes_of_every_market_come(server: Server, listed: list[dict[str, Any]], clock: Clock) -> None:
    news = follow(server, listed, clock, lambda feed: take(feed, 12))
    assert {type(one) for one in news} == {Price, Minute}
    assert {one.symbol for one in news} == {"BTC/USDT", "ETH/USDT"}
    minute = next(one for one in news if isinstance(one, Minute))
    price = next(one for one in news if isinstance(one, Price) and one.symbol == minute.symbol)
    assert minute.bar[4] == price.price
    assert price.change is not None
    assert abs(price.change) < 1
    assert minute.bar[0] == clock.at * 1_000 // MINUTE * MINUTE
    assert not minute.final
    assert server.requests("/api/") == 0


def test_of_messages_that_come_at_once_none_is_lost(server: Server, listed: list[dict[str, Any]], clock: Clock) -> None:
    symbols = [market["symbol"] for market in listed]
    news = follow(server, listed, clock, lambda feed: take(feed, 20 * len(symbols)), *symbols)
    counts = [sum(one.symbol == symbol for one in news) for symbol in symbols]
    assert len(symbols) == 12
    assert min(counts) >= 14, counts


def test_a_minute_is_final_once_and_is_what_rest_says(
    server: Server, listed: list[dict[str, Any]], clock: Clock
) -> None:
    async def use(feed: Feed) -> list[Minute]:
        await take(feed, 6)
        clock.at += 60
        found: list[Minute] = []
        while not any(m.bar[0] > clock.at * 1_000 - MINUTE for m in found):
            news = await feed.next()
            found += [news] if isinstance(news, Minute) else []
        await take(feed, 6)
        return [m for m in found if m.final]

    finals = follow(server, listed, clock, use, "BTC/USDT")
    assert len(finals) == 1
    gateway = ccxt_gateway.make("demo", base_url=server.url, clock=clock)
    gateway._now_ms = lambda: int(clock.at * 1_000)  # type: ignore[method-assign]
    said = gateway.candles("BTC/USDT", "1m", since_ms=int(finals[0].bar[0]), limit=1)
    assert finals[0].bar == [float(column[0]) for column in said.columns()]


def test_a_minute_that_is_no_candle_is_told_with_its_market_and_reason(listed: list[dict[str, Any]]) -> None:
    feed = ccxt_live.make("demo", ["BTC/USDT"], listed, base_url="http://127.0.0.1:9")
    with pytest.raises(NotCandles) as told:
        feed._tell_minutes("BTC/USDT", [[1_700_000_040_000, 10.0, 12.0, 9.0, 11.0, -1.0]])
    assert (told.value.symbol, told.value.reasons) == ("BTC/USDT", {"negative_volume": 1})
    assert "Bolt reconnects" in told.value.sentence


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_garbage_ends_the_connection_and_nothing_of_it_is_told(
    server: Server, listed: list[dict[str, Any]], clock: Clock, kind: int
) -> None:
    told: list[News] = []

    async def use(feed: Feed) -> None:
        told.extend(await take(feed, 4))
        server.fault("garbage", kind=kind)
        while True:
            told.append(await feed.next())

    with pytest.raises(ExchangeUnavailable, match="demo"):
        follow(server, listed, clock, use)
    bars = [one.bar for one in told if isinstance(one, Minute)]
    assert all(min(bar[1:5]) > 0 for bar in bars)


def test_a_dropped_connection_is_told(server: Server, listed: list[dict[str, Any]], clock: Clock) -> None:
    async def use(feed: Feed) -> None:
        await take(feed, 4)
        server.fault("drop")
        while True:
            await feed.next()

    with pytest.raises(ExchangeUnavailable, match="ended"):
        follow(server, listed, clock, use)


def test_a_reader_that_is_too_late_begins_anew(
    server: Server, listed: list[dict[str, Any]], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ccxt_live, "WAITING", 3)

    async def use(feed: Feed) -> None:
        await asyncio.sleep(1)
        await take(feed, 6)

    with pytest.raises(ExchangeUnavailable, match="too slow"):
        follow(server, listed, clock, use)


def test_what_cannot_be_followed_is_refused(listed: list[dict[str, Any]]) -> None:
    with pytest.raises(NotFound, match="lists none"):
        ccxt_live.make("demo", ["NOPE/USDT"], listed, base_url="http://127.0.0.1:1")
    with pytest.raises(NotFound, match="no streams"):
        ccxt_live.make("nowhere", ["BTC/USDT"], listed)


def test_only_loopback_is_asked_where_an_address_is_given(listed: list[dict[str, Any]]) -> None:
    feed = ccxt_live.make("demo", ["BTC/USDT"], listed, base_url="http://127.0.0.1:9")
    assert feed._client.urls["api"]["ws"]["spot"] == "ws://127.0.0.1:9/stream/ws"
    assert "wss://" not in str(feed._client.urls["api"])
