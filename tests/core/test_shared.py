"""Numbers are changed by one process at a time, and a lost Redis costs nothing but sharing."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import core.shared
from core.shared import Numbers, SharedNumbers


def away() -> Redis:
    """A Redis nobody answers for, given up at once."""
    return Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))


def add_one(numbers: Numbers, _now: float) -> float:
    numbers["n"] = numbers.get("n", 0) + 1
    return numbers["n"]


def test_changes_are_seen_by_others(redis_url: str) -> None:
    one, other = (SharedNumbers(Redis.from_url(redis_url)) for _ in range(2))
    assert [one.change("k", add_one), other.change("k", add_one), one.change("k", add_one)] == [1, 2, 3]
    assert not one.alone


def test_no_change_is_lost_under_contention(redis_url: str) -> None:
    shared = [SharedNumbers(Redis.from_url(redis_url)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda s: [s.change("k", add_one) for _ in range(10)], shared))
    assert shared[0].change("k", add_one) == 41


def test_numbers_do_not_stay_for_ever(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    SharedNumbers(redis).change("k", add_one)
    assert 0 < redis.ttl("bolt:shared:k") <= 7 * 86_400


def test_reading_writes_nothing(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    assert SharedNumbers(redis).change("k", lambda numbers, _: numbers.get("n")) is None
    assert redis.keys("bolt:shared:*") == []


def test_without_redis_the_process_goes_on_from_what_it_knew(redis_url: str) -> None:
    shared = SharedNumbers(Redis.from_url(redis_url))
    shared.change("k", add_one)
    shared.redis = away()
    assert shared.change("k", add_one) == 2
    assert shared.alone


def test_a_redis_that_came_back_is_used_again(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.shared, "REST_S", 0.0)
    shared = SharedNumbers(away())
    shared.change("k", add_one)
    shared.redis = Redis.from_url(redis_url)
    assert shared.change("k", add_one) == 1
    assert not shared.alone


def test_a_redis_that_does_not_answer_is_not_waited_for_each_time() -> None:
    shared = SharedNumbers(away())
    shared.change("k", add_one)
    began = time.monotonic()
    for _ in range(100):
        shared.change("k", add_one)
    assert time.monotonic() - began < 0.5


def test_the_clock_is_handed_to_the_step() -> None:
    assert SharedNumbers(None, clock=lambda: 42.0).change("k", lambda _, now: now) == 42.0
