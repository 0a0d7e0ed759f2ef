"""Tokens are shared by all processes; a deadline holds them all; both survive the loss of Redis in each process."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from core.shared import SharedNumbers
from core.throttle import Throttle
from tests.core.test_breaker import Clock
from tests.core.test_shared import away


@pytest.fixture
def clock() -> Clock:
    return Clock()


def over(redis_url: str, clock: Clock, *, interval_s: float = 1.0, burst: int = 3) -> Throttle:
    return Throttle(SharedNumbers(Redis.from_url(redis_url), clock=clock), "x", interval_s=interval_s, burst=burst)


def test_a_burst_is_free_and_then_each_request_waits_its_turn(redis_url: str, clock: Clock) -> None:
    throttle = over(redis_url, clock)
    assert [throttle.take() for _ in range(5)] == [0, 0, 0, 1, 2]


def test_a_pause_gives_the_burst_back_but_not_more(redis_url: str, clock: Clock) -> None:
    throttle = over(redis_url, clock)
    for _ in range(3):
        throttle.take()
    clock.now += 100
    assert [throttle.take() for _ in range(4)] == [0, 0, 0, 1]


def test_two_processes_share_the_tokens(redis_url: str, clock: Clock) -> None:
    one, other = over(redis_url, clock), over(redis_url, clock)
    assert [one.take(), other.take(), one.take(), other.take()] == [0, 0, 0, 1]


def test_no_token_is_given_twice_under_contention(redis_url: str, clock: Clock) -> None:
    throttles = [over(redis_url, clock, burst=1) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        waits = list(pool.map(lambda t: [t.take() for _ in range(5)], throttles))
    assert sorted(w for ws in waits for w in ws) == list(range(20))


def test_a_deadline_holds_every_process_until_it_has_passed(redis_url: str, clock: Clock) -> None:
    one, other = over(redis_url, clock), over(redis_url, clock)
    one.hold(clock.now + 7)
    assert other.held_until() == clock.now + 7
    clock.now += 7
    assert other.held_until() is None


def test_an_earlier_deadline_does_not_shorten_a_later_one(redis_url: str, clock: Clock) -> None:
    throttle = over(redis_url, clock)
    throttle.hold(clock.now + 120)
    throttle.hold(clock.now + 7)
    assert throttle.held_until() == clock.now + 120


def test_a_process_remembers_the_deadline_when_redis_goes_away(redis_url: str, clock: Clock) -> None:
    throttle = over(redis_url, clock)
    throttle.hold(clock.now + 60)
    throttle.shared.redis = away()
    assert throttle.held_until() == clock.now + 60
    assert throttle.shared.alone


def test_without_redis_tokens_are_counted_in_the_process(clock: Clock) -> None:
    throttle = Throttle(SharedNumbers(None, clock=clock), "x", interval_s=2, burst=1)
    assert [throttle.take(), throttle.take(), throttle.take()] == [0, 2, 4]
    assert throttle.shared.alone
