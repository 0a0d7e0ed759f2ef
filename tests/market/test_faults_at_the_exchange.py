"""An exchange that is ill for ten minutes, or asks to be left alone: every request is counted where it arrives.

Time is the guard's own clock, so that ten minutes pass at once. Two gateways that share Redis stand for two processes.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from redis import Redis
from sqlalchemy import Engine, select

import db.engine
from core.clock import utc_now
from core.errors import ExchangeBackOff, ExchangeUnavailable
from core.roles import Role
from db.queries import members, sources, users
from db.tables import AuditEvent, Mail
from market.guard import ATTEMPTS
from market.guarded_gateway import GuardedGateway
from tests.demo.server import Server, running
from tests.market.test_guarded_gateway import make, some

EVERY_S, ILL_S, PROBE_S, BACK_S = 5.0, 600.0, 30.0, 60.0
ILL = {
    "hang": {"name": "hang", "seconds": 0.2},
    "reset": {"name": "reset"},
    "truncated": {"name": "truncated"},
    **{str(code): {"name": "status", "code": code} for code in (500, 502, 503, 504)},
}


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(running_server: Server, database: Engine) -> Iterator[Server]:
    running_server.forget()
    yield running_server
    running_server.forget()


@dataclass
class Processes:
    """Two gateways by one clock, that take turns in asking. `cost`: how many requests the last call made."""

    server: Server
    gateways: list[GuardedGateway]
    now: float
    calls: int = 0
    cost: int = 0

    def ask(self) -> None:
        """One call for the time of the exchange; raises what the call raises."""
        gateway, before = self.gateways[self.calls % 2], self.server.requests()
        self.calls += 1
        try:
            gateway.server_time()
        finally:
            self.cost = self.server.requests() - before

    def wait_ms(self, timeout: int) -> None:
        for gateway in self.gateways:
            gateway._inner.client.timeout = timeout


@pytest.fixture
def processes(server: Server, redis_url: str) -> Processes:
    both = Processes(server, [make(server, Redis.from_url(redis_url), timeout_s=10) for _ in range(2)], time.time())
    for gateway in both.gateways:
        gateway.guard.leave.throttle.shared.clock = lambda: both.now
    return both


@pytest.mark.parametrize("ill", ILL)
def test_ten_minutes_of_illness_cost_a_tenth_more_and_a_probe_each_half_minute_and_end_within_a_minute(
    processes: Processes, server: Server, ill: str
) -> None:
    server.fault(**ILL[ill])
    processes.wait_ms(50)
    costs = []
    for _ in range(int(ILL_S / EVERY_S)):
        with pytest.raises(ExchangeUnavailable):
            processes.ask()
        costs.append(processes.cost)
        processes.now += EVERY_S
    assert max(costs) <= ATTEMPTS
    assert sum(costs) <= 0.1 * len(costs) + ILL_S / PROBE_S
    server.fault(None)
    processes.wait_ms(10_000)
    well = processes.now
    while processes.now - well <= BACK_S:
        try:
            processes.ask()
            break
        except ExchangeUnavailable:
            processes.now += EVERY_S
    assert processes.now - well <= PROBE_S
    for _ in range(2):
        processes.ask()
        assert processes.cost == 1


@pytest.mark.parametrize("code", [429, 418])
@pytest.mark.parametrize("seconds", [7, 120])
def test_no_process_calls_before_the_deadline_by_any_way(
    processes: Processes, server: Server, code: int, seconds: int
) -> None:
    server.fault("status", code=code, retry_after=seconds, count=1)
    with pytest.raises(ExchangeBackOff) as told:
        processes.ask()
    assert processes.cost == 1
    until = told.value.until.timestamp()
    for moment in (processes.now, until - 1.0, until - 0.05):
        processes.now = moment
        for gateway in processes.gateways:
            for way in (gateway.server_time, gateway.markets, partial(some, gateway)):
                with pytest.raises(ExchangeBackOff) as refused:
                    way()
                assert abs(refused.value.until.timestamp() - until) < 0.01
    assert server.requests() == 1
    with db.engine.session() as session:
        health = sources.get(session, "demo")
    assert (health.state, health.wait_until) == ("waiting", told.value.until)
    assert ("bans this address" if code == 418 else "asked to wait") in health.detail
    processes.now = until + 0.05
    processes.ask()
    assert processes.cost == 1


def bans() -> tuple[list[AuditEvent], list[Mail]]:
    with db.engine.session() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.action == "exchange_banned"))
        return list(events), list(session.scalars(select(Mail).order_by(Mail.address)))


@pytest.fixture
def accounts(database: Engine) -> None:
    with db.engine.session() as session:
        for name, role in (("mara", Role.ADMIN), ("jonas", Role.ADMIN), ("ada", Role.ANALYST), ("gone", Role.ADMIN)):
            made = users.add(
                session, f"{name}@example.org", display_name="", password_hash="x", role=role, is_owner=name == "mara"
            )
        members.disable(session, made.id, by=0, now=utc_now())


def test_a_ban_is_told_to_admins_once_whoever_meets_it(server: Server, redis_url: str, accounts: None) -> None:
    server.fault("status", code=418, retry_after=120, count=2)
    for redis in (Redis.from_url(redis_url), None):  # the second process has not heard of the first
        gateway = make(server, redis)
        gateway.guard.leave.throttle.shared.alone = False
        gateway.guard.leave.throttle.shared._own.clear()
        with pytest.raises(ExchangeBackOff) as told:
            gateway.server_time()
    assert server.requests() == 2
    (event,), letters = bans()
    assert (event.object, event.actor, event.result) == ("demo", "system", "failed")
    assert [letter.address for letter in letters] == ["jonas@example.org", "mara@example.org"]
    assert {letter.kind for letter in letters} == {"exchange_banned"}
    assert letters[0].details["exchange"] == "demo"
    assert abs((told.value.until - event.at).total_seconds() - 120) < 10


def test_a_request_to_slow_down_is_no_ban(server: Server, redis_url: str, accounts: None) -> None:
    server.fault("status", code=429, retry_after=5, count=1)
    with pytest.raises(ExchangeBackOff):
        make(server, Redis.from_url(redis_url)).server_time()
    assert bans() == ([], [])
