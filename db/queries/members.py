"""Accounts as admins see and change them. The owner stays as they are: the database refuses, and so do we before it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from core.errors import Refused
from core.roles import Role
from db.queries import sorting, users
from db.queries.user_sessions import is_open
from db.tables import User, UserSession

OWNER_STAYS = (
    "The owner can't be removed, disabled or given another role: somebody must always be able to let others in."
)
NOT_ONESELF = "You can't change your own role or disable yourself. Ask another admin."


@dataclass(frozen=True, slots=True)
class Member:
    """An account in the list, with how many of its sessions are open."""

    id: int
    email: str
    display_name: str
    role: str
    is_owner: bool
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None
    open_sessions: int


def page(
    session: Session,
    *,
    text: str = "",
    start: int = 0,
    limit: int = 50,
    sort: str = "email",
    descending: bool = False,
    now: datetime,
    idle: timedelta,
) -> list[Member]:
    """Accounts whose address, name or role holds `text`, by address unless sorted otherwise."""
    count = select(func.count()).select_from(UserSession).where(UserSession.user_id == User.id, is_open(now, idle))
    sessions = count.correlate(User).scalar_subquery()
    places: dict[str, Any] = {
        "email": User.email,
        "display_name": User.display_name,
        "role": User.role,
        "created_at": User.created_at,
        "last_login_at": User.last_login_at,
        "open_sessions": sessions,
    }
    column = sorting.chosen(places, sort)
    order = (column.desc().nulls_last() if descending else column.asc().nulls_last(), User.id)
    shown = (User.id, User.email, User.display_name, User.role, User.is_owner, User.created_at, User.last_login_at)
    query = select(*shown, User.disabled_at, sessions).where(*_holding(text)).order_by(*order)
    return [Member(*row) for row in session.execute(query.offset(start).limit(limit))]


def count(session: Session, *, text: str = "") -> int:
    return session.scalar(select(func.count()).select_from(User).where(*_holding(text))) or 0


def _holding(text: str) -> list[ColumnElement[bool]]:
    if not text:
        return []
    places = (User.email, User.display_name, User.role)
    return [or_(*(place.icontains(text, autoescape=True) for place in places))]


def admins(session: Session) -> list[User]:
    """Accounts that look after the desk, in the order they were made."""
    wanted = User.role == Role.ADMIN, User.disabled_at.is_(None)
    return list(session.scalars(select(User).where(*wanted).order_by(User.id)))


def set_role(session: Session, user_id: int, role: Role, *, by: int) -> tuple[User, str]:
    """Give an account a role; the account and the role before. Raises NotFound, Refused for the owner and oneself."""
    user = changeable(session, user_id, by=by)
    before, user.role = user.role, role.value
    session.flush()
    return user, before


def disable(session: Session, user_id: int, *, by: int, now: datetime) -> User:
    """Shut an account out and end its sessions; what it made stays. Raises NotFound, Refused."""
    user = changeable(session, user_id, by=by)
    user.disabled_at = user.disabled_at or now
    users.end_all_sessions(session, user.id)
    return user


def enable(session: Session, user_id: int, *, by: int) -> User:
    """Let an account in again, with a new sign-in. Raises NotFound, Refused."""
    user = changeable(session, user_id, by=by)
    user.disabled_at = None
    session.flush()
    return user


def changeable(session: Session, user_id: int, *, by: int) -> User:
    """An account others may change; raises NotFound, Refused for the owner and oneself."""
    user = users.get(session, user_id)
    if user.is_owner:
        raise Refused(OWNER_STAYS)
    if user.id == by:
        raise Refused(NOT_ONESELF)
    return user
