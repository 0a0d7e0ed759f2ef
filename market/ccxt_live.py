"""Streams of an exchange through ccxt.pro: prices and running minutes, each row checked as REST's are.

Beside `ccxt_gateway` the only file that knows ccxt. A minute counts as final where the exchange's own message says so
(Binance and what speaks its protocol), or where each trade is told at once and the next minute has begun (Kraken). Of
others no minute is final, and their closed candles come by REST.
"""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import ccxt
import ccxt.pro
import numpy as np
from ccxt.async_support.base.ws.cache import ArrayCacheByTimestamp

from core.errors import ExchangeUnavailable, NotFound
from market import quality
from market.ccxt_gateway import CLOCK_SLACK_MS, DEMO, GARBAGE
from market.ccxt_messages import noting, without_nobody
from market.forming import Bar
from market.gateway import NotCandles
from market.quality import Reason

MINUTE = "1m"
# "Updates are generated on trade events" (docs.kraken.com, WebSocket v2, ohlc): with the next minute one is complete.
FINAL_BY_SUCCESSOR = ("kraken",)
WAITING = 5_000  # messages between ccxt and whoever reads; a reader that is so late begins anew


@dataclass(frozen=True, slots=True)
class Price:
    """The last price of a market, `time` in ms UTC as the exchange says, else ours.

    `change` is that of 24 hours, 0.01 is one percent; None where it is not told.
    """

    symbol: str
    price: float
    time: int
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Minute:
    """The minute that runs, or, `final`, one that has closed."""

    symbol: str
    bar: Bar
    final: bool


News = Price | Minute


