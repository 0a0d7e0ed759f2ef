"""Accounts, sessions and invitations as admins handle them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound, Refused
from core.roles import Role
from db.queries import invitations, members, user_sessions, users
from db.tables import User, UserSession

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
IDLE = timedelta(minutes=30)


def add(session: Session, email: str, role: Role = Role.VIEWER, *, is_owner: bool = False) -> User:
    name = email.split("@")[0].title()
    return users.add(session, email, display_name=name, password_hash="x", role=role, is_owner=is_owner)


def sign_in(session: Session, user: User, sid: str, at: datetime = NOW) -> None:
    until = at + timedelta(hours=12)
    user_sessions.add(session, user, sid, ip="10.0.0.1", user_agent="Firefox\n" + "x" * 500, now=at, forget_at=until)


def emails(session: Session, **words: object) -> list[str]:
    return [m.email.split("@")[0] for m in members.page(session, now=NOW, idle=IDLE, **words)]  # type: ignore[arg-type]


def test_accounts_are_listed_searched_sorted_and_paged(session: Session) -> None:
    add(session, "olga@example.org", Role.ADMIN, is_owner=True)
    add(session, "mara@example.org", Role.ANALYST)
    jonas = add(session, "jonas@example.org")
    jonas.last_login_at = NOW
    sign_in(session, jonas, "one")
    assert emails(session) == ["jonas", "mara", "olga"]
    assert emails(session, text="ANALYST") == ["mara"]
    assert emails(session, text="_") == []
    assert emails(session, start=1, limit=1) == ["mara"]
    assert emails(session, sort="last_login_at", descending=True)[0] == "jonas"
    assert emails(session, sort="open_sessions", descending=True)[0] == "jonas"
    with pytest.raises(Refused, match="sorted by email"):
        emails(session, sort="password_hash")
    assert (members.count(session), members.count(session, text="mara")) == (3, 1)
    assert [m.open_sessions for m in members.page(session, now=NOW, idle=IDLE)] == [1, 0, 0]


def test_a_role_is_given_by_somebody_else(session: Session) -> None:
    admin, user = add(session, "a@example.org", Role.ADMIN), add(session, "b@example.org")
    changed, before = members.set_role(session, user.id, Role.ANALYST, by=admin.id)
    assert (changed.role, before) == ("analyst", "viewer")
    with pytest.raises(Refused, match="your own role"):
        members.set_role(session, admin.id, Role.VIEWER, by=admin.id)
    with pytest.raises(NotFound):
        members.set_role(session, 10**6, Role.VIEWER, by=admin.id)


def test_the_owner_is_neither_demoted_nor_disabled(session: Session) -> None:
    owner, admin = add(session, "o@example.org", Role.ADMIN, is_owner=True), add(session, "a@example.org", Role.ADMIN)
    with pytest.raises(Refused, match="owner"):
        members.set_role(session, owner.id, Role.VIEWER, by=admin.id)
    with pytest.raises(Refused, match="owner"):
        members.disable(session, owner.id, by=admin.id, now=NOW)
    with pytest.raises(Refused, match="owner"):
        members.enable(session, owner.id, by=admin.id)


def test_the_database_refuses_to_remove_the_owner(session: Session) -> None:
    owner = add(session, "o@example.org", Role.ADMIN, is_owner=True)
    with pytest.raises(DBAPIError, match="cannot be removed"), session.begin_nested():
        session.execute(delete(User).where(User.id == owner.id))
    with pytest.raises(DBAPIError, match="cannot be removed"), session.begin_nested():
        session.execute(update(User).where(User.id == owner.id).values(is_owner=False))


def test_a_disabled_account_has_no_session_and_is_let_in_again(session: Session) -> None:
    admin, user = add(session, "a@example.org", Role.ADMIN), add(session, "b@example.org")
    sign_in(session, user, "one")
    members.disable(session, user.id, by=admin.id, now=NOW)
    assert user.disabled_at == NOW
    assert user_sessions.open_ones(session, user.id, now=NOW, idle=IDLE) == []
    members.enable(session, user.id, by=admin.id)
    assert user.disabled_at is None
    assert user_sessions.open_ones(session, user.id, now=NOW, idle=IDLE) == []  # a new sign-in is needed


def test_open_sessions_are_those_that_would_still_work(session: Session) -> None:
    user = add(session, "b@example.org")
    sign_in(session, user, "old", NOW - timedelta(hours=1))
    sign_in(session, user, "out")
    sign_in(session, user, "here")
    users.end_session(session, "out", now=NOW, forget_at=NOW + timedelta(hours=12))
    (found,) = user_sessions.open_ones(session, user.id, now=NOW, idle=IDLE)
    assert (found.sid, found.ip) == ("here", "10.0.0.1")
    assert found.user_agent.startswith("Firefoxxx")
    assert len(found.user_agent) == user_sessions.AGENT
    assert user_sessions.count_open(session, now=NOW, idle=IDLE) == 1
    user_sessions.touch(session, "old", ip="10.0.0.2", now=NOW)
    session.expire_all()
    assert user_sessions.count_open(session, now=NOW, idle=IDLE) == 2
    users.end_all_sessions(session, user.id)
    assert user_sessions.count_open(session, now=NOW, idle=IDLE) == 0


def test_a_session_is_ended_by_its_holder_alone(session: Session) -> None:
    mine, other = add(session, "a@example.org"), add(session, "b@example.org")
    sign_in(session, mine, "one")
    (found,) = user_sessions.open_ones(session, mine.id, now=NOW, idle=IDLE)
    for user_id, session_id in ((other.id, found.id), (mine.id, 10**6)):
        with pytest.raises(NotFound, match="no such session"):
            user_sessions.end(session, user_id, session_id, now=NOW)
    user_sessions.end(session, mine.id, found.id, now=NOW)
    assert users.with_open_session(session, mine.id, "one") is None
    assert user_sessions.open_ones(session, mine.id, now=NOW, idle=IDLE) == []


def test_sessions_that_have_run_out_are_cleared_away(session: Session) -> None:
    user = add(session, "a@example.org")
    sign_in(session, user, "old", NOW - timedelta(days=2))
    sign_in(session, user, "new")
    assert [row.sid for row in session.query(UserSession)] == ["new"]


def test_an_invitation_is_used_once_and_stored_as_a_hash(session: Session) -> None:
    user = add(session, "a@example.org")
    made, token = invitations.add(session, role=Role.ANALYST, email=" B@example.org", invited_by=user.id, now=NOW)
    assert token not in (made.token_hash, made.email)
    assert made.email == "b@example.org"
    assert invitations.usable(session, token, now=NOW) is made
    invitations.use(session, made, user.id, now=NOW)
    with pytest.raises(NotFound, match="new one"):
        invitations.usable(session, token, now=NOW)
    with pytest.raises(Conflict):
        invitations.withdraw(session, made.id, now=NOW)


def test_an_invitation_ends_by_time_or_by_an_admin(session: Session) -> None:
    made, token = invitations.add(session, role=Role.VIEWER, invited_by=None, now=NOW)
    with pytest.raises(NotFound):
        invitations.usable(session, token, now=NOW + invitations.LASTS)
    with pytest.raises(NotFound):
        invitations.usable(session, "guessed", now=NOW)
    invitations.withdraw(session, made.id, now=NOW)
    with pytest.raises(NotFound):
        invitations.usable(session, token, now=NOW)
    with pytest.raises(NotFound):
        invitations.withdraw(session, 10**6, now=NOW)
    assert [row.id for row in invitations.page(session, now=NOW)] == [made.id]
    assert invitations.count(session, now=NOW) == 1
    assert invitations.page(session, now=NOW + timedelta(days=60)) == []
