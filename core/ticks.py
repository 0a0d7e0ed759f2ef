"""Ticks: what a live process tells of a market, by Redis.

Each goes out on the channel `bolt:tick:<exchange>:<symbol>` as JSON, with an `id` that grows. The newest few thousand
stay in a stream, for readers that were away for a moment, and the last one of each market in a hash.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

CHANNEL = "bolt:tick:"
BACKLOG, LAST = "bolt:ticks", "bolt:ticks-last"
KEPT = 5_000  # ticks of all markets; at 50 markets and two a second, most of a minute
ID = re.compile(r"\d{1,15}-\d{1,15}")

# One step, so that ids on the channel grow as they do in the backlog.
_PUBLISH = """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'm', ARGV[2], 't', ARGV[3])
local told = '{"id":"' .. id .. '",' .. string.sub(ARGV[3], 2)
redis.call('HSET', KEYS[2], ARGV[2], told)
redis.call('PUBLISH', ARGV[4] .. ARGV[2], told)
return id
"""


@dataclass(frozen=True, slots=True)
class Tick:
    """The price of a market at `time` (ms UTC), and the bars that are forming by timeframe, 1m among them.

    A bar is open time in ms, open, high, low, close, volume. `source` says what the bars come from: `klines` of the
    exchange, `ticks`, whose volume is not known, or `candles` that are stored, where the exchange has no stream now.
    `change` is that of 24 hours, 0.01 is one percent; None where the exchange does not tell it.
    """

    exchange: str
    symbol: str
    price: float
    time: int
    source: str = "klines"
    bars: Mapping[str, list[float]] = field(default_factory=dict)
    change: float | None = None

    @property
    def market(self) -> str:
        return f"{self.exchange}:{self.symbol}"

    def text(self) -> str:
        """As JSON, `market` as it stands in addresses."""
        path = f"{self.exchange}/{self.symbol.replace('/', '-')}"
        bars = dict(self.bars)
        told = {"market": path, "price": self.price, "change": self.change, "time": self.time, "source": self.source}
        return json.dumps(told | {"candle": bars.get("1m"), "bars": bars}, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Told:
    """A tick as readers get it; `id` is empty for one that was published without."""

    id: str
    market: str
    text: str


def publish(redis: Redis, tick: Tick) -> str:
    """Tell everybody who listens; returns the id. Raises RedisError."""
    given: Any = redis.eval(_PUBLISH, 2, BACKLOG, LAST, str(KEPT), tick.market, tick.text(), CHANNEL)
    return str(given.decode())


def heard(channel: bytes, data: bytes) -> Told | None:
    """A message of a channel; None for what is no tick."""
    market, text = channel.decode("utf-8", "replace").removeprefix(CHANNEL), data.decode("utf-8", "replace")
    try:
        told = json.loads(text)
        known = told.get("id", "")
    except (ValueError, AttributeError):
        return None
    return Told(known if isinstance(known, str) and ID.fullmatch(known) else "", market, text)


def since(redis: Redis, after: str) -> list[Told]:
    """The ticks after the one with this id that are still kept, oldest first. Raises RedisError."""
    rows: Any = redis.xrange(BACKLOG, min=f"({after}", max="+", count=KEPT * 2)
    told = [(key.decode(), fields[b"m"].decode(), fields[b"t"].decode()) for key, fields in rows]
    return [Told(key, market, f'{{"id":"{key}",{text[1:]}') for key, market, text in told]


def last(redis: Redis, markets: Sequence[str]) -> list[Told]:
    """The last tick of each of these markets that has one. Raises RedisError."""
    found: Any = redis.hmget(LAST, list(markets)) if markets else []
    pairs = [(m, heard(m.encode(), raw)) for m, raw in zip(markets, found, strict=True) if raw]
    return [Told(told.id, market, told.text) for market, told in pairs if told]


def position(told: str) -> tuple[int, int]:
    """An id as numbers that can be compared; (0, 0) for none."""
    first, _, second = told.partition("-")
    return (int(first), int(second)) if ID.fullmatch(told) else (0, 0)