class Feed:
    """One connection; `async with` opens and ends it, `next` waits for news."""

    def __init__(self, name: str, client: Any, symbols: list[str], *, clock: Callable[[], float] = time.time) -> None:
        self.name = name
        self.symbols = symbols
        self.has_minutes = bool(client.has.get("watchOHLCVForSymbols") or client.has.get("watchOHLCV"))
        self._client = client
        self._clock = clock
        self._news: asyncio.Queue[News | Exception] = asyncio.Queue(WAITING)
        self._finals: set[tuple[str, int]] = set()
        self._running: dict[str, Bar] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._connections: set[int] = set()
        self._seen: Any = None
        self._direct: set[type[News]] = set()  # kinds that come from `_resolved`, message by message

    async def __aenter__(self) -> "Feed":
        asyncio.get_running_loop().set_exception_handler(self._unreadable)
        if hasattr(self._client, "handle_ohlcv"):
            self._client.handle_ohlcv = noting(self._client, self._client.handle_ohlcv, self._finals)
        self._client.handle_message = self._seeing(self._client.handle_message)
        for watch in self._watches():
            self._tasks.append(asyncio.create_task(self._forever(watch)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()
        asyncio.get_running_loop().set_exception_handler(None)

    async def next(self) -> News:
        """The next news; raises ExchangeUnavailable once the connection is of no more use."""
        if isinstance(news := await self._news.get(), Exception):
            raise news
        return news

    def _watches(self) -> list[Callable[[], Awaitable[None]]]:
        """What is asked for again and again; for all markets at once where the exchange can."""
        has, found = self._client.has, list[Callable[[], Awaitable[None]]]()
        if has.get("watchTickers"):
            found.append(self._watch_prices)
        elif has.get("watchTicker"):
            found += [self._one_price(symbol) for symbol in self.symbols]
        if has.get("watchOHLCVForSymbols"):
            found.append(self._watch_minutes)
        elif has.get("watchOHLCV"):
            found += [self._one_minute(symbol) for symbol in self.symbols]
        if not found:
            raise NotFound(f"{self.name} has no streams. Its candles come by REST once a minute.")
        return found

    def _seeing(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        """Of messages that come at once, ccxt's `watch` calls bring one and drop the rest: look at each on its way."""

        def seeing(connection: Any, message: Any) -> Any:
            if id(connection) not in self._connections:
                self._connections.add(id(connection))
                resolve = connection.resolve

                def seen(result: Any, *rest: Any) -> Any:
                    if result is not self._seen or isinstance(result, list):  # some are resolved under two names
                        self._seen = result
                        self._resolved(result, str(rest[0]) if rest else "")
                    return resolve(result, *rest)

                connection.resolve = seen
            return handle(connection, without_nobody(message))

        return seeing

    def _resolved(self, result: Any, name: str) -> None:
        """What ccxt made of one message: a ticker, symbol, timeframe and rows, or all rows of what `name` ends with."""
        try:
            if isinstance(result, dict) and result.get("symbol") in self.symbols and "last" in result:
                self._direct.add(Price)
                self._tell_price(result)
            elif isinstance(result, list) and len(result) == 3 and result[1] == MINUTE:
                self._direct.add(Minute)
                self._tell_minutes(result[0], [list(row) for row in result[2][-1:]])
            elif isinstance(result, ArrayCacheByTimestamp) and (symbol := self._named(name)):
                self._direct.add(Minute)
                self._tell_minutes(symbol, [list(row) for row in result[-1:]])
        except ExchangeUnavailable as error:
            self._end(error)

    def _named(self, name: str) -> str | None:
        return next((symbol for symbol in self.symbols if name.endswith((f":{symbol}", f"@{symbol}"))), None)

    async def _watch_prices(self) -> None:
        for ticker in (await self._client.watch_tickers(self.symbols)).values():
            if Price not in self._direct:
                self._tell_price(ticker)

    async def _watch_minutes(self) -> None:
        told = await self._client.watch_ohlcv_for_symbols([[symbol, MINUTE] for symbol in self.symbols])
        for symbol, by_timeframe in told.items() if Minute not in self._direct else ():
            self._tell_minutes(symbol, by_timeframe.get(MINUTE, []))

    def _one_price(self, symbol: str) -> Callable[[], Awaitable[None]]:
        async def watch() -> None:
            ticker = await self._client.watch_ticker(symbol)
            if Price not in self._direct:
                self._tell_price(ticker)

        return watch

    def _one_minute(self, symbol: str) -> Callable[[], Awaitable[None]]:
        async def watch() -> None:
            rows = await self._client.watch_ohlcv(symbol, MINUTE)
            if Minute not in self._direct:
                self._tell_minutes(symbol, rows)

        return watch

    async def _forever(self, watch: Callable[[], Awaitable[None]]) -> None:
        try:
            while True:
                await watch()
        except ExchangeUnavailable as error:
            self._end(error)
        except (ccxt.BaseError, *GARBAGE) as error:
            sentence = f"The stream of {self.name} ended ({type(error).__name__}). Bolt reconnects."
            self._end(ExchangeUnavailable(sentence))

    def _tell_price(self, ticker: dict[str, Any]) -> None:
        symbol, price, at = ticker.get("symbol"), ticker.get("last"), ticker.get("timestamp")
        if symbol not in self.symbols:
            return
        if not isinstance(price, int | float) or not math.isfinite(price) or price <= 0:
            raise self._garbage(f"a price of {symbol} that is none")
        now = int(self._clock() * 1_000)
        time_ms = at if isinstance(at, int) and abs(at - now) < CLOCK_SLACK_MS else now
        self._put(Price(symbol, float(price), time_ms, _ratio(ticker.get("percentage"))))

    def _tell_minutes(self, symbol: str, rows: list[Any]) -> None:
        if symbol not in self.symbols:
            return
        bars = sorted((self._checked(symbol, row) for row in rows), key=lambda bar: bar[0])
        if self.name in FINAL_BY_SUCCESSOR:
            self._tell_succession(symbol, bars)
            return
        for bar in bars:
            final = (key := (symbol, int(bar[0]))) in self._finals
            self._finals.discard(key)
            if final or bar is bars[-1]:  # what a stream tells of the past at its beginning comes by REST
                self._put(Minute(symbol, bar, final))

    def _tell_succession(self, symbol: str, bars: list[Bar]) -> None:
        """A minute that was running is final once a later one is told; of those before the first, nothing is known."""
        running = self._running.get(symbol)
        for bar in bars if running else bars[-1:]:
            if running and bar[0] < running[0]:
                continue
            if running and bar[0] > running[0]:
                self._put(Minute(symbol, running, final=True))
            running = bar
        if running:
            self._running[symbol] = running
            self._put(Minute(symbol, running, final=False))

    def _checked(self, symbol: str, row: Any) -> Bar:
        """The row as a bar; raises NotCandles for one that is none: the stream is in doubt then."""
        bar = [float("nan") if value is None else float(value) for value in row[:6]]
        now_ms = int(self._clock() * 1_000)
        _, reasons = quality.check(tuple(np.array([value]) for value in bar), MINUTE, now_ms)
        soon = (reason := reasons.get(0)) is Reason.FUTURE and bar[0] <= now_ms + CLOCK_SLACK_MS
        if reason is None or reason is Reason.NOT_CLOSED or soon:
            return bar
        error = self._garbage(f"a minute of {symbol}: {reason.sentence}")
        raise NotCandles(error.sentence, {str(reason): 1}, symbol=symbol)

    def _put(self, news: News) -> None:
        try:
            self._news.put_nowait(news)
        except asyncio.QueueFull:
            raise ExchangeUnavailable(f"Bolt was too slow for the stream of {self.name} and begins it anew.") from None

    def _end(self, error: Exception) -> None:
        if self._news.full():
            self._news.get_nowait()
        self._news.put_nowait(error)

    def _garbage(self, what: str) -> ExchangeUnavailable:
        return ExchangeUnavailable(f"The stream of {self.name} told {what}. Nothing of it is kept; Bolt reconnects.")

    def _unreadable(self, _loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
        """ccxt reads messages in callbacks, where an error would go unheard and leave the stream silent."""
        self._end(self._garbage("a message that cannot be read"))


def _ratio(percent: Any) -> float | None:
    return round(percent / 100, 8) if isinstance(percent, int | float) and math.isfinite(percent) else None


def make(exchange: str, symbols: list[str], markets: list[dict[str, Any]], *, base_url: str | None = None) -> Feed:
    """A feed of these symbols, not opened yet; raises NotFound for an exchange without streams, and for no symbols.

    `markets` is what a `MarketMemory` keeps of the exchange: no request is made for it here.
    """
    ccxt_id = "binance" if exchange == DEMO else exchange
    if ccxt_id not in ccxt.pro.exchanges:
        raise NotFound(f"{exchange} has no streams. Its candles come by REST once a minute.")
    known = {market["symbol"] for market in markets}
    listed = [symbol for symbol in symbols if symbol in known]
    if not listed:
        raise NotFound(f"{exchange} lists none of the followed markets. Choose others on the Markets page.")
    client = getattr(ccxt.pro, ccxt_id)({"newUpdates": True, "aiohttp_trust_env": base_url is None})
    client.set_markets([_whole(client, market) for market in markets])
    if base_url:
        client.urls["api"] = _redirected(client.urls["api"], re.sub(r"^http", "ws", base_url.rstrip("/")))
    return Feed(exchange, client, listed)


def _whole(client: Any, market: dict[str, Any]) -> dict[str, Any]:
    """A remembered market with every word ccxt's streams look for."""
    spot = {"contract": False, "option": False, "linear": False, "inverse": False, "swap": False, "future": False}
    return {**client.safe_market_structure(), **spot, "lowercaseId": str(market["id"]).lower(), **market}


def _redirected(urls: Any, base_url: str) -> Any:
    if isinstance(urls, dict):
        return {name: _redirected(url, base_url) for name, url in urls.items()}
    # `/stream` in the address is how ccxt tells Binance's spot streams from the others
    return re.sub(r"^wss?://[^/]+", f"{base_url}/stream", urls) if isinstance(urls, str) else urls
