"""The outbox: letters are written in the transaction of what they tell about, and sent by a job afterwards."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import locales
from db.tables import Mail, User

WAITS = (60, 300, 900, 3_600, 21_600)  # seconds before the tries after the first
JITTER = 0.2
GIVE_UP = timedelta(hours=24)
LEASE = timedelta(minutes=2)  # within which whoever took a letter must have sent it
FAULT = 300  # characters kept of why a try failed


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter somebody has taken to send it."""

    id: int
    user_id: int | None
    address: str
    kind: str
    details: dict[str, Any]
    attempts: int
    created_at: datetime


def put(session: Session, user: User, kind: str, *, now: datetime, address: str = "", **details: Any) -> Mail:
    """A letter to an account's address, or to `address`; sent once this transaction stands."""
    mail = Mail(
        user_id=user.id,
        address=address or user.email,
        kind=kind,
        details={"account": user.email, "when": _when(user, now), **details},
        created_at=now,
        next_try_at=now,
    )
    session.add(mail)
    session.flush()
    return mail


def _when(user: User, now: datetime) -> str:
    """The time as this person writes dates; whoever never chose reads the year first."""
    chosen = user.preferences.get("locale")
    return locales.named(chosen).exact(now) if chosen else f"{now:%Y-%m-%d %H:%M} UTC"


def take(session: Session, *, now: datetime, limit: int) -> list[Taken]:
    """The letters that are due, taken for LEASE: no other sender gets them meanwhile."""
    due = (
        select(Mail.id)
        .where(Mail.state == "waiting", Mail.next_try_at <= now)
        .order_by(Mail.next_try_at, Mail.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(Mail)
        .where(Mail.id.in_(due.scalar_subquery()))
        .values(next_try_at=now + LEASE, attempts=Mail.attempts + 1)
        .returning(Mail.id, Mail.user_id, Mail.address, Mail.kind, Mail.details, Mail.attempts, Mail.created_at)
        .execution_options(synchronize_session=False)
    )
    return sorted((Taken(*row) for row in session.execute(taken)), key=lambda mail: mail.id)


def sent(session: Session, mail_id: int, *, now: datetime) -> None:
    _close(session, mail_id, state="sent", sent_at=now, fault=None)


def drop(session: Session, mail_id: int, fault: str) -> None:
    """The letter will never be sent: there is no use in trying again."""
    _close(session, mail_id, state="dead", fault=fault[:FAULT])


def failed(session: Session, mail: Taken, fault: str, *, now: datetime) -> str:
    """Put the letter back for a later try, or give it up after a day; returns the state it has now."""
    if now - mail.created_at >= GIVE_UP:
        drop(session, mail.id, fault)
        return "dead"
    wait = WAITS[min(mail.attempts, len(WAITS)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  no secret
    _close(session, mail.id, next_try_at=now + timedelta(seconds=wait), fault=fault[:FAULT])
    return "waiting"


def _close(session: Session, mail_id: int, **values: Any) -> None:
    session.execute(update(Mail).where(Mail.id == mail_id, Mail.state == "waiting").values(**values))


def counts(session: Session) -> dict[str, int]:
    """How many letters are in each state; for metrics and the admin desk."""
    found = session.execute(select(Mail.state, func.count()).group_by(Mail.state)).tuples().all()
    return {"waiting": 0, "sent": 0, "dead": 0} | dict(found)
