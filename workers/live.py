"""The live process of one exchange: follows its streams, stores minutes that have closed, and tells ticks.

Any number may be started; the one that holds the lease works, and another takes over when it goes. What a stream does
not bring (a hole, an exchange that says of no minute that it is final) the minute's TOP_UP brings by REST.
"""

import asyncio
import logging
import random
import signal
import time
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

import core.ohlcv as ohlcv
import db.engine
from core import job_queue, ticks
from core.clock import to_ms, utc_now
from core.errors import ExchangeUnavailable, NotFound, Refused
from core.settings import Settings
from core.ticks import Tick
from core.timeframe import MINUTE_MS, TIMEFRAMES
from db.queries import candles as stored_candles
from db.queries import instance, leases, markets
from db.tables import Market
from market import ccxt_live, forming, guarded_gateway, ingest
from market.ccxt_live import Feed, Minute, News, Price
from market.forming import Bar
from workers.context import DEMO, connect

LEASE_SECONDS = 20.0  # a standby takes over within these and RENEW
RENEW = 5.0
SILENCE_S = 30.0  # without a word of one kind, prices or minutes, the connection is taken for dead
DAY_S = 23 * 3_600.0  # exchanges cut connections after a day; we do it first
RELOOK_S = 5.0  # between looks at which markets are followed
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
FORGIVEN_S = 60.0  # a connection that lived so long starts the pauses from the beginning
CLOSED_LATE_MS = 10_000  # into a minute, when TOP_UP has brought what the stream did not

log = logging.getLogger(__name__)


@dataclass
class Followed:
    """What is known of one market; `before` is the closed part of its forming bars."""

    market: Market
    minute: Bar | None = None
    source: str = "klines"
    price: float | None = None
    time: int = 0
    before: dict[str, Bar | None] = field(default_factory=dict)
    before_of: int = 0  # the minute it stands for
    complete: bool = False  # read again late in that minute

    def needs_past(self) -> bool:
        if self.minute is None:
            return False
        late = self.time - int(self.minute[0]) > CLOSED_LATE_MS
        return int(self.minute[0]) != self.before_of or (late and not self.complete)


