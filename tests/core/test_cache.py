"""The cache: equal answers while what they are made of stays, none that is stale, and no harm without Redis."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis

import core.cache
from core.cache import HITS, MISSES, PREFIX, Cache


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    core.cache.connect(redis_url)
    client = Redis.from_url(redis_url)
    yield client
    client.close()
    core.cache.connect(None)


def number(packed: bytes) -> int:
    return int(packed)


class Making:
    """Counts how often a value was made."""

    def __init__(self, value: int = 7) -> None:
        self.value = value
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.value

    def ask(self, cache: Cache, key: str = "k") -> int:
        return cache.remember(key, self, pack=lambda value: str(value).encode(), unpack=number)


def counted(cache: Cache) -> tuple[float, float]:
    return tuple(family.labels(cache.name)._value.get() for family in (HITS, MISSES))  # type: ignore[return-value]


def test_a_value_is_made_once_and_counted(redis: Redis) -> None:
    cache, making = Cache("once", keep_s=60, most_bytes=100), Making()
    assert [making.ask(cache) for _ in range(3)] == [7, 7, 7]
    assert making.times == 1
    assert counted(cache) == (2, 1)
    assert 0 < redis.ttl(f"{PREFIX}once:k") <= 60


def test_another_key_and_another_cache_hold_other_values(redis: Redis) -> None:
    cache = Cache("one", keep_s=60, most_bytes=100)
    assert Making(1).ask(cache, "a") == 1
    assert Making(2).ask(cache, "b") == 2
    assert Making(3).ask(Cache("two", keep_s=60, most_bytes=100), "a") == 3
    assert Making(9).ask(cache, "a") == 1


def test_a_large_value_is_not_kept(redis: Redis) -> None:
    cache, making = Cache("large", keep_s=60, most_bytes=3), Making(1_000)
    assert making.ask(cache) == making.ask(cache) == 1_000
    assert making.times == 2
    assert redis.keys(f"{PREFIX}large:*") == []


def test_what_cannot_be_read_is_made_again(redis: Redis) -> None:
    cache, making = Cache("broken", keep_s=60, most_bytes=100), Making()
    redis.set(f"{PREFIX}broken:k", b"no number")
    assert making.ask(cache) == 7
    assert redis.get(f"{PREFIX}broken:k") == b"7"


def test_a_value_of_another_type_is_made_again(redis: Redis) -> None:
    redis.lpush(f"{PREFIX}typed:k", "a list")
    assert Making().ask(Cache("typed", keep_s=60, most_bytes=100)) == 7


def test_without_redis_everything_is_made_anew_and_quickly() -> None:
    core.cache.connect("redis://127.0.0.1:1/0")
    cache, making = Cache("down", keep_s=60, most_bytes=100), Making()
    began = time.monotonic()
    assert [making.ask(cache) for _ in range(50)] == [7] * 50
    assert making.times == 50
    assert time.monotonic() - began < 1.0  # one try; then Redis is left alone for a while
    core.cache.connect(None)
    assert making.ask(cache) == 7
