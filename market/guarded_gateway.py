"""Any gateway of an exchange behind its guard, and the memory of what exchanges list."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from core import clock_offsets
from core.ohlcv import Candles
from core.settings import Settings
from core.shared import SharedNumbers
from market import ccxt_gateway, guard, refused
from market.gateway import ExchangeGateway, ListedMarket, NotCandles
from market.guard import ATTEMPTS, Guard

BURST = 10  # tokens
NOTED_S, MOVED_S = 30.0, 10.0  # an offset of a clock is noted so often, and when it moved so far
MEMORY_KEY, MEMORY_S = "bolt:exchange-markets:", 6 * 3_600


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


class Watch:
    """Notes by how much an exchange's clock differs from ours: when that changes, and now and then."""

    def __init__(self, shared: SharedNumbers, exchange: str) -> None:
        self._shared = shared
        self._exchange = exchange
        self._noted: tuple[float, float] | None = None  # (when, offset)

    def told(self, server_ms: int) -> None:
        now = self._shared.clock()
        offset = server_ms / 1_000 - now
        if self._noted is None or now - self._noted[0] > NOTED_S or abs(offset - self._noted[1]) > MOVED_S:
            self._noted = now, offset
            clock_offsets.note(self._shared, self._exchange, offset)


class GuardedGateway:
    """A gateway of which every call passes the guard."""

    def __init__(self, inner: ExchangeGateway, guarded: Guard) -> None:
        self.name = inner.name
        self.guard = guarded
        self._inner = inner

    def server_time(self) -> int:
        return self.guard.call(self._inner.server_time)

    def markets(self) -> list[ListedMarket]:
        return self.guard.call(self._inner.markets)

    def page(self, timeframe: str) -> int:
        return self._inner.page(timeframe)

    def candles(self, symbol: str, timeframe: str, *, since_ms: int, limit: int) -> Candles:
        try:
            return self.guard.call(lambda: self._inner.candles(symbol, timeframe, since_ms=since_ms, limit=limit))
        except NotCandles as error:
            refused.note(self.name, symbol, timeframe, refused.REQUEST, error.reasons)
            raise


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
    interval_s = ccxt_gateway.interval_s(exchange)
    made = guard.make(exchange, SharedNumbers(redis), interval_s=interval_s, burst=BURST, attempts=attempts)
    on_weight: Callable[[float], None] = made.leave.throttle.told
    inner = ccxt_gateway.make(
        exchange,
        base_url=demo_url if exchange == ccxt_gateway.DEMO else None,
        timeout_s=timeout_s,
        before_request=made.leave,
        memory=RedisMemory(redis) if redis is not None else None,
        on_weight=on_weight,
        on_time=Watch(made.leave.throttle.shared, exchange).told,
    )
    return GuardedGateway(inner, made)
