"""Any gateway behind a throttle, retries and a circuit breaker that all processes share.

Every HTTP request takes a token and respects what the exchange asked for (Retry-After), every call passes the breaker.
What came of it stands in `source_health`, which also remembers a Retry-After while Redis is away.
"""

import json
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

import db.engine
from core.breaker import Breaker
from core.clock import from_ms, utc_now
from core.errors import ExchangeBackOff, ExchangeBlocked, ExchangeUnavailable, NotFound, Refused
from core.ohlcv import Candles
from core.settings import Settings
from core.shared import Numbers, SharedNumbers
from core.throttle import Throttle
from db.queries import sources
from market import ccxt_gateway
from market.gateway import ExchangeGateway, ListedMarket

ATTEMPTS = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0  # full jitter: a random part of 0.5, 1, 2 … seconds
BURST = 10
LONGEST_QUEUE_S = 30.0  # a longer wait for a token means that far too much was asked for
RECORD_EVERY = timedelta(seconds=30)  # an unchanged state is written again after this long
MEMORY_KEY, MEMORY_S = "bolt:exchange-markets:", 6 * 3_600

T = TypeVar("T")
log = logging.getLogger(__name__)


class NotAsked(ExchangeUnavailable):
    """No request went out: nothing was learnt about the exchange, and asking again at once is no use."""


class Health:
    """Writes what an exchange answers to `source_health`: every change, and an unchanged state now and then."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self._state = ""
        self._at: datetime | None = None

    def record(
        self, state: str, detail: str = "", *, latency_ms: float | None = None, wait_until: datetime | None = None
    ) -> None:
        now = utc_now()
        if state == self._state and self._at is not None and now - self._at < RECORD_EVERY and wait_until is None:
            return
        with db.engine.session() as session:
            before = sources.get(session, self.exchange)
            news = before is None or before.state != state
            sources.record(
                session, self.exchange, state, now=now, detail=detail, latency_ms=latency_ms, wait_until=wait_until
            )
        if news:
            log.info("exchange_state", extra={"exchange": self.exchange, "state": state, "detail": detail})
        self._state, self._at = state, now

    def wait_until(self) -> datetime | None:
        """What an earlier process was asked to wait for; None too where PostgreSQL does not answer."""
        try:
            with db.engine.session() as session:
                return sources.wait_until(session, self.exchange, now=utc_now())
        except SQLAlchemyError:
            return None


class RedisMemory:
    """Market lists in Redis, for a few hours; nothing is remembered while Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, exchange: str) -> list[dict[str, Any]] | None:
        try:
            kept = self._redis.get(MEMORY_KEY + exchange)
        except RedisError:
            return None
        return json.loads(kept) if kept else None

    def put(self, exchange: str, markets: list[dict[str, Any]]) -> None:
        with suppress(RedisError):
            self._redis.set(MEMORY_KEY + exchange, json.dumps(markets), ex=MEMORY_S)


class Leave:
    """Asked before each HTTP request: waits for a token, refuses while the exchange wants to be left alone."""

    def __init__(self, throttle: Throttle, health: Health, *, sleep: Callable[[float], None]) -> None:
        self.throttle = throttle
        self.health = health
        self._sleep = sleep
        self._remember()

    def __call__(self) -> None:
        self.refuse_while_held()
        wait = self.throttle.take()
        if wait > LONGEST_QUEUE_S:
            raise NotAsked(f"Too many requests wait for {self.health.exchange}. Try again in a minute.")
        if wait > 0:
            self._sleep(wait)
            self.refuse_while_held()

    def refuse_while_held(self) -> None:
        if self.throttle.shared.alone:
            self._remember()
        if (until := self.throttle.held_until()) is not None:
            raise back_off(self.health.exchange, from_ms(int(until * 1_000)))

    def _remember(self) -> None:
        if (until := self.health.wait_until()) is not None:
            self.throttle.hold(until.timestamp())


def back_off(exchange: str, until: datetime) -> ExchangeBackOff:
    return ExchangeBackOff(f"{exchange} asked to wait until {until:%Y-%m-%d %H:%M:%S} UTC. Bolt goes on then.", until)


