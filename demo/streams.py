"""The demo exchange's WebSocket streams, as Binance's: klines and tickers, one message a pulse and stream.

`/ws/<stream>` and `/stream?streams=a/b` begin with streams, and both take SUBSCRIBE, UNSUBSCRIBE and
LIST_SUBSCRIPTIONS. Streams are `btcusdt@kline_1m` (any timeframe), `btcusdt@ticker`, `btcusdt@miniTicker`. A candle
that closes is told once more, as final, before the next one begins.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from core.timeframe import TIMEFRAMES, Timeframe
from demo import market_model, shapes
from demo.faults import STREAM_FAULTS, Fault, Faults
from demo.listings import LISTINGS, Listing

PULSE_S = 1.0
MOST_STREAMS = 1_024  # of one connection
STREAM = re.compile(r"([a-z0-9]{2,20})@(?:kline_(\w{2,3})|(ticker|miniTicker))")
GARBAGE = (
    "<!doctype html><title>Sign in</title>",
    '{"e":"kline","E":1,"s":"%s","k":{"t":null,"s":"%s","i":"1m","o":"NaN","h":"x","l":"-1","c":"NaN","v":"-1","x":true}}',
    '{"e":"24hrMiniTicker","E":1,"s":"%s","c":"NaN","o":"-1","h":"0","l":"0","v":"-5","q":"0"}',
    '{"e":"kline","k":',
)


@dataclass(frozen=True, slots=True)
class Stream:
    """What a name such as `btcusdt@kline_1m` asks for; `timeframe` None is a ticker."""

    name: str
    listing: Listing
    timeframe: Timeframe | None
    mini: bool


@dataclass(eq=False)
class Connection:
    """One client: its streams, and the open time of the candle last told of each."""

    socket: web.WebSocketResponse
    target: str
    combined: bool
    streams: dict[str, Stream] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    spoilt: int = 0

    def follow(self, names: list[str]) -> None:
        """Take up the streams there are; Binance says nothing of others either."""
        for name in names:
            if (found := parse(name)) and len(self.streams) < MOST_STREAMS:
                self.streams[name] = found

    def leave(self, names: list[str]) -> None:
        for name in names:
            self.streams.pop(name, None)
            self.told.pop(name, None)

    def wrapped(self, stream: Stream, data: dict[str, Any]) -> str:
        return json.dumps({"stream": stream.name, "data": data} if self.combined else data)


def parse(name: str) -> Stream | None:
    """The stream called `name`; None where there is none."""
    found = STREAM.fullmatch(name)
    listing = LISTINGS.get(found[1].upper()) if found else None
    if found is None or listing is None or (found[2] and found[2] not in TIMEFRAMES):
        return None
    return Stream(name, listing, TIMEFRAMES[found[2]] if found[2] else None, found[3] == "miniTicker")


class Streams:
    """Serves the streams of one exchange; `now_ms` is its clock."""

    def __init__(self, faults: Faults, now_ms: Callable[[], int], *, pulse_s: float = PULSE_S) -> None:
        self.faults = faults
        self.now_ms = now_ms
        self.pulse_s = pulse_s
        self.connections: set[Connection] = set()
        self.opened = 0

    def install(self, app: web.Application) -> None:
        app.router.add_get("/ws", self.serve)
        app.router.add_get("/ws/{streams:.+}", self.serve)
        app.router.add_get("/stream", self.serve)
        app.router.add_get("/stream/ws/{streams:.+}", self.serve)
        app.on_shutdown.append(self._close_all)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, until either side ends it."""
        if self.faults.strike(request.path_qs, "refuse"):
            return web.Response(status=503, headers={"Retry-After": "5"})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        made = Connection(socket, request.path_qs, combined=request.path == "/stream")
        made.follow(request.query.get("streams", request.match_info.get("streams", "")).split("/"))
        self.connections.add(made)
        self.opened += 1
        telling = asyncio.create_task(self._tell(made))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(json.dumps(_obey(made, message.data)))
        finally:
            telling.cancel()
            self.connections.discard(made)
        return socket

    async def _close_all(self, _app: web.Application) -> None:
        for connection in list(self.connections):
            await connection.socket.close(code=1001)

    async def _tell(self, connection: Connection) -> None:
        """One message per stream and pulse, until the connection ends."""
        with suppress(ConnectionError):
            while not connection.socket.closed:
                began = time.monotonic()
                for stream in list(connection.streams.values()):
                    await self._tell_one(connection, stream)
                await asyncio.sleep(max(0.01, self.pulse_s - (time.monotonic() - began)))

    async def _tell_one(self, connection: Connection, stream: Stream) -> None:
        fault = self.faults.strike(f"{connection.target} {stream.name}", *STREAM_FAULTS)
        if fault is None:
            for data in self._news(connection, stream):
                await connection.socket.send_str(connection.wrapped(stream, data))
        else:
            await _spoil(connection, stream, fault)

    def _news(self, connection: Connection, stream: Stream) -> Iterator[dict[str, Any]]:
        """What there is to say now: the candle that has closed, then the forming one; or the ticker."""
        now = self.now_ms()
        frame = stream.timeframe
        if frame is None:
            yield shapes.stream_ticker(stream.listing, now, mini=stream.mini)
            return
        opened = frame.floor(now)
        begin = connection.told.get(stream.name, opened)
        connection.told[stream.name] = opened
        drawn = market_model.candles(stream.listing, frame, start_ms=begin, end_ms=now, now_ms=now)
        for row in shapes.klines(stream.listing, frame, drawn):
            yield shapes.stream_kline(stream.listing, frame, row, now)


def _obey(connection: Connection, text: str) -> dict[str, Any]:
    """The answer to an order that came over the socket."""
    try:
        order = json.loads(text)
        method, names, number = order["method"], order.get("params", []), order.get("id")
    except (ValueError, TypeError, KeyError, AttributeError):
        return {"error": {"code": 2, "msg": "Invalid request: it is no JSON with a method."}, "id": None}
    names = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    if method == "SUBSCRIBE":
        connection.follow(names)
    elif method == "UNSUBSCRIBE":
        connection.leave(names)
    elif method == "LIST_SUBSCRIPTIONS":
        return {"result": list(connection.streams), "id": number}
    else:
        return {"error": {"code": 2, "msg": "Invalid request: unknown method."}, "id": number}
    return {"result": None, "id": number}


async def _spoil(connection: Connection, stream: Stream, fault: Fault) -> None:
    """Hang up, say nothing, or say what is no message."""
    if fault.name == "drop":
        await connection.socket.close(code=1001)
    elif fault.name == "garbage":
        text = GARBAGE[int(fault.number("kind", connection.spoilt)) % len(GARBAGE)]
        connection.spoilt += 1
        await connection.socket.send_str(text.replace("%s", stream.listing.id))
