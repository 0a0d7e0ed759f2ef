"""The demo exchange: simulated markets behind Binance's public REST protocol and its streams, on loopback only.

Real client code talks to it: start `python -m demo --port N` and point the client's base URL at it. `/__control` orders
faults, `/__log` lists the requests that came; both refuse web pages (a foreign Host, any Origin).
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from core.timeframe import TIMEFRAMES
from demo import market_model, shapes
from demo.faults import BODY_FAULTS, Fault, Faults
from demo.listings import LISTINGS, Listing
from demo.streams import PULSE_S, Streams

API = "/api/v3"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
LOG_LENGTH = 20_000
KLINES, KLINES_USUAL = 1_000, 500
DEPTH_USUAL = 100

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Rejected(Exception):
    """A request Binance would answer with `{"code": …, "msg": …}` and 400."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Exchange:
    """The markets, what is wrong with them at present, and who asked for what."""

    def __init__(self, clock: Callable[[], float] = time.time, *, pulse_s: float = PULSE_S) -> None:
        self.clock = clock
        self.faults = Faults()
        self.streams = Streams(self.faults, self.now_ms, pulse_s=pulse_s)
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)

    def now_ms(self) -> int:
        return int(self.clock() * 1_000)

    def told_ms(self, target: str) -> int:
        """The time as the exchange tells it."""
        skew = self.faults.strike(target, "skew")
        return self.now_ms() + int(skew.number("seconds", 300) * 1_000 if skew else 0)

    async def ping(self, _: web.Request) -> web.Response:
        return web.json_response({})

    async def time(self, request: web.Request) -> web.Response:
        return web.json_response({"serverTime": self.told_ms(request.path_qs)})

    async def exchange_info(self, request: web.Request) -> web.Response:
        return web.json_response(shapes.exchange_info(_wanted(request)[0], self.told_ms(request.path_qs)))

    async def klines(self, request: web.Request) -> web.Response:
        listing = _listing(request.query.get("symbol"))
        timeframe = TIMEFRAMES.get(request.query.get("interval", ""))
        if timeframe is None:
            raise Rejected(-1120, "Invalid interval.")
        limit = _whole(request, "limit", KLINES_USUAL)
        if limit < 1:
            raise Rejected(-1130, "Data sent for parameter 'limit' is not valid.")
        limit, now = min(limit, KLINES), self.now_ms()
        end = min(_whole(request, "endTime", now), now)
        if "startTime" in request.query:
            start = _whole(request, "startTime", 0)
            end = min(end, max(start, market_model.ORIGIN_MS) + limit * timeframe.ms - 1)
        else:
            start = timeframe.floor(end) - (limit - 1) * timeframe.ms
        drawn = market_model.candles(listing, timeframe, start_ms=start, end_ms=end, now_ms=now)
        rows = shapes.klines(listing, timeframe, drawn[:limit])
        return web.json_response(self.faults.spoil(request.path_qs, rows))

    async def day(self, request: web.Request) -> web.Response:
        return self._each(request, lambda listing: shapes.day(listing, self.now_ms()))

    async def price(self, request: web.Request) -> web.Response:
        return self._each(request, lambda listing: shapes.price(listing, self.now_ms()))

    async def depth(self, request: web.Request) -> web.Response:
        listing = _listing(request.query.get("symbol"))
        levels = max(1, min(_whole(request, "limit", DEPTH_USUAL), 1_000))
        return web.json_response(shapes.depth(listing, levels, self.now_ms()))

    def _each(self, request: web.Request, draw: Callable[[Listing], dict[str, Any]]) -> web.Response:
        listings, single = _wanted(request)
        answers = [draw(listing) for listing in listings]
        return web.json_response(answers[0] if single else answers)

    async def control(self, request: web.Request) -> web.Response:
        """Order a fault (POST) or see what is ordered (GET)."""
        _refuse_web_pages(request)
        if request.method == "POST":
            try:
                wish = await request.json()
                self.faults.order(wish)
            except (ValueError, AttributeError, TypeError) as error:
                return web.json_response({"error": str(error)}, status=400)
        orders = [
            {"fault": f.name, "match": f.match.pattern, "left": f.left, "hits": f.hits} for f in self.faults.orders
        ]
        return web.json_response({"faults": orders, "requests": len(self.log)})

    async def requests(self, request: web.Request) -> web.Response:
        """The requests that came (GET); DELETE forgets them."""
        _refuse_web_pages(request)
        if request.method == "DELETE":
            self.log.clear()
        return web.json_response(list(self.log))


