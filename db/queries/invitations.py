"""Invitations: a token that makes one account. Only its hash is stored; whoever holds the link holds the way in."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from core.roles import Role
from db.queries.users import normal_email
from db.tables import Invitation

LASTS = timedelta(days=7)
KEPT = timedelta(days=30)  # how long used and expired ones stay in lists


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


def listed(session: Session, *, now: datetime) -> list[Invitation]:
    """Invitations that are open or were so lately, newest first."""
    lately = Invitation.created_at > now - KEPT
    is_open = and_(Invitation.used_at.is_(None), Invitation.withdrawn_at.is_(None), Invitation.expires_at > now)
    return list(session.scalars(select(Invitation).where(or_(lately, is_open)).order_by(Invitation.id.desc())))
