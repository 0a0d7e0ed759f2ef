"""Whose turn it is: the waiting jobs of a queue, shared out between those who asked for them.

Redis hands calls on in the order they came. A call says that some job of its queue may begin; which one is decided
here: that of whoever has the fewest running, then of whoever has waited longest since one of theirs began. So a
hundred trainings of one person keep nobody else waiting for more than those that run. As many calls stand in a queue
as jobs wait, so each job finds one; the scheduler makes good those that were lost.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, cast, func, literal, select, text
from sqlalchemy.orm import Session, aliased

from core.jobs import WAITING_STATES, JobState
from db.queries import job_claims
from db.tables.jobs import Job

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('turn:' || :queue, 0))")
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
TRIES = 3  # somebody who helps with a training may take a job between the choice and the claim

_run = aliased(Job)  # the training that a part belongs to; the part itself is nobody's
_WHOSE = func.coalesce(
    cast(_run.owner_id, String), _run.asked_by, cast(Job.owner_id, String), Job.asked_by, literal("")
)


@dataclass(frozen=True, slots=True)
class Share:
    """What somebody has of a queue's workers: how many jobs run, and when one of theirs last began."""

    running: int = 0
    began: datetime = NEVER


def claim(session: Session, called: str) -> Job | None:
    """Claim the job whose turn it is in the queue of the job `called`; None where nothing there waits.

    One at a time for each queue, so that two workers do not both choose the same person.
    """
    queue = session.scalar(select(Job.queue).where(Job.id == called))
    if queue is None:
        return None
    session.execute(LOCK, {"queue": queue})
    for _ in range(TRIES):
        turn = _next(session, queue, called)
        if turn is None or (job := job_claims.claim(session, turn)):
            return job if turn else None
    return None


def others_wait(session: Session, mine: str) -> bool:
    """Whether a job of somebody else is due in the queue of the job `mine`: then whoever trains parts lets go."""
    found = session.execute(_with_whose(select(Job.queue, _WHOSE)).where(Job.id == mine)).one_or_none()
    return found is not None and any(whose != found[1] for _, whose, _ in _waiting(session, found[0]))


def _next(session: Session, queue: str, called: str) -> str | None:
    waiting = _waiting(session, queue)
    people = {whose for _, whose, _ in waiting}
    shares = _shares(session, queue) if len(people) > 1 else {}

    def rank(one: tuple[str, str, datetime]) -> tuple[int, datetime, bool, datetime, str]:
        job_id, whose, asked_at = one
        share = shares.get(whose, Share())
        return share.running, share.began, job_id != called, asked_at, job_id

    return min(waiting, key=rank)[0] if waiting else None


def _waiting(session: Session, queue: str) -> list[tuple[str, str, datetime]]:
    """(id, whose, asked at) of every job that is due."""
    due = (Job.queue == queue, Job.state.in_(WAITING_STATES), Job.run_after <= func.now())
    return list(session.execute(_with_whose(select(Job.id, _WHOSE, Job.created_at)).where(*due)).tuples())


def _shares(session: Session, queue: str) -> dict[str, Share]:
    running = func.count().filter(Job.state == JobState.RUNNING)
    begun = _with_whose(select(_WHOSE, running, func.max(Job.started_at)))
    begun = begun.where(Job.queue == queue, Job.started_at.is_not(None)).group_by(_WHOSE)
    return {whose: Share(count, began) for whose, count, began in session.execute(begun).tuples()}


def _with_whose(query: Any) -> Any:
    return query.select_from(Job).outerjoin(_run, _run.id == Job.args["run_id"].astext)