class GuardedGateway:
    """A gateway that calls at most ATTEMPTS times, never while the breaker is open, never again after a refusal."""

    def __init__(
        self,
        inner: ExchangeGateway,
        *,
        leave: Leave,
        breaker: Breaker,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.name = inner.name
        self._inner = inner
        self._leave = leave
        self._breaker = breaker
        self._sleep = sleep
        self._attempts = attempts
        self._jitter = random.SystemRandom()

    def server_time(self) -> int:
        return self._call(self._inner.server_time)

    def markets(self) -> list[ListedMarket]:
        return self._call(self._inner.markets)

    def page(self, timeframe: str) -> int:
        return self._inner.page(timeframe)

    def candles(self, symbol: str, timeframe: str, *, since_ms: int, limit: int) -> Candles:
        return self._call(lambda: self._inner.candles(symbol, timeframe, since_ms=since_ms, limit=limit))

    def _call(self, ask: Callable[[], T]) -> T:
        for attempt in range(1, self._attempts + 1):
            try:
                return self._try(ask)
            except (ExchangeBlocked, ExchangeBackOff, NotAsked):
                raise
            except ExchangeUnavailable:
                if attempt == self._attempts:
                    raise
                longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
                self._sleep(self._jitter.uniform(0.0, longest))
        raise AssertionError("a call takes at least one attempt")

    def _try(self, ask: Callable[[], T]) -> T:
        """One attempt; what came of it goes to the breaker and into `source_health`."""
        self._leave.refuse_while_held()
        if (wait := self._breaker.admit()) > 0:
            raise NotAsked(
                f"{self.name} failed repeatedly; Bolt asks again in {wait:.0f} seconds. Stored candles stay usable."
            )
        health = self._leave.health
        began = time.monotonic()
        try:
            answer = ask()
        except ExchangeBackOff as error:
            self._leave.throttle.hold(error.until.timestamp())
            self._tally("errors", {"waiting": 1})
            health.record("waiting", error.sentence, wait_until=error.until)
            raise
        except NotAsked:
            raise
        except ExchangeBlocked as error:
            self._breaker.failed()
            self._tally("errors", {"blocked": 1})
            health.record("blocked", error.sentence)
            raise
        except ExchangeUnavailable as error:
            self._breaker.failed()
            self._tally("errors", {"down": 1})
            if isinstance(error, ccxt_gateway.NotCandles):
                self._tally("rejected", error.reasons)
            health.record("down", error.sentence)
            raise
        except (Refused, NotFound):
            self._breaker.succeeded()  # it answered; the request was wrong
            raise
        self._breaker.succeeded()
        health.record("ok", latency_ms=(time.monotonic() - began) * 1_000)
        return answer

    def _tally(self, what: str, counts: dict[str, int]) -> None:
        """Add to the counts of all processes, which /metrics shows."""

        def step(numbers: Numbers, _now: float) -> None:
            for word, n in counts.items():
                numbers[word] = numbers.get(word, 0) + n

        self._leave.throttle.shared.change(f"{what}:{self.name}", step)


def make(
    exchange: str,
    settings: Settings,
    redis: Redis | None,
    *,
    demo_url: str | None = None,
    timeout_s: float = ccxt_gateway.TIMEOUT_S,
    attempts: int = ATTEMPTS,
) -> GuardedGateway:
    """The exchange as every worker uses it. `redis` None keeps all state in this process."""
    del settings  # exchanges that need keys will read them here
    shared = SharedNumbers(redis)
    health = Health(exchange)
    throttle = Throttle(shared, exchange, interval_s=ccxt_gateway.interval_s(exchange), burst=BURST)
    leave = Leave(throttle, health, sleep=time.sleep)
    base_url = demo_url if exchange == ccxt_gateway.DEMO else None
    memory = RedisMemory(redis) if redis is not None else None
    inner = ccxt_gateway.make(exchange, base_url=base_url, timeout_s=timeout_s, before_request=leave, memory=memory)
    return GuardedGateway(inner, leave=leave, breaker=Breaker(shared, exchange), attempts=attempts)
