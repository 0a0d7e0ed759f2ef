"""Accounts and sessions in PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from core.roles import Role
from db.queries import instance, users
from db.tables import EndedSession, User

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def add(session: Session, email: str = "mara@example.org", *, is_owner: bool = False) -> User:
    role = Role.ADMIN if is_owner else Role.VIEWER
    return users.add(session, email, display_name=" Mara ", password_hash="x", role=role, is_owner=is_owner)


def test_an_address_is_stored_in_small_letters(session: Session) -> None:
    made = add(session, "  Mara@Example.ORG ")
    assert (made.email, made.display_name) == ("mara@example.org", "Mara")
    assert users.by_email(session, "MARA@example.org") is made
    assert users.by_email(session, "other@example.org") is None


def test_an_address_is_taken_once(session: Session) -> None:
    add(session)
    with pytest.raises(Conflict):
        add(session, "MARA@example.org")
    assert len(session.scalars(select(User)).all()) == 1  # and the transaction goes on


def test_there_is_one_owner(session: Session) -> None:
    assert not users.owner_exists(session)
    add(session, is_owner=True)
    assert users.owner_exists(session)
    with pytest.raises(Conflict):
        add(session, "other@example.org", is_owner=True)


@pytest.mark.parametrize("change", [{"disabled_at": NOW}, {"role": "viewer"}])
def test_the_owner_cannot_be_disabled_or_demoted(session: Session, change: dict) -> None:
    owner = add(session, is_owner=True)
    with pytest.raises(IntegrityError, match="owner_stays"):
        session.execute(update(User).where(User.id == owner.id).values(**change))


def test_an_unknown_account_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        users.get(session, 1)
    with pytest.raises(NotFound):
        users.end_all_sessions(session, 1)


def test_an_ended_session_is_nobodys(session: Session) -> None:
    user = add(session)
    users.end_session(session, "one", now=NOW, forget_at=NOW + timedelta(hours=1))
    assert users.with_open_session(session, user.id, "one") is None
    assert users.with_open_session(session, user.id, "two") is user


def test_ending_a_session_twice_is_no_fault(session: Session) -> None:
    for _ in range(2):
        users.end_session(session, "one", now=NOW, forget_at=NOW + timedelta(hours=1))
    assert len(session.scalars(select(EndedSession)).all()) == 1


def test_sessions_that_are_over_anyway_are_forgotten(session: Session) -> None:
    users.end_session(session, "old", now=NOW, forget_at=NOW + timedelta(hours=1))
    users.end_session(session, "new", now=NOW + timedelta(hours=2), forget_at=NOW + timedelta(hours=3))
    assert session.scalars(select(EndedSession.sid)).all() == ["new"]


def test_a_disabled_account_has_no_session(session: Session) -> None:
    user = add(session)
    session.execute(update(User).values(disabled_at=NOW))
    assert users.with_open_session(session, user.id, "one") is None


def test_a_new_password_ends_every_session(session: Session) -> None:
    user = add(session)
    assert users.set_password(session, user.id, "new hash") == 2
    assert (user.password_hash, user.session_version) == ("new hash", 2)


def test_preferences_are_merged(session: Session) -> None:
    user = add(session)
    users.set_profile(session, user.id, display_name="Mara L.", preferences={"theme": "light", "a": 1})
    users.set_profile(session, user.id, display_name="Mara L.", preferences={"theme": "dark"})
    session.flush()
    session.expire(user)
    assert (user.display_name, user.preferences) == ("Mara L.", {"theme": "dark", "a": 1})


def test_an_installation_has_one_lasting_id(session: Session) -> None:
    assert len(instance.get(session).instance_id) == 36
    assert instance.get(session).id == 1
