"""The demo exchange's streams: Binance's messages, its orders, and streams that fail."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from demo import streams
from demo.exchange import Exchange
from tests.demo.server import Server, running

MINUTE = 60_000


class Clock:
    """Seconds since 1970, moved by hand; 2024-05-06 12:00:30 at first."""

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


def talk(server: Server, path: str, count: int, *orders: object, wait_s: float = 3.0) -> list[Any]:
    """Connect, give orders, and bring `count` messages; None stands for the end of the connection."""

    async def run() -> list[Any]:
        got: list[Any] = []
        async with aiohttp.ClientSession() as session, session.ws_connect(server.url + path) as socket:
            for order in orders:
                await socket.send_str(json.dumps(order))
            while len(got) < count:
                message = await socket.receive(timeout=wait_s)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return [*got, None]
                got.append(json.loads(message.data) if message.data.endswith("}") else message.data)
        return got

    return asyncio.run(run())


def test_a_kline_stream_tells_the_forming_candle_as_rest_does(server: Server, clock: Clock) -> None:
    kline = talk(server, "/ws/btcusdt@kline_1m", 1)[0]["k"]
    now = int(clock.at * 1_000)
    assert kline["t"] == now - now % MINUTE
    assert kline["x"] is False
    assert float(kline["l"]) <= float(kline["o"]) <= float(kline["h"])
    assert (kline["s"], kline["i"], kline["T"]) == ("BTCUSDT", "1m", kline["t"] + MINUTE - 1)


def test_a_candle_that_closes_is_told_as_final_before_the_next_one_and_is_what_rest_says(
    server: Server, clock: Clock
) -> None:
    async def run() -> list[dict[str, Any]]:
        got: list[dict[str, Any]] = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{server.url}/ws/ethusdt@kline_1m") as socket,
        ):
            await socket.receive(timeout=3)
            clock.at += 60
            while len(got) < 2 or not got[-2]["x"]:
                got.append((await socket.receive_json(timeout=3))["k"])
            url = f"{server.url}/api/v3/klines?symbol=ETHUSDT&interval=1m&limit=2"
            async with session.get(url) as answer:
                final = (await answer.json())[0]
        assert final[:6] == [got[-2][name] for name in "tohlcv"]
        return got

    got = asyncio.run(run())
    assert got[-1]["t"] == got[-2]["t"] + MINUTE
    assert got[-1]["x"] is False


def test_tickers_come_short_and_long(server: Server) -> None:
    both = talk(server, "/stream?streams=btcusdt@miniTicker/btcusdt@ticker", 2)
    assert [message["stream"] for message in both] == ["btcusdt@miniTicker", "btcusdt@ticker"]
    mini, long = (message["data"] for message in both)
    assert mini["e"] == "24hrMiniTicker"
    assert long["e"] == "24hrTicker"
    assert float(mini["l"]) <= float(mini["c"]) <= float(mini["h"])
    assert long["c"] == mini["c"]
    assert float(long["a"]) > float(long["b"])


def test_orders_change_what_is_told(server: Server) -> None:
    asked = {"method": "SUBSCRIBE", "params": ["solusdt@kline_1h", "nonsense", "nomarket@ticker", 7], "id": 5}
    told, listed, kline = talk(server, "/ws/0", 3, asked, {"method": "LIST_SUBSCRIPTIONS", "id": 6})
    assert told == {"result": None, "id": 5}
    assert listed == {"result": ["solusdt@kline_1h"], "id": 6}
    assert kline["k"]["i"] == "1h"


def test_what_is_unsubscribed_or_unknown_is_told_no_more(server: Server) -> None:
    orders = [{"method": "UNSUBSCRIBE", "params": ["btcusdt@miniTicker"], "id": 1}, {"method": "DANCE", "id": 2}, "x"]
    got = talk(server, "/ws", 3, *orders)
    assert [message.get("id") for message in got] == [1, 2, None]
    assert [("error" in message) for message in got] == [False, True, True]
    assert streams.parse("btcusdt@kline_7m") is None
    assert streams.parse("btcusdt@trade") is None


def test_a_dropped_stream_ends(server: Server) -> None:
    server.fault("drop", match="btcusdt@miniTicker", count=1)
    assert talk(server, "/ws/btcusdt@miniTicker", 1) == [None]
    assert talk(server, "/ws/btcusdt@miniTicker", 1)[0]["s"] == "BTCUSDT"


def test_a_silent_stream_stays_open(server: Server) -> None:
    server.fault("silent")
    with pytest.raises(TimeoutError):
        talk(server, "/ws/btcusdt@miniTicker", 1, wait_s=0.5)


def test_garbage_is_of_every_kind(server: Server) -> None:
    server.fault("garbage", count=4)
    got = talk(server, "/ws/btcusdt@miniTicker", 5)
    assert got[0].startswith("<!doctype")
    assert got[1]["k"]["o"] == "NaN"
    assert got[2]["c"] == "NaN"
    assert got[3] == '{"e":"kline","k":'
    assert got[4]["e"] == "24hrMiniTicker"
    server.fault("garbage", kind=2)
    assert {message["o"] for message in talk(server, "/ws/btcusdt@miniTicker", 3)} == {"-1"}
