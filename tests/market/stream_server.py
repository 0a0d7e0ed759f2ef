"""A WebSocket server on loopback that answers every subscription with messages, and a feed that follows it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import WSMsgType, web

from market import ccxt_live
from market.ccxt_live import Feed, News

Told = dict[str, Any] | str
Answer = Callable[[dict[str, Any]], Sequence[Told]]


def follow(
    exchange: str,
    markets: list[dict[str, Any]],
    answer: Answer,
    use: Callable[[Feed], Awaitable[Any]],
    *,
    now_ms: int,
) -> Any:
    """Let a server answer each subscription with messages, and `use` a feed of these markets whose clock stands."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                for told in answer(json.loads(message.data)):
                    await socket.send_str(told if isinstance(told, str) else json.dumps(told))
        return socket

    async def run() -> Any:
        app = web.Application()
        app.router.add_get("/{path:.*}", serve)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        symbols = [market["symbol"] for market in markets]
        feed = ccxt_live.make(exchange, symbols, markets, base_url=f"http://127.0.0.1:{port}")
        feed._clock = lambda: now_ms / 1_000
        feed._client.enableRateLimit = False  # Kraken's second between subscriptions is not for our own
        try:
            async with feed:
                return await asyncio.wait_for(use(feed), 10)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


async def take(feed: Feed, kind: type[News], count: int) -> list[Any]:
    """The next news of one kind."""
    found: list[Any] = []
    while len(found) < count:
        news = await feed.next()
        found += [news] if isinstance(news, kind) else []
    return found
