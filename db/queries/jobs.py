"""Background jobs: asking for them, reading them, cancelling them. What workers write is in `job_claims`.

The row is the truth. Times are the database's, so that hosts whose clocks differ agree.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, func, or_, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

import db.engine
from core import job_queue
from core.errors import Conflict, NotFound, TooMany
from core.jobs import ENDED_STATES, IMPORT_FILE, OPEN_STATES, TRAIN_MODEL, WAITING_STATES, JobKind, JobState, longest
from core.roles import Role, covers
from db.queries.job_claims import change
from db.tables.jobs import Job
from db.tables.training_runs import TrainingPart
from db.tables.users import User

OPEN_AT_MOST = {TRAIN_MODEL.name: 5, IMPORT_FILE.name: 20}  # open jobs of one kind a person may have at once
OPEN_DEDUPE = text("state IN ('queued', 'running', 'retrying')")  # the predicate of uq_jobs_open_dedupe


# Asking for work


def create(
    session: Session,
    kind: JobKind,
    args: dict[str, Any],
    *,
    owner_id: int | None = None,
    asked_by: str | None = None,
    dedupe: str | None = None,
    run_after: datetime | None = None,
) -> Job:
    """A queued job; where an open one has the same `dedupe`, that one. Commit, then `announce` it.

    `asked_by` says who asked where no account did; without either it counts as the schedule's.
    """
    values = {
        "name": kind.name,
        "queue": kind.queue.value,
        "args": args,
        "owner_id": owner_id,
        "asked_by": asked_by,
        "dedupe": dedupe,
        "max_attempts": kind.attempts,
        "run_after": run_after or func.now(),
    }
    put = postgresql.insert(Job).values(values)
    put = put.on_conflict_do_nothing(index_elements=[Job.dedupe], index_where=OPEN_DEDUPE)
    for _ in range(3):  # the one that stood in the way may end before it is read
        if made := session.scalars(put.returning(Job)).one_or_none():
            return made
        if standing := open_with(session, dedupe):
            return standing
    raise Conflict("The same work is being started by somebody else. Try again in a moment.")


def submit(
    kind: JobKind,
    args: dict[str, Any],
    *,
    owner_id: int | None = None,
    asked_by: str | None = None,
    dedupe: str | None = None,
    run_after: datetime | None = None,
) -> str:
    """Create a job in a transaction of its own and hand it to the workers; returns its id.

    Raises TooMany where the owner already has as many open jobs of this kind as one person may.
    """
    with db.engine.session() as session:
        job = open_with(session, dedupe)
        if job is None:
            _refuse_too_many(session, kind, owner_id)
            job = create(session, kind, args, owner_id=owner_id, asked_by=asked_by, dedupe=dedupe, run_after=run_after)
        job_id, call = job.id, (job.queue, job.id)
        attempt = job.attempt
    if run_after is None:
        job_queue.push(*call, attempt=attempt, timeout=longest(kind.queue))
    return job_id


def announce(job: Job) -> bool:
    """Push a committed job onto its queue; False where the queue has it already or Redis does not answer."""
    return job_queue.push(job.queue, job.id, attempt=job.attempt, timeout=longest(job.queue))


def open_with(session: Session, dedupe: str | None) -> Job | None:
    """The open job that does this work; None where there is none, or the work has no name."""
    if dedupe is None:
        return None
    return session.scalars(select(Job).where(Job.dedupe == dedupe, Job.state.in_(OPEN_STATES))).one_or_none()


def _refuse_too_many(session: Session, kind: JobKind, owner_id: int | None) -> None:
    limit = OPEN_AT_MOST.get(kind.name)
    if limit is None or owner_id is None:
        return
    session.execute(select(User.id).where(User.id == owner_id).with_for_update())  # two tabs count one after the other
    mine = and_(Job.owner_id == owner_id, Job.name == kind.name, Job.state.in_(OPEN_STATES))
    if (session.scalar(select(func.count()).where(mine)) or 0) >= limit:
        raise TooMany(f"You already have {limit} jobs of this kind open. Wait until one ends, or cancel one.")


# Reading


def get(session: Session, job_id: str) -> Job:
    """The job with this id; raises NotFound."""
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound("There is no such job; it may have been cleared away.")
    return job


def visible(session: Session, user_id: int, role: str, job_id: str) -> Job:
    """A job this person may see: their own, the system's, or any for an admin; raises NotFound otherwise."""
    job = get(session, job_id)
    if job.owner_id in (None, user_id) or covers(role, Role.ADMIN):
        return job
    raise NotFound("There is no such job; it may have been cleared away.")


