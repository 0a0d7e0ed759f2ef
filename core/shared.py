"""Small numbers that all processes of Bolt share through Redis; each process's own while Redis does not answer."""

import json
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from redis import Redis
from redis.exceptions import RedisError, WatchError

Numbers = dict[str, float]
T = TypeVar("T")

PREFIX = "bolt:shared:"
TRIES = 40  # a busy key is changed by somebody else in between; far fewer are ever needed
PAUSE_S = 0.002  # between tries at random, and more each time: who lost steps aside
REST_S = 5.0  # a Redis that did not answer is left alone for so long: its client waits for seconds each time
KEEP_S = 7 * 86_400  # longer than any ban


class SharedNumbers:
    """Change numbers under a key, one process at a time.

    `clock` gives seconds since 1970. `alone` is True after a change that could not reach Redis.
    """

    def __init__(self, redis: Redis | None, *, clock: Callable[[], float] = time.time) -> None:
        self.redis = redis
        self.clock = clock
        self.alone = redis is None
        self._own: dict[str, Numbers] = {}
        self._rests_until = 0.0
        self._jitter = random.SystemRandom()
        self._lock = threading.Lock()

    def change(self, key: str, step: Callable[[Numbers, float], T]) -> T:
        """Let `step(numbers, now)` change the numbers of `key` in place; returns what it returns.

        `step` may run more than once: it must touch nothing but the numbers.
        """
        if self.redis is not None and time.monotonic() >= self._rests_until:
            try:
                answer = self._change_in_redis(self.redis, PREFIX + key, key, step)
                self.alone = False
                return answer
            except RedisError:
                self.alone = True
                self._rests_until = time.monotonic() + REST_S
        with self._lock:
            return step(self._own.setdefault(key, {}), self.clock())

    def _change_in_redis(self, redis: Redis, name: str, key: str, step: Callable[[Numbers, float], T]) -> T:
        with redis.pipeline() as pipe:
            for attempt in range(TRIES):
                try:
                    pipe.watch(name)
                    kept = pipe.get(name)
                    before: Numbers = json.loads(kept) if kept else {}
                    after = dict(before)
                    answer = step(after, self.clock())
                    if after != before:
                        pipe.multi()
                        pipe.set(name, json.dumps(after), ex=KEEP_S)
                        pipe.execute()
                except WatchError:
                    time.sleep(self._jitter.uniform(0, PAUSE_S * (attempt + 1)))
                    continue
                with self._lock:
                    self._own[key] = after  # where we go on from when Redis goes away
                return answer
        raise RedisError(f"{name} is changed too often")
