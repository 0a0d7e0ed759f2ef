"""What stands around every server Bolt asks, shared by all processes: throttle, retries, breaker, what it said last.

Every HTTP request takes tokens and respects what the server asked for (Retry-After); every call passes the breaker;
what came of it stands in `source_health`, which also remembers a Retry-After while Redis is away.
"""

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

import db.engine
from core.breaker import Breaker, RetryBudget
from core.clock import from_ms, utc_now
from core.errors import ExchangeBackOff, ExchangeBlocked, ExchangeUnavailable, NotFound, Refused
from core.shared import SharedNumbers
from core.throttle import Throttle
from db.queries import audit, mails, members, sources
from market import refused
from market.gateway import NotCandles

ATTEMPTS = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0  # full jitter: a random part of 0.5, 1, 2 … seconds
LONGEST_QUEUE_S = 30.0  # a longer wait for a token means that far too much was asked for
RECORD_EVERY = timedelta(seconds=30)  # an unchanged state is written again after this long

T = TypeVar("T")
log = logging.getLogger(__name__)


class NotAsked(ExchangeUnavailable):
    """No request went out: nothing was learnt about the server, and asking again at once is no use."""


class Health:
    """Writes what a server answers to `source_health`: every change, and an unchanged state now and then."""

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

    def tell_admins(self, until: datetime) -> None:
        """One event in the audit log, and a letter to each admin, for each ban, whichever process meets it."""
        now, told = utc_now(), f"{until:%Y-%m-%d %H:%M:%S} UTC"
        with db.engine.session() as session:
            if not sources.first_to_tell(session, self.exchange, until, now=now):
                return
            for admin in members.admins(session):
                mails.put(session, admin, "exchange_banned", now=now, exchange=self.exchange, until=told)
            audit.record(
                session,
                actor_id=None,
                actor=audit.SYSTEM,
                action="exchange_banned",
                object=self.exchange,
                result="failed",
                detail={"until": until.isoformat(timespec="seconds")},
            )
        log.error("exchange_banned", extra={"exchange": self.exchange, "until": until.isoformat()})

    def wait_until(self) -> datetime | None:
        """What an earlier process was asked to wait for; None too where PostgreSQL does not answer."""
        try:
            with db.engine.session() as session:
                return sources.wait_until(session, self.exchange, now=utc_now())
        except SQLAlchemyError:
            return None


class Leave:
    """Asked before each HTTP request: waits for tokens, refuses while the server wants to be left alone."""

    def __init__(self, throttle: Throttle, health: Health, *, sleep: Callable[[float], None]) -> None:
        self.throttle = throttle
        self.health = health
        self._sleep = sleep
        self._remember()

    def __call__(self, cost: float = 1.0) -> None:
        """Wait until a request that costs so many tokens may go out."""
        self.refuse_while_held()
        wait = self.throttle.take(cost)
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


class Guard:
    """Calls at most `attempts` times, never while the breaker is open, never again after a refusal."""

    def __init__(
        self,
        name: str,
        *,
        leave: Leave,
        breaker: Breaker,
        budget: RetryBudget,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.name = name
        self.leave = leave
        self.breaker = breaker
        self.budget = budget
        self.sleep = sleep
        self.attempts = attempts
        self._jitter = random.SystemRandom()

    def call(self, ask: Callable[[], T]) -> T:
        """What `ask` answers; raises what it raises in the end. Rows refused in it are counted once a call."""
        rows: dict[str, int] = {}
        try:
            return self._repeated(ask, rows)
        finally:
            if rows:
                self.tally("rejected", rows)

    def _repeated(self, ask: Callable[[], T], rows: dict[str, int]) -> T:
        self.budget.called()
        for attempt in range(1, self.attempts + 1):
            try:
                return self._try(ask)
            except (ExchangeBlocked, ExchangeBackOff, NotAsked):
                raise
            except ExchangeUnavailable as error:
                if isinstance(error, NotCandles) and not rows:
                    rows.update(error.reasons)
                if attempt == self.attempts or not self.budget.spend():
                    raise
                longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
                self.sleep(self._jitter.uniform(0.0, longest))
        raise AssertionError("a call takes at least one attempt")

    def _try(self, ask: Callable[[], T]) -> T:
        """One attempt; what came of it goes to the breaker and into `source_health`."""
        self.leave.refuse_while_held()
        if (wait := self.breaker.admit()) > 0:
            raise NotAsked(
                f"{self.name} failed repeatedly; Bolt asks again in {wait:.0f} seconds. Stored candles stay usable."
            )
        health = self.leave.health
        began = time.monotonic()
        try:
            answer = ask()
        except ExchangeBackOff as error:
            self._told_to_wait(error)
            raise
        except NotAsked:
            raise
        except NotCandles:
            self.breaker.succeeded()  # it answered; one market's bad row says nothing of the others
            self.tally("errors", {"garbage": 1})
            health.record("ok", latency_ms=(time.monotonic() - began) * 1_000)
            raise
        except ExchangeUnavailable as error:
            blocked = isinstance(error, ExchangeBlocked)
            self.breaker.failed()
            self.tally("errors", {"blocked" if blocked else "down": 1})
            health.record("blocked" if blocked else "down", error.sentence)
            raise
        except (Refused, NotFound):
            self.breaker.succeeded()  # it answered; the request was wrong
            raise
        self.breaker.succeeded()
        health.record("ok", latency_ms=(time.monotonic() - began) * 1_000)
        return answer

    def _told_to_wait(self, error: ExchangeBackOff) -> None:
        self.leave.throttle.hold(error.until.timestamp())
        self.tally("errors", {"banned" if error.banned else "waiting": 1})
        self.leave.health.record("waiting", error.sentence, wait_until=error.until)
        if error.banned:
            self.leave.health.tell_admins(error.until)

    def tally(self, what: str, counts: dict[str, int]) -> None:
        refused.tally(self.leave.throttle.shared, self.name, what, counts)


def make(name: str, shared: SharedNumbers, *, interval_s: float, burst: int, attempts: int = ATTEMPTS) -> Guard:
    """The guard of one server; all that have the same name share its state."""
    throttle = Throttle(shared, name, interval_s=interval_s, burst=burst)
    leave = Leave(throttle, Health(name), sleep=time.sleep)
    return Guard(name, leave=leave, breaker=Breaker(shared, name), budget=RetryBudget(shared, name), attempts=attempts)
