"""How often the API may be asked: all requests in Redis, those that could guess something in PostgreSQL as well."""

import logging
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
    """Requests per minute by any process of Bolt. While Redis does not answer nothing is counted."""

    def __init__(self, redis_url: str) -> None:
        self.redis = (
            Redis.from_url(redis_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT) if redis_url else None
        )
        self._rests_until = 0.0

    def count(self, who: str, *, limit: int, now: datetime) -> Spent | None:
        if self.redis is None or time.monotonic() < self._rests_until:
            return None
        second = int(now.timestamp())
        key = f"{PREFIX}{who}:{second // WINDOW}"
        try:
            with self.redis.pipeline() as pipe:
                used, _ = pipe.incr(key).expire(key, 2 * WINDOW).execute()
        except RedisError:
            log.warning("api_limit_not_counted")
            self._rests_until = time.monotonic() + REST
            return None
        return Spent("api", limit, limit - int(used), WINDOW - second % WINDOW)


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
