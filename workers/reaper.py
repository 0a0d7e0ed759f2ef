"""Making good what was lost: jobs whose worker vanished, and calls that Redis no longer holds."""

import logging

from redis.exceptions import RedisError

import db.engine
from core import job_queue
from core.jobs import SILENT_FOR, WAITING_STATES, Queue
from db.queries import job_claims, jobs
from db.tables.jobs import Job

log = logging.getLogger(__name__)


def reap() -> list[Job]:
    """Give back every running job whose heart stopped, and queue again those with attempts left."""
    with db.engine.session() as session:
        taken = job_claims.take_back(session, silent_for=SILENT_FOR)
    for job in taken:
        log.warning(
            "job_taken_back", extra={"job_id": job.id, "job": job.name, "attempt": job.attempt, "now": job.state}
        )
        if job.state in WAITING_STATES:
            jobs.announce(job)
    return taken


def reconcile() -> list[str]:
    """Push every waiting job that no queue holds; returns their ids. Doing it twice changes nothing.

    The claim is what keeps a job from running twice, so a call too many in a queue does no harm.
    """
    with db.engine.session() as session:
        waiting = jobs.waiting(session)
    if not waiting:
        return []
    try:
        for queue in Queue:
            job_queue.mend_keys(queue)
        held = {queue.value: job_queue.held(queue) for queue in Queue}
        return [job.id for job in waiting if _missing(job, held.get(job.queue, set())) and _push_again(job)]
    except RedisError as fault:
        log.warning("redis_does_not_answer", extra={"fault": type(fault).__name__})
        return []


def _missing(job: Job, held: set[str]) -> bool:
    return job_queue.call_id(job.id, job.attempt) not in held


def _push_again(job: Job) -> bool:
    job_queue.forget(job.queue, job_queue.call_id(job.id, job.attempt))
    pushed = jobs.announce(job)
    if pushed:
        log.info("job_pushed_again", extra={"job_id": job.id, "job": job.name})
    return pushed
