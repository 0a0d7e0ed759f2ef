"""The audit log: writing an event, reading events, and proving that none was changed, dropped or put between.

Every event carries the SHA-256 of the one before it. Whoever writes holds a lock until the transaction ends, so
the numbers have no holes and the chain no branches: record last in a transaction. Nothing secret belongs in here.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from sqlalchemy import ColumnElement, Select, func, or_, select, text
from sqlalchemy.orm import Session

from db.queries import sorting
from db.tables import AuditEvent

Result = Literal["ok", "failed", "denied"]
GENESIS = "0" * 64  # what stands before the first event
SYSTEM, COMMAND_LINE = "system", "command line"  # actors that are no account
LONGEST = 300  # characters of any text that is kept
SHOWN = 20  # breaches that are listed
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('audit_events', 0))")
SORTS = {
    "at": AuditEvent.id,  # the numbers are in the order of time
    "actor": AuditEvent.actor,
    "action": AuditEvent.action,
    "object": AuditEvent.object,
    "ip": AuditEvent.ip,
    "result": AuditEvent.result,
}


def record(
    session: Session,
    *,
    actor_id: int | None,
    actor: str,
    action: str,
    object: str = "",  # noqa: A002  the word of the log
    ip: str = "",
    result: Result = "ok",
    detail: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append an event; it stands or falls with the caller's transaction, which should end soon after."""
    session.execute(LOCK)
    newest = select(AuditEvent.id, AuditEvent.hash).order_by(AuditEvent.id.desc()).limit(1)
    last_id, previous = session.execute(newest).one_or_none() or (0, GENESIS)
    event = AuditEvent(
        id=last_id + 1,
        at=session.scalar(select(func.clock_timestamp())),
        actor_id=actor_id,
        actor=_plain(actor),
        action=_plain(action),
        object=_plain(object),
        ip=_plain(ip),
        result=result,
        detail={_plain(key): _kept(value) for key, value in (detail or {}).items()},
        previous=previous,
    )
    event.hash = digest(event)
    session.add(event)
    session.flush()
    return event


def by_command(session: Session, action: str, object: str = "", *, result: Result = "ok", **detail: Any) -> AuditEvent:  # noqa: A002
    """Append an event of somebody at the server."""
    known = {name: value for name, value in detail.items() if value not in (None, "")}
    return record(session, actor_id=None, actor=COMMAND_LINE, action=action, object=object, result=result, detail=known)


class Somebody(Protocol):
    """An account, or what a request knows of it."""

    @property
    def id(self) -> int: ...

    @property
    def email(self) -> str: ...


def by_user(
    session: Session,
    user: Somebody,
    action: str,
    *,
    object: str = "",  # noqa: A002
    ip: str = "",
    result: Result = "ok",
    **detail: Any,
) -> AuditEvent:
    """Append something an account did."""
    return record(
        session,
        actor_id=user.id,
        actor=user.email,
        action=action,
        object=object,
        ip=ip,
        result=result,
        detail=detail,
    )


def digest(event: AuditEvent) -> str:
    """SHA-256 of the previous hash and of this event as JSON: a list in fixed order, keys of `detail` sorted."""
    words = [
        event.id,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor_id,
        event.actor,
        event.action,
        event.object,
        event.ip,
        event.result,
        event.detail,
    ]
    canonical = json.dumps(words, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{event.previous}\n{canonical}".encode()).hexdigest()


def _plain(words: object) -> str:
    """One line of printable text, no longer than is kept: what PostgreSQL takes and a table can show."""
    text_ = "".join(c if c.isprintable() else " " for c in str(words))
    return text_ if len(text_) <= LONGEST else text_[: LONGEST - 1] + "…"


def _kept(value: object) -> object:
    """Whole numbers, truth values and nothing as they are, all else as text: JSON gives back exactly these."""
    return value if value is None or isinstance(value, bool | int) else _plain(value)


# Reading


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: all that fit every word given. `text` is looked for in actor, action, object and address.

    `person` is an actor's name as it was written, which outlives the account; `until` is not part of the span.
    """

    text: str = ""
    result: str = ""
    action: str = ""
    actor_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    person: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.text:
            places = (AuditEvent.actor, AuditEvent.action, AuditEvent.object, AuditEvent.ip)
            found.append(or_(*(place.icontains(self.text, autoescape=True) for place in places)))
        if self.result:
            found.append(AuditEvent.result == self.result)
        if self.action:
            found.append(AuditEvent.action == self.action)
        if self.actor_id is not None:
            found.append(AuditEvent.actor_id == self.actor_id)
        if self.since is not None:
            found.append(AuditEvent.at >= self.since)
        if self.until is not None:
            found.append(AuditEvent.at < self.until)
        if self.person:
            found.append(AuditEvent.actor == self.person)
        return found


def page(
    session: Session, wanted: Wanted, *, start: int = 0, limit: int = 50, sort: str = "at", descending: bool = True
) -> list[AuditEvent]:
    """Events `start` to `start + limit`, newest first unless sorted otherwise."""
    column = sorting.chosen(SORTS, sort)
    order = (column.desc() if descending else column.asc(), AuditEvent.id.desc())
    return list(session.scalars(_chosen(wanted).order_by(*order).offset(start).limit(limit)))


def count(session: Session, wanted: Wanted) -> int:
    return session.scalar(select(func.count()).select_from(_chosen(wanted).subquery())) or 0


def stream(session: Session, wanted: Wanted) -> Iterator[AuditEvent]:
    """Every wanted event, oldest first, a thousand in memory at a time."""
    query = _chosen(wanted).order_by(AuditEvent.id).execution_options(yield_per=1_000)
    yield from session.execute(query).scalars()


def actions(session: Session) -> list[str]:
    """Every action that occurs, by name."""
    return list(session.scalars(select(AuditEvent.action).distinct().order_by(AuditEvent.action)))


def people(session: Session) -> list[str]:
    """Every actor that occurs, by name; `system` and `command line` among them."""
    return list(session.scalars(select(AuditEvent.actor).distinct().order_by(AuditEvent.actor)))


def _chosen(wanted: Wanted) -> Select[AuditEvent]:
    return select(AuditEvent).where(*wanted.conditions())


# Proving


@dataclass(frozen=True, slots=True)
class Chain:
    """What a walk over the whole log found. `head` proves that nothing was cut off the end, to whoever noted it."""

    events: int
    head: str
    breaches: list[str]


def verify(session: Session) -> Chain:
    """Compute every hash again. Names events that were changed, that are missing and that do not follow."""
    previous, expected, events, breaches = GENESIS, 1, 0, []
    for event in stream(session, Wanted()):
        events += 1
        if event.id != expected:
            breaches.append(f"audit event {expected} is missing")
        elif event.previous != previous:
            breaches.append(f"audit event {event.id} does not follow the one before it")
        if digest(event) != event.hash:
            breaches.append(f"audit event {event.id} was changed")
        previous, expected = event.hash, event.id + 1
        session.expunge(event)
    more = [f"{len(breaches) - SHOWN} more breaches of the audit log"] if len(breaches) > SHOWN else []
    return Chain(events, previous, breaches[:SHOWN] + more)
