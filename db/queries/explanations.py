"""What was worked out of calls: the jobs that were asked what moved one, whose result is the answer."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.jobs import EXPLAIN_CALL
from db.queries import jobs
from db.tables import Job


def newest(session: Session, call_id: int) -> Job | None:
    """The job that was asked for last what moved a call; None where nobody has, or it was cleared away."""
    query = select(Job).where(Job.name == EXPLAIN_CALL.name, Job.args["call_id"].as_integer() == call_id)
    return session.scalar(query.order_by(Job.created_at.desc(), Job.id).limit(1))


def ask(call_id: int, *, asked_by: str) -> str:
    """Have a worker find what moved a call, in a transaction of its own; returns the job's id."""
    return jobs.submit(EXPLAIN_CALL, {"call_id": call_id}, asked_by=asked_by, dedupe=f"explain:{call_id}")
