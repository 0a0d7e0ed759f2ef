"""Counting failed guesses."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import db.engine
from db.queries import throttles
from db.queries.throttles import ACCOUNT, ADDRESS
from db.tables import Throttle

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def claim(session: Session, rule=ACCOUNT, *, after: timedelta = timedelta(0)):
    return throttles.claim(session, "account:x", rule, now=NOW + after)


def fail(session: Session, times: int, rule=ACCOUNT) -> None:
    for _ in range(times):
        assert claim(session, rule) is None


def test_five_guesses_are_free_then_a_minute_must_pass(session: Session) -> None:
    fail(session, 5)
    assert claim(session) == NOW + timedelta(minutes=1)
    assert claim(session, after=timedelta(seconds=59)) == NOW + timedelta(minutes=1)
    assert claim(session, after=timedelta(seconds=60)) is None


def test_pauses_double_up_to_a_quarter_of_an_hour(session: Session) -> None:
    fail(session, 5)
    pauses, at = [], NOW
    for _ in range(7):
        until = throttles.claim(session, "account:x", ACCOUNT, now=at)
        pauses.append((until - at).total_seconds() / 60)
        at = until
        assert throttles.claim(session, "account:x", ACCOUNT, now=at) is None
    assert pauses == [1, 2, 4, 8, 15, 15, 15]


def test_fewer_than_a_hundred_guesses_an_hour_reach_an_account(session: Session) -> None:
    tried = sum(claim(session, after=timedelta(seconds=s)) is None for s in range(0, 3_600, 5))
    assert tried < 20


def test_a_blocked_guess_is_not_counted(session: Session) -> None:
    fail(session, 5)
    for _ in range(10):
        claim(session)
    assert session.get_one(Throttle, "account:x").failures == 5


def test_a_quiet_hour_forgets(session: Session) -> None:
    fail(session, 5)
    for _ in range(4):
        assert claim(session, after=timedelta(hours=1, minutes=1)) is None
    assert session.get_one(Throttle, "account:x").failures == 4


def test_an_address_has_twenty_guesses_in_five_minutes(session: Session) -> None:
    fail(session, 20, ADDRESS)
    assert claim(session, ADDRESS, after=timedelta(minutes=4)) == NOW + timedelta(minutes=5)
    assert claim(session, ADDRESS, after=timedelta(minutes=5)) is None


def test_a_right_guess_is_given_back(session: Session) -> None:
    fail(session, 20, ADDRESS)
    throttles.give_back(session, "account:x")
    assert claim(session, ADDRESS) is None
    throttles.give_back(session, "account:never-seen")


def test_the_holder_clears_the_account(session: Session) -> None:
    fail(session, 5)
    throttles.forget(session, "account:x")
    assert claim(session) is None


def test_old_rows_are_dropped(session: Session) -> None:
    throttles.claim(session, "address:old", ADDRESS, now=NOW)
    throttles.claim(session, "address:new", ADDRESS, now=NOW + timedelta(days=2))
    assert session.scalars(select(Throttle.key)).all() == ["address:new"]


def test_the_table_holds_no_list_of_addresses_people_typed() -> None:
    assert "mara" not in throttles.account_key("mara@example.org")
    assert throttles.address_key("127.0.0.1") == "address:127.0.0.1"


@pytest.mark.parametrize("guesses", [16])
def test_parallel_guesses_do_not_slip_through(database: Engine, guesses: int) -> None:
    free: list[bool] = []
    together = threading.Barrier(guesses)

    def guess() -> None:
        together.wait()
        with db.engine.session() as session:
            free.append(throttles.claim(session, "account:x", ACCOUNT, now=NOW) is None)

    threads = [threading.Thread(target=guess) for _ in range(guesses)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(free) == [False] * 11 + [True] * 5
