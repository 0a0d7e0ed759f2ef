"""The live process of one exchange: follows its streams, stores minutes that have closed, and tells ticks.

Any number may be started; the one that holds the lease works, and another takes over when it goes. What a stream does
not bring (a hole, an exchange that says of no minute that it is final) the minute's TOP_UP brings by REST.
"""

import asyncio
import logging
import random
import signal
import time
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

import db.engine
from core import job_queue, tallies
from core.errors import ExchangeUnavailable, NotFound, Refused
from core.settings import Settings
from core.shared import SharedNumbers
from core.tallies import Tallies
from db.queries import instance, leases, markets
from db.tables import Market
from market import ccxt_live, guarded_gateway
from market.ccxt_live import Feed, Minute, News, Price
from market.gateway import NotCandles
from workers.context import DEMO, connect
from workers.live_told import Followed, StandIn, note_refused, publish, store_minute

LEASE_SECONDS = 20.0  # a standby takes over within these and RENEW
RENEW = 5.0
SILENCE_S = 30.0  # without a word of one kind, prices or minutes, the connection is taken for dead
LONGEST_SILENCE_S = 240.0  # of quiet markets, whose streams speak at first and then seldom
DAY_S = 23 * 3_600.0  # exchanges cut connections after a day; we do it first
RELOOK_S = 5.0  # between looks at which markets are followed
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
FORGIVEN_S = 60.0  # a connection that lived so long starts the pauses from the beginning

log = logging.getLogger(__name__)


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
        self.counts = Tallies(SharedNumbers(job_queue.redis()), tallies.STREAM + exchange)
        self._patience_s = silence_s
        self._heard_at = float("-inf")
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
            await asyncio.to_thread(self.counts.flush)
            if self._leads and following is None:
                following = asyncio.create_task(self._lead())
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

    async def _lead(self) -> None:
        """Follow the streams; what is stored stands in for them while they are silent."""
        self._heard_at = time.monotonic()
        standing_in = asyncio.create_task(self._stand_in())
        try:
            await self._follow()
        finally:
            standing_in.cancel()
            await asyncio.gather(standing_in, return_exceptions=True)

    async def _stand_in(self) -> None:
        stand_in = StandIn()
        while True:
            await asyncio.sleep(min(RELOOK_S, self.silence_s))
            if time.monotonic() - self._heard_at < self.silence_s:
                continue
            try:
                told = await asyncio.to_thread(lambda: stand_in.tell(self._markets()))
            except SQLAlchemyError as fault:
                log.warning("database_does_not_answer", extra={"fault": type(fault).__name__})
            else:
                self.counts.add("stood_in", told)

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
                if isinstance(fault, NotCandles):
                    await asyncio.to_thread(note_refused, self.exchange, fault)
                self.counts.add("ended")
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
            self.counts.add("opened")
            log.info("stream_opened", extra={"exchange": self.exchange, "markets": len(followed)})
            reading = asyncio.create_task(self._read(feed, followed))
            over = time.monotonic() + self.day_s
            try:
                while time.monotonic() < over and not reading.done():
                    await asyncio.wait([reading], timeout=min(RELOOK_S, max(0.0, over - time.monotonic())))
                    if await asyncio.to_thread(self._others_followed, set(followed)):
                        break
                if reading.done():
                    await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, feed: Feed, followed: dict[str, Followed]) -> None:
        """News after news; raises ExchangeUnavailable when one kind of them has stopped coming."""
        kinds: list[type[News]] = [Price, Minute] if feed.has_minutes else [Price]
        began = time.monotonic()
        heard = dict.fromkeys(kinds, began)
        spoken = set[type[News]]()
        while True:
            quietest = min(heard, key=heard.__getitem__)
            try:
                left = heard[quietest] + self._patience_s - time.monotonic()
                news = await asyncio.wait_for(feed.next(), max(0.01, left))
            except TimeoutError:
                lived = time.monotonic() - began
                raise self._silent(quiet=quietest in spoken and lived < 4 * self._patience_s) from None
            heard[type(news)] = self._heard_at = time.monotonic()
            spoken.add(type(news))
            self.counts.mark(tallies.HEARD, time.time())
            state = followed.get(news.symbol)
            if state is not None:
                await self._take(state, news, prices_only=not feed.has_minutes)

    def _silent(self, *, quiet: bool) -> ExchangeUnavailable:
        """A stream that speaks at each beginning and then seldom belongs to quiet markets: wait longer next time."""
        waited = self._patience_s
        longer = min(self._patience_s * 2, max(LONGEST_SILENCE_S, self.silence_s))
        self._patience_s = longer if quiet else self.silence_s
        self.counts.add("silent")
        return ExchangeUnavailable(f"The stream of {self.exchange} has been silent for {waited:g} s. Bolt reconnects.")

    async def _take(self, state: Followed, news: News, *, prices_only: bool) -> None:
        if isinstance(news, Minute) and news.final:
            await asyncio.to_thread(store_minute, state.market, news.bar)
            return
        state.take(news, prices_only=prices_only)
        if await asyncio.to_thread(publish, state):
            self.counts.add("ticks")

    def _markets(self) -> list[Market]:
        with db.engine.session() as session:
            return [market for market in markets.followed(session) if market.exchange == self.exchange]

    def _others_followed(self, symbols: set[str]) -> bool:
        """True once other markets are followed than these; a database that is away ends no stream."""
        try:
            return {market.symbol for market in self._markets()} != symbols
        except SQLAlchemyError as fault:
            log.warning("database_does_not_answer", extra={"fault": type(fault).__name__})
            return False

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
