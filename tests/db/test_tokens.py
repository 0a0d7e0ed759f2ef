"""Validity of tokens and kept answers, as the database sees it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.errors import NotFound, Refused
from core.roles import Role
from db.queries import tokens, users
from db.tables import RevokedToken, TokenFamily, User

NOW = utc_now()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def user(session: Session) -> User:
    return users.add(session, "a@example.org", display_name="", password_hash="x", role=Role.VIEWER, is_owner=False)


def start(session: Session, user: User, name: str = "f", ends=NOW + DAY) -> None:
    tokens.start_family(session, name, user, "first", now=NOW, expires_at=ends)


def held(session: Session, user: User, *, now=NOW, jti: str = "j", family: str = "f", version: int = 1) -> bool:
    found = tokens.holder(session, user_id=user.id, family_id=family, jti=jti, version=version, now=now)
    return found is not None


def test_only_the_newest_refresh_token_of_a_living_family_rotates(session: Session, user: User) -> None:
    start(session, user)
    assert tokens.rotate(session, "f", "first", "second", now=NOW)
    assert not tokens.rotate(session, "f", "first", "third", now=NOW)
    assert not tokens.rotate(session, "f", "second", "third", now=NOW + DAY)
    assert tokens.revoke_family(session, "f", now=NOW)
    assert not tokens.revoke_family(session, "f", now=NOW)
    assert not tokens.rotate(session, "f", "second", "third", now=NOW)


def test_a_token_holds_while_family_version_and_account_do(session: Session, user: User) -> None:
    start(session, user)
    assert held(session, user)
    assert not held(session, user, family="other")
    assert not held(session, user, version=2)
    assert not held(session, user, now=NOW + DAY)
    users.end_all_sessions(session, user.id)
    assert not held(session, user)
    assert not held(session, user, version=2)


def test_a_disabled_account_holds_nothing(session: Session, user: User) -> None:
    start(session, user)
    user.disabled_at = NOW
    session.flush()
    assert not held(session, user)


def test_a_revoked_token_is_refused_and_forgotten_in_time(session: Session, user: User) -> None:
    start(session, user)
    tokens.revoke_token(session, "j", now=NOW, forget_at=NOW + HOUR)
    assert not held(session, user)
    assert held(session, user, jti="other")
    tokens.revoke_token(session, "k", now=NOW + 2 * HOUR, forget_at=NOW + 3 * HOUR)
    assert session.scalars(select(RevokedToken.jti)).all() == ["k"]


def test_families_that_ended_are_forgotten(session: Session, user: User) -> None:
    start(session, user, "old", NOW - HOUR)
    start(session, user, "new")
    assert session.scalars(select(TokenFamily.id)).all() == ["new"]


def add(session: Session, user: User, name: str, ends=NOW + DAY):
    more = {"scopes": ["read"], "now": NOW, "expires_at": ends}
    return tokens.add_personal(session, user, name=name, token_hash=name, **more)


def test_a_personal_token_notes_its_last_use_once_a_minute(session: Session, user: User) -> None:
    add(session, user, "a")
    for after, noted in ((0, 0), (30, 0), (90, 90)):
        found = tokens.use_personal(session, "a", now=NOW + timedelta(seconds=after))
        assert found is not None
        assert found[1].used_at == NOW + timedelta(seconds=noted)
    assert tokens.use_personal(session, "a", now=NOW + DAY) is None
    assert tokens.use_personal(session, "b", now=NOW) is None


def test_a_person_has_so_many_personal_tokens_and_old_ones_make_room(session: Session, user: User) -> None:
    for k in range(tokens.TOKENS_AT_MOST):
        add(session, user, str(k), NOW if k == 0 else NOW + DAY)
    add(session, user, "one more")
    with pytest.raises(Refused, match="Remove one"):
        add(session, user, "too many")
    assert len(tokens.personal(session, user.id)) == tokens.TOKENS_AT_MOST


def test_removing_what_is_not_ones_own_is_removing_nothing(session: Session, user: User) -> None:
    made = add(session, user, "a")
    with pytest.raises(NotFound):
        tokens.remove_personal(session, user.id + 1, made.id)
    tokens.remove_personal(session, user.id, made.id)
    with pytest.raises(NotFound):
        tokens.remove_personal(session, user.id, made.id)


def test_a_key_is_taken_once_and_forgotten_after_a_day(session: Session, user: User) -> None:
    assert tokens.claim_key(session, user.id, "key", "one", now=NOW) is None
    assert tokens.claim_key(session, user.id, "key", "one", now=NOW) == tokens.Kept(True, None, None, None)
    tokens.keep_answer(session, user.id, "key", status=202, body="{}", location="/x")
    assert tokens.claim_key(session, user.id, "key", "two", now=NOW) == tokens.Kept(False, 202, "{}", "/x")
    assert tokens.claim_key(session, user.id, "key", "two", now=NOW + DAY + HOUR) is None
    tokens.give_key_back(session, user.id, "key")
    assert tokens.claim_key(session, user.id, "key", "three", now=NOW) is None


def test_with_the_account_its_tokens_go(session: Session, user: User) -> None:
    start(session, user)
    add(session, user, "a")
    tokens.claim_key(session, user.id, "key", "one", now=NOW)
    session.delete(user)
    session.flush()
    assert session.scalar(select(func.count()).select_from(TokenFamily)) == 0
