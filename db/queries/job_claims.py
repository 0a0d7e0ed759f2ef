"""What workers write about the jobs they run: compare-and-sets, each naming the attempt it speaks for.

A worker owns a job while the row is `running` under the attempt it claimed. Once the row has moved on, a write of an
older attempt changes nothing and says so. Times are the database's, so that hosts whose clocks differ agree.
"""

from typing import Any

from sqlalchemy import Update, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from core.errors import LostClaim
from core.jobs import WAITING_STATES, JobState
from db.tables.jobs import Job

INTERRUPTED = "interrupted, retrying"


def claim(session: Session, job_id: str) -> Job | None:
    """Take a waiting job: running, one attempt more. None where it is gone, taken, cancelled or not yet due."""
    taken = (
        update(Job)
        .where(Job.id == job_id, Job.state.in_(WAITING_STATES), Job.run_after <= func.now())
        .values(
            state=JobState.RUNNING.value,
            attempt=Job.attempt + 1,
            heartbeat_at=func.now(),
            started_at=func.coalesce(Job.started_at, func.now()),
            reason=None,
        )
    )
    return _one(session, taken)


def beat(session: Session, job_id: str, attempt: int, progress: dict[str, Any] | None = None) -> bool:
    """Say the job is alive, and how far it is; True where somebody asked to cancel. Raises LostClaim."""
    values: dict[str, Any] = {"heartbeat_at": func.now()}
    if progress is not None:
        values["progress"] = progress
    return _asked(_one(session, _mine(job_id, attempt).values(values)), job_id)


def got_further(session: Session, job_id: str, attempt: int, *, attempts: int) -> None:
    """An attempt that left a checkpoint behind does not count: `attempts` more may follow it."""
    session.execute(_mine(job_id, attempt).values(max_attempts=attempt + attempts))


def cancel_asked(session: Session, job_id: str, attempt: int) -> bool:
    """Whether somebody asked to cancel, by reading alone. Raises LostClaim."""
    held = and_(Job.id == job_id, Job.attempt == attempt, Job.state == JobState.RUNNING)
    return _asked(session.scalars(select(Job).where(held)).one_or_none(), job_id)


def succeed(
    session: Session,
    job_id: str,
    attempt: int,
    *,
    result: dict[str, Any] | None = None,
    progress: dict[str, Any] | None = None,
) -> bool:
    """Publish: the one compare-and-set by which a job's result counts. False where the job was taken over."""
    values = _ending(JobState.SUCCEEDED) | {"result": result, "reason": None}
    if progress is not None:
        values["progress"] = progress
    return _one(session, _mine(job_id, attempt).values(values)) is not None


def fail(session: Session, job_id: str, attempt: int, *, reason: str) -> bool:
    """End the job for good, with a sentence or word for the person who asked."""
    return _one(session, _mine(job_id, attempt).values(_ending(JobState.FAILED) | {"reason": reason})) is not None


def cancel(session: Session, job_id: str, attempt: int, *, reason: str = "cancelled") -> bool:
    """End the job because a person stopped it; it is never tried again."""
    return _one(session, _mine(job_id, attempt).values(_ending(JobState.CANCELLED) | {"reason": reason})) is not None


def release(
    session: Session, job_id: str, attempt: int, *, reason: str, delay: float = 0.0, message: str | None = None
) -> Job | None:
    """Give the job back to be tried again in `delay` seconds; failed with `reason` after the last attempt.

    Progress is kept, with `message` in it. None where the job was taken over.
    """
    return _one(session, _mine(job_id, attempt).values(_given_back(reason, delay, message)))


def interrupt(session: Session, job_id: str, attempt: int) -> Job | None:
    """Give the job back because its worker is stopped on purpose: queued again, with the attempt not counted."""
    values = {
        "state": case((Job.cancel_requested, JobState.CANCELLED.value), else_=JobState.QUEUED.value),
        "finished_at": case((Job.cancel_requested, func.now())),
        "heartbeat_at": None,
        "run_after": func.now(),
        "max_attempts": Job.max_attempts + 1,
        "progress": _with_message(INTERRUPTED),
    }
    return _one(session, _mine(job_id, attempt).values(values))


def take_back(session: Session, *, silent_for: float) -> list[Job]:
    """Give back every running job whose heart has not beaten for so many seconds (see `release`)."""
    silent = Job.heartbeat_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, silent_for)
    reason = "The worker running this job stopped answering, at every attempt. Start the job again."
    values = _given_back(reason, 0.0, INTERRUPTED)
    return change(session, update(Job).where(Job.state == JobState.RUNNING, silent).values(values))


def _mine(job_id: str, attempt: int) -> Update:
    return update(Job).where(Job.id == job_id, Job.attempt == attempt, Job.state == JobState.RUNNING)


def change(session: Session, statement: Update) -> list[Job]:
    """Run an UPDATE of jobs; returns the rows it changed, as they are now."""
    done = statement.returning(Job).execution_options(synchronize_session=False, populate_existing=True)
    return list(session.scalars(done))


def _one(session: Session, statement: Update) -> Job | None:
    rows = change(session, statement)
    return rows[0] if rows else None


def _asked(job: Job | None, job_id: str) -> bool:
    if job is None:
        raise LostClaim(f"The job {job_id} was taken over by another worker; this attempt ends.")
    return job.cancel_requested


def _ending(state: JobState) -> dict[str, Any]:
    return {"state": state.value, "heartbeat_at": None, "finished_at": func.now()}


def _with_message(message: str) -> Any:
    return Job.progress.op("||")(func.jsonb_build_object("message", message))


def _given_back(reason: str, delay: float, message: str | None) -> dict[str, Any]:
    spent = Job.attempt >= Job.max_attempts
    values = {
        "state": case(
            (Job.cancel_requested, JobState.CANCELLED.value),
            (spent, JobState.FAILED.value),
            else_=JobState.RETRYING.value,
        ),
        "finished_at": case((or_(Job.cancel_requested, spent), func.now())),
        "reason": case((Job.cancel_requested, "cancelled"), else_=reason),
        "heartbeat_at": None,
        "run_after": func.now() + func.make_interval(0, 0, 0, 0, 0, 0, delay),
    }
    if message is not None:
        values["progress"] = _with_message(message)
    return values
