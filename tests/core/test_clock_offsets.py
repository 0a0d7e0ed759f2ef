"""Whose clock is wrong is seen by every process, for as long as it was seen lately."""

import math

import pytest
from redis import Redis

from core import clock_offsets
from core.shared import SharedNumbers
from tests.core.test_breaker import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def shared(redis_url: str, clock: Clock) -> SharedNumbers:
    return SharedNumbers(Redis.from_url(redis_url), clock=clock)


def test_every_process_reads_what_one_noted(redis_url: str, clock: Clock) -> None:
    clock_offsets.note(shared(redis_url, clock), "binance", 95.04)
    clock_offsets.note(shared(redis_url, clock), "kraken", -0.3)
    assert clock_offsets.read(shared(redis_url, clock)) == {"binance": 95.0, "kraken": -0.3}


def test_what_was_seen_long_ago_says_nothing(redis_url: str, clock: Clock) -> None:
    clock_offsets.note(shared(redis_url, clock), "binance", 95.0)
    clock.now += clock_offsets.KNOWN_S - 1
    clock_offsets.note(shared(redis_url, clock), "kraken", 1.0)
    clock.now += 2
    assert clock_offsets.read(shared(redis_url, clock)) == {"kraken": 1.0}


def test_a_time_that_is_none_is_not_noted(redis_url: str, clock: Clock) -> None:
    clock_offsets.note(shared(redis_url, clock), "binance", math.inf)
    assert clock_offsets.read(shared(redis_url, clock)) == {}


@pytest.mark.parametrize(
    ("offset", "wrong"), [(None, False), (59.9, False), (-60.0, False), (60.1, True), (-95.0, True)]
)
def test_a_minute_is_the_most_that_is_right(offset: float | None, wrong: bool) -> None:
    assert clock_offsets.is_wrong(offset) is wrong


def test_the_words_are_about_the_clock_here() -> None:
    assert clock_offsets.words(95.2) == "clock here 95 s behind"
    assert clock_offsets.words(-61.0) == "clock here 61 s ahead"
