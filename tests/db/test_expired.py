"""Rows whose time is over: whoever comes by takes them, and nobody waits for somebody else who does."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.roles import Role
from db.queries import throttles, tokens, user_sessions, users
from db.queries.expired import sweep
from db.queries.throttles import ADDRESS, FORGET
from db.tables import EndedSession, IdempotencyKey, RevokedToken, Throttle, TokenFamily, UserSession

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=60)


@pytest.fixture
def impatient(database: Engine) -> Session:
    """A session that fails where it would have to wait."""
    with Session(database) as opened:
        opened.execute(text("SET lock_timeout = '200ms'"))
        yield opened
        opened.rollback()


def old_keys(session: Session, *keys: str) -> None:
    session.add_all(Throttle(key=key, since=LONG_AGO) for key in keys)
    session.commit()


def test_only_what_is_over_and_free_is_swept(session: Session, impatient: Session) -> None:
    old_keys(session, "a", "b", "c")
    session.add(Throttle(key="new", since=NOW))
    session.commit()
    session.get_one(Throttle, "b", with_for_update=True)
    assert sweep(impatient, Throttle, Throttle.since < NOW - FORGET) == 2
    impatient.commit()
    session.commit()
    assert set(session.scalars(select(Throttle.key))) == {"b", "new"}
    assert sweep(session, Throttle, Throttle.since < NOW - FORGET) == 1


def test_two_guesses_that_sweep_the_same_rows_do_not_wait_for_each_other(session: Session, impatient: Session) -> None:
    old_keys(session, *(f"address:{n}" for n in range(50)))
    assert throttles.claim(session, "address:here", ADDRESS, now=NOW) is None  # has swept, and is not through yet
    assert throttles.claim(impatient, "address:there", ADDRESS, now=NOW) is None
    impatient.commit()
    session.commit()
    assert set(session.scalars(select(Throttle.key))) == {"address:here", "address:there"}


def test_an_own_row_that_is_over_is_used_again(session: Session) -> None:
    old_keys(session, "address:here")
    assert throttles.claim(session, "address:here", ADDRESS, now=NOW) is None
    found = session.get_one(Throttle, "address:here")
    assert (found.failures, found.since) == (1, NOW)


def test_proofs_and_guesses_lock_in_the_same_order(session: Session, impatient: Session) -> None:
    """The address before the account: who proves waits for the address and holds nothing of the account meanwhile."""
    address, account = throttles.address_key("192.0.2.1"), throttles.account_key("mara@example.org")
    for key in (address, account):
        throttles.claim(session, key, ADDRESS, now=NOW)
        session.commit()
    throttles.claim(session, address, ADDRESS, now=NOW)
    with pytest.raises(OperationalError, match="lock timeout"):
        throttles.proved(impatient, "192.0.2.1", "mara@example.org")
    throttles.claim(session, account, ADDRESS, now=NOW)
    session.commit()


def test_every_table_that_is_swept_in_passing_forgets_without_waiting(session: Session, impatient: Session) -> None:
    user = users.add(session, "mara@example.org", display_name="", password_hash="x", role=Role.VIEWER, is_owner=False)
    for n in range(3):
        family = {"user_id": user.id, "version": 1, "refresh_hash": "x", "created_at": LONG_AGO}
        session.add(TokenFamily(id=f"f{n}", expires_at=LONG_AGO, **family))
        session.add(RevokedToken(jti=f"t{n}", forget_at=LONG_AGO))
        session.add(EndedSession(sid=f"s{n}", forget_at=LONG_AGO))
        session.add(IdempotencyKey(user_id=user.id, key=f"k{n}", request_hash="x", created_at=LONG_AGO))
        seen = {"version": 1, "ip": "", "user_agent": "", "created_at": LONG_AGO, "seen_at": LONG_AGO}
        session.add(UserSession(sid=f"u{n}", user_id=user.id, forget_at=LONG_AGO, **seen))
    session.commit()
    for number, opened in enumerate((session, impatient)):
        mine = users.get(opened, user.id)
        tokens.start_family(opened, f"new{number}", mine, "x", now=NOW, expires_at=NOW + FORGET)
        tokens.revoke_token(opened, f"new{number}", now=NOW, forget_at=NOW + FORGET)
        users.end_session(opened, f"new{number}", now=NOW, forget_at=NOW + FORGET)
        assert tokens.claim_key(opened, user.id, f"new{number}", "x", now=NOW) is None
        user_sessions.add(opened, mine, f"new{number}", ip="", user_agent="", now=NOW, forget_at=NOW + FORGET)
    impatient.commit()
    session.commit()
    for table in (TokenFamily, RevokedToken, EndedSession, IdempotencyKey, UserSession):
        assert session.scalar(select(func.count()).select_from(table)) == 2, table.__tablename__
