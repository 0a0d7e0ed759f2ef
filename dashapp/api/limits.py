"""How often the API may be asked: all requests in Redis, those that could guess something in PostgreSQL as well."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError

import db.engine
from db.queries import throttles
from db.tables import Throttle

log = logging.getLogger("bolt.api")

WINDOW = 60  # seconds
REST = 5.0  # seconds a Redis that did not answer is left alone
PREFIX = "bolt:api:"
TIMEOUT = 0.5  # seconds
PER_ADDRESS = 5  # accounts that may use all of their limit from one address at once
CALLERS = 10_000  # counted one by one within a minute by a process; the rest share one count


@dataclass(frozen=True, slots=True)
class Spent:
    """What is left of a limit after this request; `left` below 0 means that it was one too many."""

    name: str
    limit: int
    left: int
    reset: int

    @property
    def exceeded(self) -> bool:
        return self.left < 0


class Counter:
    """Requests per minute by any process of Bolt; while Redis does not answer each process counts its own."""

    def __init__(self, redis_url: str) -> None:
        self.redis = (
            Redis.from_url(redis_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT) if redis_url else None
        )
        self._rests_until = 0.0
        self._own = OwnCounts()

    def count(self, who: str, *, limit: int, now: datetime, name: str = "api") -> Spent:
        minute, second = divmod(int(now.timestamp()), WINDOW)
        used = self._shared(who, minute)
        if used is None:
            used = self._own.add(who, minute)
        return Spent(name, limit, limit - used, WINDOW - second)

    def _shared(self, who: str, minute: int) -> int | None:
        """Requests of this minute by all processes; None while Redis is away."""
        if self.redis is None or time.monotonic() < self._rests_until:
            return None
        key = f"{PREFIX}{who}:{minute}"
        try:
            with self.redis.pipeline() as pipe:
                return int(pipe.incr(key).expire(key, 2 * WINDOW).execute()[0])
        except RedisError:
            log.warning("api_limit_counted_alone")
            self._rests_until = time.monotonic() + REST
            return None


class OwnCounts:
    """This process's requests of one minute. What it holds is bounded, however many callers come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._used: dict[str, int] = {}

    def add(self, who: str, minute: int) -> int:
        """How many there were of this caller, with this one."""
        with self._lock:
            if minute != self._minute:
                self._minute, self._used = minute, {}
            if who not in self._used and len(self._used) >= CALLERS:
                who = ""
            self._used[who] = self._used.get(who, 0) + 1
            return self._used[who]


def claim_guess(key: str, limit: int, *, now: datetime) -> Spent:
    """Count a request that could guess something, in a transaction of its own, before anything is tried."""
    rule = throttles.Rule(limit=limit, window=timedelta(seconds=WINDOW), doubling=False)
    with db.engine.session() as session:
        retry_at = throttles.claim(session, key, rule, now=now)
        row = session.get_one(Throttle, key)
        left, ends = limit - row.failures, row.since + rule.window
    if retry_at is not None:
        return Spent("auth", limit, -1, seconds_until(retry_at, now))
    return Spent("auth", limit, left, seconds_until(ends, now))


def seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, round((moment - now).total_seconds()))
