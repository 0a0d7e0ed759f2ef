"""What reaches the exchange, counted at the exchange, while it is well, ill, full or closed to us."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis import Redis
from sqlalchemy import Engine

import core.settings
import db.engine
from core import clock_offsets
from core.errors import ExchangeBackOff, ExchangeBlocked, ExchangeUnavailable, NotFound
from core.market_name import make as make_name
from core.shared import SharedNumbers
from core.throttle import weight
from db.queries import markets, refused_rows, sources
from db.tables import SourceHealth
from market import guarded_gateway
from market.gateway import NotCandles
from market.guarded_gateway import GuardedGateway
from tests.core.test_breaker import Clock
from tests.core.test_shared import away
from tests.demo.server import Server, running

HOUR = 3_600_000


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(running_server: Server, database: Engine) -> Iterator[Server]:
    running_server.forget()
    yield running_server
    running_server.forget()


def make(server: Server, redis: Redis | None, *, timeout_s: float = 1.0) -> GuardedGateway:
    made = guarded_gateway.make("demo", core.settings.read({}), redis, demo_url=server.url, timeout_s=timeout_s)
    made.guard.sleep = lambda _seconds: None
    return made


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


@pytest.fixture
def gateway(server: Server, redis: Redis) -> GuardedGateway:
    return make(server, redis)


def health() -> SourceHealth:
    with db.engine.session() as session:
        found = sources.get(session, "demo")
    assert found is not None
    return found


def some(gateway: GuardedGateway, hours: int = 20):
    return gateway.candles("BTC/USDT", "1h", since_ms=int(time.time() * 1_000) - hours * HOUR, limit=hours)


def test_a_good_answer_is_written_down_with_how_long_it_took(gateway: GuardedGateway) -> None:
    assert len(some(gateway)) >= 19
    assert health().state == "ok"
    assert 0 < health().latency_ms < 5_000
    assert health().answered_at is not None


def test_a_passing_fault_is_asked_again(gateway: GuardedGateway, server: Server) -> None:
    server.fault("status", code=502, count=2)
    assert abs(gateway.server_time() - time.time() * 1_000) < 5_000
    assert server.requests() == 3
    assert health().state == "ok"


@pytest.mark.parametrize("fault", ["reset", "html", "empty", "malformed", "truncated"])
def test_a_lasting_fault_costs_three_requests_a_call(gateway: GuardedGateway, server: Server, fault: str) -> None:
    server.fault(fault)
    with pytest.raises(ExchangeUnavailable):
        gateway.server_time()
    assert server.requests() == 3
    assert health().state == "down"


def test_a_hanging_exchange_costs_three_timeouts(server: Server, redis: Redis) -> None:
    server.fault("hang")
    began = time.monotonic()
    with pytest.raises(ExchangeUnavailable):
        make(server, redis, timeout_s=0.2).server_time()
    assert server.requests() == 3
    assert time.monotonic() - began < 3


def test_after_five_failures_nobody_calls_for_thirty_seconds(server: Server, redis: Redis) -> None:
    server.fault("status", code=500)
    for _ in range(20):
        with pytest.raises(ExchangeUnavailable):
            make(server, redis).server_time()
    assert server.requests() == 5


def test_one_request_tries_again_and_success_closes_the_breaker(gateway: GuardedGateway, server: Server) -> None:
    server.fault("status", code=500)
    for _ in range(2):
        with pytest.raises(ExchangeUnavailable):
            gateway.server_time()
    shift = 31.0
    gateway.guard.breaker.shared.clock = lambda: time.time() + shift
    with pytest.raises(ExchangeUnavailable):
        gateway.server_time()
    assert server.requests() == 6
    server.fault(None)
    shift = 62.5
    for _ in range(3):
        gateway.server_time()
    assert server.requests() == 9


@pytest.mark.parametrize("code", [403, 451])
def test_a_refused_address_is_never_asked_twice_in_a_call(gateway: GuardedGateway, server: Server, code: int) -> None:
    server.fault("status", code=code)
    with pytest.raises(ExchangeBlocked):
        gateway.server_time()
    assert server.requests() == 1
    assert health().state == "blocked"


def test_calls_go_on_after_the_deadline(server: Server, redis: Redis) -> None:
    server.fault("status", code=429, retry_after=1, count=1)
    gateway = make(server, redis)
    with pytest.raises(ExchangeBackOff):
        gateway.server_time()
    time.sleep(1.1)
    assert len(some(gateway)) >= 19
    assert health().state == "ok"


def test_a_deadline_outlives_a_flush_of_redis(server: Server, redis: Redis) -> None:
    server.fault("status", code=429, retry_after=60, count=1)
    with pytest.raises(ExchangeBackOff):
        make(server, redis).server_time()
    redis.flushall()
    with pytest.raises(ExchangeBackOff):
        make(server, redis).server_time()
    assert server.requests() == 1


def test_a_deadline_holds_where_redis_does_not_answer(server: Server, redis: Redis) -> None:
    server.fault("status", code=418, retry_after=60, count=1)
    waits_already = make(server, away())
    with pytest.raises(ExchangeBackOff):
        make(server, redis).server_time()
    with pytest.raises(ExchangeBackOff):
        waits_already.server_time()
    assert server.requests() == 1


def test_a_wrong_symbol_is_asked_once_and_harms_nobody(gateway: GuardedGateway, server: Server) -> None:
    for _ in range(6):
        with pytest.raises(NotFound):
            gateway.candles("NOPE/USDT", "1h", since_ms=0, limit=1)
    assert len(some(gateway)) >= 19
    assert server.requests("exchangeInfo") == 1


def test_market_lists_are_remembered_between_processes(server: Server, redis: Redis) -> None:
    first = some(make(server, redis))
    again = some(make(server, redis))
    assert again.close.tolist() == first.close.tolist()
    assert server.requests("exchangeInfo") == 1
    with pytest.raises(NotFound):
        make(server, redis).candles("NEW/USDT", "1h", since_ms=0, limit=1)
    assert server.requests("exchangeInfo") == 2


def test_requests_keep_to_the_rate_of_the_exchange(server: Server, redis: Redis) -> None:
    gateway = make(server, redis)
    gateway.guard.leave.throttle.interval_s, gateway.guard.leave.throttle.slack_s = (
        0.5,
        0.0,
    )  # the time costs a fifth of a token
    began = time.monotonic()
    for _ in range(6):
        gateway.server_time()
    assert time.monotonic() - began >= 0.45


def test_a_queue_that_is_too_long_is_refused_without_a_request(gateway: GuardedGateway, server: Server) -> None:
    gateway.guard.leave.throttle.interval_s, gateway.guard.leave.throttle.slack_s = 200.0, 0.0
    gateway.server_time()
    with pytest.raises(ExchangeUnavailable, match="Too many requests"):
        gateway.server_time()
    assert server.requests() == 1
    assert health().state == "ok"


def test_klines_weigh_less_than_the_market_list_and_the_minute_is_summed_up(server: Server, redis: Redis) -> None:
    gateway = make(server, redis)
    gateway.markets()
    listed = weight(SharedNumbers(redis), "demo")
    some(gateway)
    both = weight(SharedNumbers(redis), "demo")
    assert listed is not None and both is not None
    assert listed.used == 4.0
    assert both.used in (4.4, 0.4)  # the minute may have ended in between
    assert both.limit == 60 / 0.005


def test_what_the_server_counted_itself_is_remembered(server: Server, redis: Redis) -> None:
    gateway = make(server, redis)
    gateway.server_time()
    gateway._inner._wire.on_response(200, "OK", "u", "GET", {"X-MBX-USED-WEIGHT-1M": "41"}, "{}", {}, None)
    known = weight(SharedNumbers(redis), "demo")
    assert known is not None
    assert known.told == 41.0


def test_an_exchange_that_fails_every_other_time_is_asked_a_tenth_more_in_the_long_run(
    server: Server, redis: Redis
) -> None:
    gateway, calls = make(server, redis), 100
    for number in range(calls):
        server.fault(None)
        if number % 2:
            server.fault("status", code=502, count=1)
        with suppress(ExchangeUnavailable):
            gateway.server_time()
    assert server.requests() <= 1.1 * calls + 5


def test_pauses_between_attempts_are_random_up_to_a_doubling_limit(server: Server, redis: Redis) -> None:
    firsts, seconds = [], []
    for _ in range(8):
        redis.flushall()
        gateway, pauses = make(server, redis), []
        gateway.guard.sleep = pauses.append
        server.fault("status", code=500, count=3)
        with pytest.raises(ExchangeUnavailable):
            gateway.server_time()
        firsts.append(pauses[0])
        seconds.append(pauses[1])
    assert max(firsts) <= 0.5
    assert max(seconds) <= 1.0
    assert len(set(firsts)) == len(firsts)


@pytest.mark.parametrize("fault", ["nan", "negative"])
def test_each_refused_row_is_counted_once_and_the_breaker_stays_closed_as_the_server_answered(
    gateway: GuardedGateway, server: Server, redis: Redis, fault: str
) -> None:
    server.fault(fault, every=5)
    with pytest.raises(ExchangeUnavailable):
        some(gateway, hours=20)
    counted = SharedNumbers(redis).change("rejected:demo", lambda numbers, _now: dict(numbers))
    assert sum(counted.values()) in (3.0, 4.0)  # of 20 rows each fifth; the newest has not closed
    assert server.requests("klines") == 3
    for _ in range(3):
        with pytest.raises(NotCandles):
            some(gateway, hours=20)
    assert gateway.guard.breaker.state() == ("closed", 0.0)
    with db.engine.session() as session:
        assert sources.get(session, "demo").state == "ok"


def test_refused_rows_stand_with_their_series(gateway: GuardedGateway, server: Server) -> None:
    with db.engine.session() as session:
        markets.get_or_create(session, make_name("demo", "BTC/USDT"), simulated=True)
    server.fault("negative", every=5)
    for times in (1, 2):
        with pytest.raises(NotCandles) as told:
            some(gateway, hours=20)
        with db.engine.session() as session:
            (one,) = refused_rows.latest(session)
        assert (one.row.timeframe, one.row.source, one.row.reason) == ("1h", "request", "not_positive")
        assert one.row.n >= 3 * times
        assert told.value.reasons["not_positive"] in (3, 4)


def test_a_clock_that_differs_is_noted_by_what_the_exchange_says_of_the_time(server: Server, redis: Redis) -> None:
    gateway = make(server, redis)
    some(gateway)
    assert abs(clock_offsets.read(SharedNumbers(redis))["demo"]) < 5  # by the Date of any answer
    server.fault("skew", seconds=-90)
    gateway.server_time()
    assert -95 < clock_offsets.read(SharedNumbers(redis))["demo"] < -85
    server.fault(None)
    some(gateway)
    assert abs(clock_offsets.read(SharedNumbers(redis))["demo"]) < 5


def test_a_clock_that_stays_as_it_is_is_not_noted_with_each_answer(redis: Redis) -> None:
    clock = Clock()
    shared, begin = SharedNumbers(redis, clock=clock), clock.now
    watch, noted = guarded_gateway.Watch(shared, "demo"), list[float]()
    for after, ahead in ((0.0, 0.0), (10.0, 3.0), (20.0, 95.0), (21.0, 95.5), (52.0, 95.0)):
        redis.flushall()
        clock.now = begin + after
        watch.told(int((clock.now + ahead) * 1_000))
        noted += [after] if clock_offsets.read(shared) else []
    assert noted == [0.0, 20.0, 52.0]
