"""Open sessions as lists show them. A cookie stays the proof; here stands who holds one, and since when."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, select, update
from sqlalchemy.orm import Session

from core.errors import NotFound
from db.queries import users
from db.queries.expired import sweep
from db.tables import EndedSession, User, UserSession

AGENT = 200  # characters of a browser's name that are kept


def add(
    session: Session, user: User, sid: str, *, ip: str, user_agent: str, now: datetime, forget_at: datetime
) -> None:
    """Note a session that has just begun; those whose cookies have run out are cleared away."""
    sweep(session, UserSession, UserSession.forget_at < now)
    agent = "".join(c for c in user_agent if c.isprintable())[:AGENT]
    times = {"created_at": now, "seen_at": now, "forget_at": forget_at}
    session.add(UserSession(sid=sid, user_id=user.id, version=user.session_version, ip=ip, user_agent=agent, **times))
    session.flush()


def touch(session: Session, sid: str, *, ip: str, now: datetime) -> None:
    """Note that a session was used; callers do so at most once a minute."""
    session.execute(update(UserSession).where(UserSession.sid == sid).values(seen_at=now, ip=ip))


def keep(session: Session, sids: Collection[str], *, now: datetime) -> None:
    """Note that somebody watches live prices with these sessions: that is using them."""
    session.execute(update(UserSession).where(UserSession.sid.in_(sids)).values(seen_at=now))


def seen_at(session: Session, sid: str) -> datetime | None:
    """When a session was used last, a live stream included; None where there is no such session."""
    return session.scalar(select(UserSession.seen_at).where(UserSession.sid == sid))


def open_ones(session: Session, user_id: int, *, now: datetime, idle: timedelta) -> list[UserSession]:
    """The sessions of a person that still work, the one used last first."""
    query = select(UserSession).join(User, User.id == UserSession.user_id)
    query = query.where(UserSession.user_id == user_id, is_open(now, idle)).order_by(UserSession.seen_at.desc())
    return list(session.scalars(query))


def is_open(now: datetime, idle: timedelta) -> ColumnElement[bool]:
    """For queries that join `users`: neither signed out of, nor run out, nor left alone for too long."""
    ended = exists().where(EndedSession.sid == UserSession.sid)
    return and_(
        UserSession.version == User.session_version,
        User.disabled_at.is_(None),
        UserSession.forget_at > now,
        UserSession.seen_at > now - idle,
        ~ended,
    )


def open_among(session: Session, sids: Collection[str], *, now: datetime, idle: timedelta) -> set[str]:
    """Those of these sessions that still work; one question for all live streams of a process."""
    query = select(UserSession.sid).join(User, User.id == UserSession.user_id)
    return set(session.scalars(query.where(UserSession.sid.in_(sids), is_open(now, idle))))


def count_open(session: Session, *, now: datetime, idle: timedelta) -> int:
    """Open sessions of everybody."""
    query = select(func.count()).select_from(UserSession).join(User, User.id == UserSession.user_id)
    return session.scalar(query.where(is_open(now, idle))) or 0


def end(session: Session, user_id: int, session_id: int, *, now: datetime) -> UserSession:
    """End one session of this person; raises NotFound for anybody else's as for one that never was."""
    mine = select(UserSession).where(UserSession.id == session_id, UserSession.user_id == user_id)
    found = session.scalars(mine).one_or_none()
    if found is None:
        raise NotFound("There is no such session; it may have ended already.")
    users.end_session(session, found.sid, now=now, forget_at=found.forget_at)
    return found
