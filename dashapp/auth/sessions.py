"""Who is signed in.

The cookie is signed and holds the account, a random session id, the account's session version and two times. What
makes it valid stands in PostgreSQL, asked at most once a second per session: so signing out, signing out everywhere,
disabling and a change of role act within a second, in callbacks too.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import flask
from flask_login import UserMixin, current_user, login_user, logout_user

import db.engine
from core.clock import utc_now
from core.settings import Settings
from dashapp.auth.accounts import PREFERENCES
from db.queries import audit, factors, user_sessions, users
from db.tables import User

FRESH = 0.8  # seconds an answer of the database is believed
KEPT = 10_000  # sessions remembered at most


@dataclass(frozen=True, slots=True, eq=False)
class SignedIn(UserMixin):
    """The user of a request, as read at most a second ago; nothing here asks the database."""

    id: int
    email: str
    display_name: str
    role: str
    is_owner: bool
    session_version: int
    lacks_totp: bool = False  # where this desk asks it of admins
    preferences: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, user: User, *, lacks_totp: bool = False) -> "SignedIn":
        return cls(
            id=user.id,
            email=user.email,
            display_name=user.display_name or user.email.split("@")[0],
            role=user.role,
            is_owner=user.is_owner,
            session_version=user.session_version,
            lacks_totp=lacks_totp,
            preferences=PREFERENCES | user.preferences,
        )


_known: dict[tuple[int, str], tuple[float, SignedIn | None]] = {}


def start(user: User, *, now: datetime) -> None:
    """Begin a session with an id nobody has seen before, whatever the browser brought along.

    It is not `permanent`: it ends with the browser, and only so does Flask-Login's strong protection hold.
    """
    flask.session.clear()
    at, sid = int(now.timestamp()), secrets.token_urlsafe(24)
    flask.session.update(sid=sid, version=user.session_version, born=at, seen=at)
    settings: Settings = flask.current_app.extensions["bolt_settings"]
    agent, over = flask.request.user_agent.string, now + timedelta(hours=settings.session_hours)
    with db.engine.session() as session:
        user_sessions.add(session, user, sid, ip=_address(), user_agent=agent, now=now, forget_at=over)
    login_user(SignedIn.of(user))


def load(user_id: str) -> SignedIn | None:
    """Flask-Login's question: the user of this cookie, or None where the session is over."""
    cookie = flask.session
    if not {"sid", "version", "born", "seen"} <= cookie.keys():
        return None
    settings: Settings = flask.current_app.extensions["bolt_settings"]
    now = utc_now().timestamp()
    idle = settings.session_idle_minutes * 60
    if now - cookie["born"] > settings.session_hours * 3_600:
        return None
    if now - cookie["seen"] > idle and not _watched(cookie["sid"], now - idle):
        return None
    user = _ask(int(user_id), cookie["sid"])
    if user is None or user.session_version != cookie["version"]:
        return None
    if now - cookie["seen"] > min(60, idle / 4):
        cookie["seen"] = int(now)
        with db.engine.session() as session:
            user_sessions.touch(session, cookie["sid"], ip=_address(), now=datetime.fromtimestamp(now, UTC))
    return user


def _watched(sid: str, since: float) -> bool:
    """Whether an open live stream has used the session meanwhile: streams can't renew a cookie."""
    with db.engine.session() as session:
        seen = user_sessions.seen_at(session, sid)
    return seen is not None and seen.timestamp() >= since


def _address() -> str:
    return flask.request.remote_addr or "unknown"


def _ask(user_id: int, sid: str) -> SignedIn | None:
    key, now = (user_id, sid), monotonic()
    if (answer := _known.get(key)) and answer[0] > now:
        return answer[1]
    asked = flask.current_app.extensions["bolt_settings"].require_totp_for_admins
    with db.engine.session() as session:
        row = users.with_open_session(session, user_id, sid)
        user = SignedIn.of(row, lacks_totp=factors.lacks_totp(session, row, asked=asked)) if row else None
    if len(_known) >= KEPT:
        _known.clear()
    _known[key] = (now + FRESH, user)
    return user


def forget_answers() -> None:
    """Ask the database again: something about sessions has just changed in this process."""
    _known.clear()


def end(*, now: datetime, action: str = "sign_out") -> None:
    """Sign out: this cookie is refused from now on, here and wherever it was copied to. `action` is for the log."""
    sid, born = flask.session.get("sid"), flask.session.get("born")
    if sid and born:
        settings: Settings = flask.current_app.extensions["bolt_settings"]
        over = datetime.fromtimestamp(born, UTC) + timedelta(hours=settings.session_hours)
        with db.engine.session() as session:
            users.end_session(session, sid, now=now, forget_at=over)
            if current_user.is_authenticated:
                known = {"actor_id": current_user.id, "actor": current_user.email}
                audit.record(session, action=action, ip=_address(), **known)
    forget_answers()
    logout_user()
    flask.session.clear()