class Live:
    """One process's part. `run` ends when `stop` is set; all of it runs in one event loop."""

    def __init__(
        self, settings: Settings, exchange: str, name: str, *, silence_s: float = SILENCE_S, day_s: float = DAY_S
    ) -> None:
        self.settings = settings
        self.exchange = exchange
        self.name = name
        self.silence_s = silence_s
        self.day_s = day_s
        self.stop = asyncio.Event()
        self.connections = 0
        self._leads = False
        self._led_at = float("-inf")
        self._jitter = random.SystemRandom()

    @property
    def lease(self) -> str:
        return f"live:{self.exchange}"

    async def run(self) -> None:
        following: asyncio.Task[None] | None = None
        while not self.stop.is_set():
            await asyncio.to_thread(self._renew)
            if self._leads and following is None:
                following = asyncio.create_task(self._follow())
            if following is not None and (not self._leads or following.done()):
                await _ended(following)
                following = None
            await _wait(self.stop, RENEW)
        if following is not None:
            await _ended(following)
        await asyncio.to_thread(self._give_up)

    def _renew(self) -> None:
        """Take or keep the lease. While PostgreSQL is away, we lead on until it may have passed to another."""
        try:
            with db.engine.session() as session:
                leads = leases.take(session, self.lease, self.name, seconds=LEASE_SECONDS)
        except SQLAlchemyError as fault:
            log.warning("database_does_not_answer", extra={"fault": type(fault).__name__})
            leads = self._leads and time.monotonic() - self._led_at < LEASE_SECONDS - RENEW
        else:
            self._led_at = time.monotonic()
        if leads != self._leads:
            event = "live_leads" if leads else "live_stands_by"
            log.info(event, extra={"exchange": self.exchange, "live": self.name})
        self._leads = leads

    def _give_up(self) -> None:
        try:
            with db.engine.session() as session:
                leases.give_up(session, self.lease, self.name)
        except SQLAlchemyError as fault:
            log.warning("database_does_not_answer", extra={"fault": type(fault).__name__})

    async def _follow(self) -> None:
        """Connection after connection, with growing pauses while they fail."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._connect()
                failures = 0
            except (ExchangeUnavailable, NotFound, Refused, SQLAlchemyError, RedisError) as fault:
                reason = getattr(fault, "sentence", type(fault).__name__)
                log.warning("stream_ended", extra={"exchange": self.exchange, "reason": reason})
                failures = 1 if time.monotonic() - began > FORGIVEN_S else failures + 1
                longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 10))
                await asyncio.sleep(self._jitter.uniform(longest / 2, longest))

    async def _connect(self) -> None:
        """One connection, until it is a day old or other markets are followed; raises what ends it before."""
        followed = {market.symbol: Followed(market) for market in await asyncio.to_thread(self._markets)}
        if not followed:
            await asyncio.sleep(RELOOK_S)
            return
        feed = await asyncio.to_thread(self._feed, list(followed))
        async with feed:
            self.connections += 1
            log.info("stream_opened", extra={"exchange": self.exchange, "markets": len(followed)})
            reading = asyncio.create_task(self._read(feed, followed))
            over = time.monotonic() + self.day_s
            try:
                while time.monotonic() < over and not reading.done():
                    await asyncio.wait([reading], timeout=min(RELOOK_S, max(0.0, over - time.monotonic())))
                    if {m.symbol for m in await asyncio.to_thread(self._markets)} != set(followed):
                        break
                if reading.done():
                    await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, feed: Feed, followed: dict[str, Followed]) -> None:
        """News after news; raises ExchangeUnavailable when one kind of them has stopped coming."""
        kinds: list[type[News]] = [Price, Minute] if feed.has_minutes else [Price]
        heard = dict.fromkeys(kinds, time.monotonic())
        while True:
            oldest = min(heard.values())
            try:
                news = await asyncio.wait_for(feed.next(), max(0.01, oldest + self.silence_s - time.monotonic()))
            except TimeoutError:
                raise ExchangeUnavailable(
                    f"The stream of {self.exchange} has been silent for {self.silence_s:g} s. Bolt reconnects."
                ) from None
            heard[type(news)] = time.monotonic()
            state = followed.get(news.symbol)
            if state is not None:
                await self._take(state, news, prices_only=not feed.has_minutes)

    async def _take(self, state: Followed, news: News, *, prices_only: bool) -> None:
        if isinstance(news, Minute) and news.final:
            await asyncio.to_thread(self._store, state.market, news.bar)
            return
        if isinstance(news, Minute):
            state.minute, state.price = news.bar, news.bar[4]
            state.time = max(state.time, to_ms(utc_now()))
        else:
            state.price, state.time = news.price, max(state.time, news.time)
            if prices_only:
                state.minute, state.source = forming.by_price(state.minute, news.price, news.time), "ticks"
        await asyncio.to_thread(self._publish, state)

    def _markets(self) -> list[Market]:
        with db.engine.session() as session:
            return [market for market in markets.followed(session) if market.exchange == self.exchange]

    def _feed(self, symbols: list[str]) -> Feed:
        """Ask by REST first: the guard knows whether the exchange wants to be left alone, and its markets."""
        url = self._demo_url()
        redis = job_queue.redis()
        gateway = guarded_gateway.make(self.exchange, self.settings, redis, demo_url=url, attempts=1)
        memory = guarded_gateway.RedisMemory(redis)
        known: list[dict[str, Any]] | None = memory.get(self.exchange)
        if known:
            gateway.server_time()
        else:
            gateway.markets()
            known = memory.get(self.exchange)
        return ccxt_live.make(self.exchange, symbols, known or [], base_url=url)

    def _demo_url(self) -> str | None:
        if self.exchange != DEMO:
            return None
        with db.engine.session() as session:
            url = instance.get(session).demo_url
        if not url:
            raise NotFound("The demo exchange does not run. Start Bolt with `make demo`.")
        return url

    def _store(self, market: Market, bar: Bar) -> None:
        """Store a closed minute that follows the newest one; after a hole TOP_UP goes on from where it is."""
        frame = TIMEFRAMES["1m"]
        try:
            with db.engine.session() as session:
                last = stored_candles.last_open_ms(session, market.id, frame.name)
            if last is not None and int(bar[0]) == last + MINUTE_MS:
                ingest.store(db.engine.session, market.id, frame, ohlcv.from_rows([bar]))
        except SQLAlchemyError as fault:
            log.warning("minute_not_stored", extra={"market": market.symbol, "fault": type(fault).__name__})

    def _publish(self, state: Followed) -> None:
        if state.price is None:
            return
        try:
            if state.needs_past():
                self._read_past(state)
            bars = forming.joined(state.before, state.minute) if state.minute else {}
            tick = Tick(self.exchange, state.market.symbol, state.price, state.time, state.source, bars)
            ticks.publish(job_queue.redis(), tick)
        except (RedisError, SQLAlchemyError) as fault:
            log.warning("tick_not_told", extra={"market": state.market.symbol, "fault": type(fault).__name__})

    def _read_past(self, state: Followed) -> None:
        """The closed part of each forming bar: at the minute's beginning, and once more when TOP_UP has been."""
        assert state.minute is not None
        minute = int(state.minute[0])
        first_minute, first_hour = forming.spans(minute)
        with db.engine.session() as session:
            minutes = stored_candles.read(session, state.market.id, "1m", start_ms=first_minute)
            hours = stored_candles.read(session, state.market.id, "1h", start_ms=first_hour)
        state.before = forming.begun(minutes, hours, minute)
        state.complete = state.before_of == minute
        state.before_of = minute


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end; what ended it before is raised."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return


def serve(settings: Settings, exchange: str, name: str) -> None:
    """Follow the streams of an exchange until SIGTERM."""
    connect(settings)
    live = Live(settings, exchange, name)

    async def work() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, live.stop.set)
        await live.run()

    log.info("live_started", extra={"exchange": exchange, "live": name})
    asyncio.run(work())
    log.info("live_ended", extra={"exchange": exchange, "live": name})
