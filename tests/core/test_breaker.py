"""The breaker counts failures of all processes together and lets one caller try while it is open."""

import pytest
from redis import Redis

from core.breaker import Breaker
from core.shared import SharedNumbers


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["redis", "own memory"])
def breaker(request: pytest.FixtureRequest, clock: Clock) -> Breaker:
    redis = None
    if request.param == "redis":
        redis = Redis.from_url(request.getfixturevalue("redis_url"))
    return Breaker(SharedNumbers(redis, clock=clock), "x", failures=3, open_s=30)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


def test_it_stays_closed_below_the_limit(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.admit() == 0


def test_it_opens_at_the_limit_and_says_how_long(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    assert breaker.admit() == pytest.approx(20)


def test_a_success_forgets_the_failures_before(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.admit() == 0


def test_half_open_admits_one_caller_only(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 31
    assert breaker.admit() == 0
    assert breaker.admit() > 0


def test_a_trial_that_never_reports_gives_way_to_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 31
    breaker.admit()
    clock.now += 31
    assert breaker.admit() == 0


def test_a_trial_that_fails_opens_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 31
    breaker.admit()
    breaker.failed()
    assert breaker.admit() == pytest.approx(30)


def test_a_trial_that_succeeds_closes(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 31
    breaker.admit()
    breaker.succeeded()
    assert [breaker.admit(), breaker.admit()] == [0, 0]


def test_two_processes_see_the_same_failures(redis_url: str, clock: Clock) -> None:
    one, other = (Breaker(SharedNumbers(Redis.from_url(redis_url), clock=clock), "x", failures=2) for _ in range(2))
    one.failed()
    other.failed()
    assert one.admit() > 0
    assert other.admit() > 0


def test_names_do_not_disturb_each_other(redis_url: str, clock: Clock) -> None:
    shared = SharedNumbers(Redis.from_url(redis_url), clock=clock)
    Breaker(shared, "ill", failures=1).failed()
    assert Breaker(shared, "well", failures=1).admit() == 0