def _refuse_web_pages(request: web.Request) -> None:
    """A page in a browser may send requests to loopback, but not without an Origin or with our Host."""
    host = (request.headers.get("Host") or "").rpartition(":")[0] or request.headers.get("Host", "")
    if host not in LOOPBACK or "Origin" in request.headers:
        raise web.HTTPForbidden(text="The control of the demo exchange is for programs on this machine.\n")


def _listing(market_id: str | None) -> Listing:
    if not market_id:
        raise Rejected(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    if market_id not in LISTINGS:
        raise Rejected(-1121, "Invalid symbol.")
    return LISTINGS[market_id]


def _wanted(request: web.Request) -> tuple[list[Listing], bool]:
    """The listings a request names, and whether it names exactly one by `symbol`."""
    if "symbol" in request.query:
        return [_listing(request.query["symbol"])], True
    if "symbols" not in request.query:
        return list(LISTINGS.values()), False
    try:
        names = json.loads(request.query["symbols"])
    except ValueError:
        names = None
    if not isinstance(names, list):
        raise Rejected(-1100, "Illegal characters found in parameter 'symbols'.")
    return [_listing(str(name)) for name in names], False


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isdigit() or len(text) > 20:
        raise Rejected(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Rejected as rejected:
        return web.json_response({"code": rejected.code, "msg": str(rejected)}, status=400)


async def _struck(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """The answer a body fault leaves of a request."""
    if fault.name == "hang":
        await asyncio.sleep(fault.number("seconds", 3_600))
    if fault.name in ("hang", "reset"):
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    if fault.name == "status":
        return shapes.refusal(int(fault.number("code", 503)), fault.fields.get("retry_after"))
    if fault.name == "html":
        return web.Response(
            text="<!doctype html><title>Sign in</title><p>Sign in to this network.", content_type="text/html"
        )
    if fault.name == "empty":
        return web.Response(text="", content_type="application/json")
    whole = await _answer(request, handler)
    body = whole.body if isinstance(whole, web.Response) and isinstance(whole.body, bytes) else b""
    if fault.name == "malformed":
        return web.Response(body=body[: max(1, len(body) * 2 // 3)], content_type="application/json")
    return await _cut_off(request, body)


async def _cut_off(request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise the whole body, send half, hang up."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def make_app(exchange: Exchange) -> web.Application:
    """The web application of one exchange."""

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/__"):
            return await handler(request)
        exchange.log.append({"at": exchange.now_ms(), "path": request.path, "query": dict(request.query)})
        if late := exchange.faults.strike(request.path_qs, "latency"):
            await asyncio.sleep(late.number("seconds", 1))
        if fault := exchange.faults.strike(request.path_qs, *BODY_FAULTS):
            return await _struck(request, handler, fault)
        return await _answer(request, handler)

    app = web.Application(middlewares=[watch])
    for path, handler in (
        ("/ping", exchange.ping),
        ("/time", exchange.time),
        ("/exchangeInfo", exchange.exchange_info),
        ("/klines", exchange.klines),
        ("/ticker/24hr", exchange.day),
        ("/ticker/price", exchange.price),
        ("/depth", exchange.depth),
    ):
        app.router.add_get(API + path, handler)
    exchange.streams.install(app)
    app.router.add_route("*", "/__control", exchange.control)
    app.router.add_route("*", "/__log", exchange.requests)
    return app


async def serve(exchange: Exchange, port: int, started: Callable[[int], None], stop: asyncio.Event) -> None:
    """Serve on 127.0.0.1 until `stop` is set; `started` is told the port, which is a free one where 0 was asked for."""
    runner = web.AppRunner(make_app(exchange), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        started(int(runner.addresses[0][1]))
        await stop.wait()
    finally:
        await runner.cleanup()
