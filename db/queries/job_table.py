"""Jobs as admins see them: all of everybody's, searched and sorted, and started once more."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, func, or_, select
from sqlalchemy.orm import Session

from core.errors import Refused
from core.jobs import ENDED_STATES, KINDS, WAITING_STATES, JobState, Queue
from db.queries import jobs, sorting
from db.tables import Job, User

SCHEDULE = "schedule"  # who asked for a job that names nobody
STATE_ORDER = ("running", "retrying", "queued", "failed", "cancelled", "succeeded")


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job and the address of whoever asked for it."""

    id: str
    name: str
    args: dict[str, Any]
    state: str
    attempt: int
    max_attempts: int
    progress: dict[str, Any]
    reason: str | None
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    owner: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Running, waiting to run now, and failed since a moment."""

    running: int
    queued: int
    failed: int


@dataclass(frozen=True, slots=True)
class QueueRow:
    """How many due jobs wait in a queue, and how many seconds the oldest has."""

    name: str
    depth: int
    waited: float


def page(
    session: Session, *, text: str = "", start: int = 0, limit: int = 50, sort: str = "", descending: bool = True
) -> list[JobRow]:
    """Open jobs first and then the newest, unless sorted otherwise."""
    owner = _owner()
    places: dict[str, Any] = {"kind": Job.name, "state": Job.state, "owner": owner, "created_at": Job.created_at}
    newest = (Job.created_at.desc(), Job.id)
    if sort:
        column = sorting.chosen(places, sort)
        order: tuple[Any, ...] = (column.desc() if descending else column.asc(), *newest)
    else:
        rank = case({state: n for n, state in enumerate(STATE_ORDER[:3])}, value=Job.state, else_=len(STATE_ORDER))
        order = (rank, *newest)
    query = _holding(_rows(owner), text, owner).order_by(*order).offset(start).limit(limit)
    return [JobRow(*row) for row in session.execute(query)]


def one(session: Session, job_id: str) -> JobRow | None:
    """The row of one job."""
    found = session.execute(_rows(_owner()).where(Job.id == job_id)).one_or_none()
    return JobRow(*found) if found else None


def count(session: Session, *, text: str = "") -> int:
    query = _holding(_rows(_owner()), text, _owner())
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def counts(session: Session, *, since: datetime) -> Counts:
    """How many run, wait and have failed since."""
    waits = Job.state.in_((JobState.QUEUED, JobState.RETRYING)) & (Job.run_after <= func.now())
    failed = (Job.state == JobState.FAILED) & (Job.finished_at >= since)
    numbers = [func.count().filter(word) for word in (Job.state == JobState.RUNNING, waits, failed)]
    found = session.execute(select(*numbers)).one()
    return Counts(int(found[0]), int(found[1]), int(found[2]))


def queues(session: Session) -> list[QueueRow]:
    """Every queue, empty ones too, in the order of `core.jobs.Queue`."""
    oldest = func.extract("epoch", func.now() - func.min(Job.run_after))
    query = select(Job.queue, func.count(), oldest).where(Job.state.in_(WAITING_STATES), Job.run_after <= func.now())
    found = {name: (int(n), float(waited)) for name, n, waited in session.execute(query.group_by(Job.queue))}
    return [QueueRow(queue.value, *found.get(queue.value, (0, 0.0))) for queue in Queue]


def retry(session: Session, job_id: str) -> Job:
    """The same work as a new job; commit, then `jobs.announce` it. Raises NotFound, Refused where it did not fail."""
    job = jobs.get(session, job_id)
    kind = KINDS.get(job.name)
    if job.state not in ENDED_STATES or job.state == JobState.SUCCEEDED or kind is None:
        raise Refused("Only a job that has failed or was cancelled can be started again.")
    return jobs.create(session, kind, job.args, owner_id=job.owner_id, asked_by=job.asked_by, dedupe=job.dedupe)


def _owner() -> ColumnElement[str]:
    return func.coalesce(User.email, Job.asked_by, SCHEDULE)


def _rows(owner: ColumnElement[str]) -> Select[Any]:
    shown = (Job.id, Job.name, Job.args, Job.state, Job.attempt, Job.max_attempts, Job.progress, Job.reason)
    more = (Job.cancel_requested, Job.created_at, Job.started_at, Job.finished_at, owner)
    return select(*shown, *more).outerjoin(User, User.id == Job.owner_id)


def _holding(query: Select[Any], text: str, owner: ColumnElement[str]) -> Select[Any]:
    if not text:
        return query
    places = (Job.name, Job.state, Job.id, Job.reason, owner, cast(Job.args, String))
    return query.where(or_(*(place.icontains(text, autoescape=True) for place in places)))
