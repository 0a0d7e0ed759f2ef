"""Open sessions as admins see them: everybody's, searched, sorted and paged, and ended one by one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from core.errors import NotFound
from db.queries import sorting, users
from db.queries.user_sessions import is_open
from db.tables import User, UserSession

SORTS: dict[str, Any] = {
    "email": User.email,
    "device": UserSession.user_agent,
    "ip": UserSession.ip,
    "created_at": UserSession.created_at,
    "seen_at": UserSession.seen_at,
}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser that is signed in; its cookie's name is not among what is told."""

    id: int
    email: str
    device: str
    ip: str
    created_at: datetime
    seen_at: datetime


def page(
    session: Session,
    *,
    text: str = "",
    start: int = 0,
    limit: int = 50,
    sort: str = "seen_at",
    descending: bool = True,
    now: datetime,
    idle: timedelta,
) -> list[SessionRow]:
    """Sessions that still work, the one used last first; raises Refused for another order than those of `SORTS`."""
    column = sorting.chosen(SORTS, sort)
    order = (column.desc() if descending else column.asc(), UserSession.id.desc())
    query = _open(text, now, idle).order_by(*order).offset(start).limit(limit)
    return [SessionRow(*row) for row in session.execute(query)]


def count(session: Session, *, text: str = "", now: datetime, idle: timedelta) -> int:
    return session.scalar(select(func.count()).select_from(_open(text, now, idle).subquery())) or 0


def one(session: Session, session_id: int, *, now: datetime, idle: timedelta) -> SessionRow | None:
    """The row of one session, None where it has ended."""
    found = session.execute(_open("", now, idle).where(UserSession.id == session_id)).one_or_none()
    return SessionRow(*found) if found else None


def end(session: Session, session_id: int, *, now: datetime) -> tuple[User, str]:
    """End one session of whomever; its account and address. Raises NotFound."""
    found = session.get(UserSession, session_id)
    if found is None:
        raise NotFound("There is no such session; it may have ended already.")
    users.end_session(session, found.sid, now=now, forget_at=found.forget_at)
    return users.get(session, found.user_id), found.ip


def _open(text: str, now: datetime, idle: timedelta) -> Select[Any]:
    shown: tuple[Any, ...] = (UserSession.id, User.email, UserSession.user_agent, UserSession.ip)
    query = select(*shown, UserSession.created_at, UserSession.seen_at)
    query = query.join(User, User.id == UserSession.user_id)
    query = query.where(is_open(now, idle))
    if text:
        places = (User.email, UserSession.user_agent, UserSession.ip)
        query = query.where(or_(*(place.icontains(text, autoescape=True) for place in places)))
    return query
