"""Invitations: a token that makes one account. Only its hash is stored; whoever holds the link holds the way in."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from core.roles import Role
from db.queries import sorting
from db.queries.users import normal_email
from db.tables import Invitation, User

LASTS = timedelta(days=7)
KEPT = timedelta(days=30)  # how long used and expired ones stay in lists
OPEN = "open"
SORTS = ("email", "role", "state", "by", "created_at", "expires_at")


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation and what has become of it: open, used, withdrawn or ended. `email` is empty where anybody may."""

    id: int
    email: str
    role: str
    state: str
    by: str
    created_at: datetime
    expires_at: datetime


def add(
    session: Session, *, role: Role, email: str = "", invited_by: int | None, now: datetime, lasts: timedelta = LASTS
) -> tuple[Invitation, str]:
    """A new invitation and its token, which is shown once. With an `email` it is good for that address alone."""
    token = secrets.token_urlsafe(32)
    made = Invitation(
        token_hash=hashed(token),
        role=role.value,
        email=normal_email(email) or None,
        invited_by=invited_by,
        created_at=now,
        expires_at=now + lasts,
    )
    session.add(made)
    session.flush()
    return made, token


def hashed(token: str) -> str:
    """Tokens have 256 random bits, so a plain hash can't be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def usable(session: Session, token: str, *, now: datetime) -> Invitation:
    """The invitation a token opens, locked; raises NotFound where it is unknown, used, withdrawn or too old."""
    query = select(Invitation).where(Invitation.token_hash == hashed(token)).with_for_update()
    found = session.scalars(query).one_or_none()
    if found is None or found.used_at or found.withdrawn_at or found.expires_at <= now:
        raise NotFound("This invitation is not valid any more. Ask an admin of this desk for a new one.")
    return found


def use(session: Session, invitation: Invitation, user_id: int, *, now: datetime) -> None:
    """The invitation has made this account and makes no other."""
    invitation.used_at, invitation.used_by = now, user_id
    session.flush()


def withdraw(session: Session, invitation_id: int, *, now: datetime) -> Invitation:
    """Make an invitation worthless; raises NotFound, or Conflict where it was used already."""
    found = session.get(Invitation, invitation_id, with_for_update=True)
    if found is None:
        raise NotFound("There is no such invitation.")
    if found.used_at is not None:
        raise Conflict("This invitation was used already. Disable the account it made instead.")
    found.withdrawn_at = found.withdrawn_at or now
    session.flush()
    return found


def page(
    session: Session,
    *,
    text: str = "",
    start: int = 0,
    limit: int = 50,
    sort: str = "created_at",
    descending: bool = True,
    now: datetime,
) -> list[InvitationRow]:
    """Invitations that are open or were so lately, newest first; raises Refused for another order than there is."""
    shown = _columns(now)
    column = sorting.chosen({name: shown[name] for name in SORTS}, sort)
    order = (column.desc() if descending else column.asc(), Invitation.id.desc())
    query = _listed(text, now).order_by(*order).offset(start).limit(limit)
    return [InvitationRow(*row) for row in session.execute(query)]


def count(session: Session, *, text: str = "", now: datetime) -> int:
    return session.scalar(select(func.count()).select_from(_listed(text, now).subquery())) or 0


def one(session: Session, invitation_id: int, *, now: datetime) -> InvitationRow | None:
    """The row of one invitation, None where it is none or was long ago."""
    found = session.execute(_listed("", now).where(Invitation.id == invitation_id)).one_or_none()
    return InvitationRow(*found) if found else None


def _columns(now: datetime) -> dict[str, ColumnElement[Any]]:
    """What is shown of an invitation, in the order of `InvitationRow`."""
    state = case(
        (Invitation.used_at.is_not(None), "used"),
        (Invitation.withdrawn_at.is_not(None), "withdrawn"),
        (Invitation.expires_at > now, OPEN),
        else_="ended",
    )
    return {
        "id": Invitation.id.expression,
        "email": func.coalesce(Invitation.email, ""),
        "role": Invitation.role.expression,
        "state": state,
        "by": func.coalesce(User.email, ""),
        "created_at": Invitation.created_at.expression,
        "expires_at": Invitation.expires_at.expression,
    }


def _listed(text: str, now: datetime) -> Select[Any]:
    shown = _columns(now)
    lately = or_(Invitation.created_at > now - KEPT, shown["state"] == OPEN)
    query = select(*shown.values()).outerjoin(User, User.id == Invitation.invited_by).where(lately)
    if text:
        places = (shown[name] for name in ("email", "role", "state", "by"))
        query = query.where(or_(*(place.icontains(text, autoescape=True) for place in places)))
    return query
