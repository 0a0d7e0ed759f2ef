"""Counts of many processes in a real Redis."""

from collections.abc import Callable

from redis import Redis

from core import tallies
from core.shared import SharedNumbers
from core.tallies import Tallies


class Clock:
    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at


def shared(redis_url: str, clock: Callable[[], float] | None = None) -> SharedNumbers:
    redis = Redis.from_url(redis_url)
    return SharedNumbers(redis, clock=clock) if clock else SharedNumbers(redis)


def test_what_two_processes_count_adds_up_and_moments_are_the_newest(redis_url: str) -> None:
    one, two = (Tallies(shared(redis_url), "stream:demo") for _ in range(2))
    one.add("ticks", 5)
    two.add("ticks")
    two.add("opened")
    one.mark(tallies.HEARD, 10.0)
    two.mark(tallies.HEARD, 20.0)
    one.flush()
    two.flush()
    one.flush()
    assert tallies.read(shared(redis_url), "stream:demo") == {"ticks": 6, "opened": 1, "heard_at": 20.0}


def test_nothing_new_asks_redis_nothing() -> None:
    away = SharedNumbers(Redis.from_url("redis://127.0.0.1:1/0"))
    Tallies(away, "stream:demo").flush()
    assert not away.alone


def test_open_streams_are_those_of_processes_heard_of_lately(redis_url: str) -> None:
    clock = Clock()
    numbers = shared(redis_url, clock)
    tallies.note_open(numbers, "web-1", 40)
    clock.at += 50
    tallies.note_open(numbers, "web-2", 3)
    assert tallies.open_streams(numbers) == 43
    clock.at += 20
    assert tallies.open_streams(numbers) == 3
    assert set(tallies.read(numbers, tallies.HUB_OPEN)) == {"web-2", "web-2@"}