def latest(session: Session, *, name: str, limit: int = 20) -> list[Job]:
    """The newest jobs of a kind, newest first."""
    rows = select(Job).where(Job.name == name).order_by(Job.created_at.desc(), Job.id).limit(limit)
    return list(session.scalars(rows))


def notices(session: Session, user_id: int) -> list[Job]:
    """Ended jobs of this person that they have not been told about, oldest first."""
    unseen = and_(Job.owner_id == user_id, Job.state.in_(ENDED_STATES), Job.seen_at.is_(None))
    return list(session.scalars(select(Job).where(unseen).order_by(Job.finished_at)))


def mark_seen(session: Session, user_id: int, ids: Iterable[str]) -> None:
    """Never tell this person about these jobs again; other people's are left alone."""
    session.execute(update(Job).where(Job.owner_id == user_id, Job.id.in_(list(ids))).values(seen_at=func.now()))


def waiting(session: Session) -> list[Job]:
    """Jobs that some queue should hold now, oldest first."""
    due = and_(Job.state.in_(WAITING_STATES), Job.run_after <= func.now())
    return list(session.scalars(select(Job).where(due).order_by(Job.run_after)))


def waits(session: Session, kind: JobKind) -> bool:
    """True while a job of this kind is due and nobody has begun it."""
    due = and_(Job.name == kind.name, Job.state.in_(WAITING_STATES), Job.run_after <= func.now())
    return session.scalar(select(Job.id).where(due).limit(1)) is not None


# Cancelling


def request_cancel(session: Session, job_id: str) -> Job:
    """Cancel a waiting job at once; ask a running one to stop. An ended one stays as it is. Raises NotFound.

    The parts of a walk-forward go with the job that asked for them: nobody begins one that still waits.
    """
    parts = select(TrainingPart.job_id).where(TrainingPart.run_id == job_id)
    waits = Job.state.in_(WAITING_STATES)
    asked = (
        update(Job)
        .where(or_(Job.id == job_id, Job.id.in_(parts)), Job.state.in_(OPEN_STATES))
        .values(
            cancel_requested=True,
            state=case((waits, JobState.CANCELLED.value), else_=Job.state),
            finished_at=case((waits, func.now()), else_=Job.finished_at),
            reason=case((waits, "cancelled"), else_=Job.reason),
        )
    )
    change(session, asked)
    return get(session, job_id)


def supersede(session: Session, kind: JobKind, *, keep: str) -> list[Job]:
    """Cancel scheduled runs of a kind that nobody began: the newer one, `keep`, does their work. Returns them."""
    old = and_(Job.name == kind.name, Job.state == JobState.QUEUED, Job.attempt == 0, Job.owner_id.is_(None))
    scheduled = and_(Job.dedupe.startswith(f"{kind.name}@", autoescape=True), Job.dedupe != keep)
    ended = {"state": JobState.CANCELLED.value, "finished_at": func.now(), "reason": "a newer run replaces it"}
    return change(session, update(Job).where(old, scheduled).values(ended))


# Clearing away


def prune(session: Session, *, names: Iterable[str], hours: int) -> int:
    """Delete ended jobs of the system that went well, of these kinds, and any but training after a week. How many."""
    age = func.now() - Job.finished_at
    routine = and_(
        Job.name.in_(list(names)),
        Job.owner_id.is_(None),
        Job.state.in_((JobState.SUCCEEDED, JobState.CANCELLED)),
        age > func.make_interval(0, 0, 0, 0, hours),
    )
    old = and_(Job.state.in_(ENDED_STATES), Job.name != TRAIN_MODEL.name, age > func.make_interval(0, 0, 0, 7))
    return len(list(session.scalars(delete(Job).where(or_(routine, old)).returning(Job.id))))
