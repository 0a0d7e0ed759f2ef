"""Redis as a cache: what was read or calculated a moment ago, for whoever asks the same. Never where the truth is.

A key names the state it was made of, so that nothing needs to be deleted when that changes: the next reader asks for
another key, and what nobody asks for any more goes by itself. Without Redis everything is made anew, as slowly as ever.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from prometheus_client import Counter
from redis import Redis
from redis.exceptions import RedisError

T = TypeVar("T")

PREFIX = "bolt:cache:"
TIMEOUT_S = 0.2  # an answer that takes longer is no help
REST_S = 5.0  # a Redis that did not answer is left alone for so long
HITS = Counter("bolt_cache_hits", "Answers found in the cache.", ["cache"], registry=None)
MISSES = Counter("bolt_cache_misses", "Answers made because the cache did not hold them.", ["cache"], registry=None)

_redis: Redis | None = None
_rests_until = 0.0


def connect(url: str | None) -> None:
    """Say which Redis holds the caches of this process; None: none does, which is how a process begins."""
    global _redis, _rests_until
    _redis = Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) if url else None
    _rests_until = 0.0


class Cache:
    """Values of one kind, as bytes: kept for `keep_s` seconds, and larger ones than `most_bytes` not at all."""

    def __init__(self, name: str, *, keep_s: int, most_bytes: int) -> None:
        self.name = name
        self.keep_s = keep_s
        self.most_bytes = most_bytes

    def remember(
        self, key: str, make: Callable[[], T], *, pack: Callable[[T], bytes], unpack: Callable[[bytes], T]
    ) -> T:
        """The value under `key`, made and kept when it is not there.

        `unpack` raises ValueError of what it cannot read, which then counts as not there.
        """
        if _redis is None:
            return make()
        found = self._read(key, unpack)
        if found is not None:
            HITS.labels(self.name).inc()
            return found
        MISSES.labels(self.name).inc()
        made = make()
        packed = pack(made)
        if len(packed) <= self.most_bytes:
            _ask(lambda redis: redis.set(self._named(key), packed, ex=self.keep_s))
        return made

    def _read(self, key: str, unpack: Callable[[bytes], T]) -> T | None:
        packed = _ask(lambda redis: redis.get(self._named(key)))
        try:
            return unpack(packed) if isinstance(packed, bytes) else None
        except ValueError:
            return None

    def _named(self, key: str) -> str:
        return f"{PREFIX}{self.name}:{key}"


def _ask(question: Callable[[Redis], object]) -> object:
    """What Redis answers; None where it does not."""
    global _rests_until
    if _redis is None or time.monotonic() < _rests_until:
        return None
    try:
        return question(_redis)
    except RedisError:
        _rests_until = time.monotonic() + REST_S
        return None
