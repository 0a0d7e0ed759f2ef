"""Accounts and the validity of their sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from core.roles import Role
from db.queries.expired import sweep
from db.tables import EndedSession, User


def get(session: Session, user_id: int) -> User:
    """The account; raises NotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such account.")
    return user


def by_email(session: Session, email: str) -> User | None:
    """The account of an address, whatever its capitals."""
    if "\x00" in email:  # which PostgreSQL can't hold, so nobody has it
        return None
    return session.scalars(select(User).where(User.email == normal_email(email))).one_or_none()


def normal_email(email: str) -> str:
    """An address as it is stored: trimmed and in small letters."""
    return email.strip().lower()


def owner_exists(session: Session) -> bool:
    """True once somebody has claimed this installation."""
    return bool(session.scalar(select(exists().where(User.is_owner))))


def add(session: Session, email: str, *, display_name: str, password_hash: str, role: Role, is_owner: bool) -> User:
    """A new account; raises Conflict where the address is taken or a second owner would be made."""
    values = {
        "email": normal_email(email),
        "display_name": display_name.strip(),
        "password_hash": password_hash,
        "role": role.value,
        "is_owner": is_owner,
    }
    # No exception of the database: it would take a dozen milliseconds, and tell strangers who has an account.
    user = session.scalars(insert(User).values(values).on_conflict_do_nothing().returning(User)).one_or_none()
    if user is None:
        raise Conflict("An owner, or an account with this e-mail address, exists already. Sign in instead.")
    return user


def with_open_session(session: Session, user_id: int, sid: str) -> User | None:
    """The account a session belongs to; None where it was disabled, removed or signed out of."""
    ended = exists().where(EndedSession.sid == sid)
    return session.scalars(select(User).where(User.id == user_id, User.disabled_at.is_(None), ~ended)).one_or_none()


def end_session(session: Session, sid: str, *, now: datetime, forget_at: datetime) -> None:
    """Refuse this session from now on; `forget_at` is when its cookie ends in any case."""
    sweep(session, EndedSession, EndedSession.forget_at < now)
    session.execute(insert(EndedSession).values(sid=sid, forget_at=forget_at).on_conflict_do_nothing())


def end_all_sessions(session: Session, user_id: int) -> int:
    """Refuse every session of the account; returns the version that new ones carry."""
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("There is no such account.")
    user.session_version += 1
    session.flush()
    return user.session_version


def set_password(session: Session, user_id: int, password_hash: str) -> int:
    """Store a new hash and end every session; returns the version that new ones carry."""
    get(session, user_id).password_hash = password_hash
    return end_all_sessions(session, user_id)


def set_email(session: Session, user_id: int, email: str) -> int:
    """Give an account another address and end every session; raises Conflict where the address is taken."""
    try:
        with session.begin_nested():
            get(session, user_id).email = normal_email(email)
            session.flush()
    except IntegrityError as error:
        raise Conflict("This address can't be used here. Choose another one.") from error
    return end_all_sessions(session, user_id)


def set_profile(session: Session, user_id: int, *, display_name: str, preferences: dict[str, Any]) -> None:
    """Store the name shown and merge `preferences` into those kept."""
    user = get(session, user_id)
    user.display_name = display_name.strip()
    user.preferences = {**user.preferences, **preferences}
