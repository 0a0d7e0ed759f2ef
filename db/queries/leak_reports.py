"""The newest leak report of each version."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.jobs import LEAK_LAB, JobKind
from db.tables import Job, LeakReport

LINE = "Leak lab: "  # how the card's reason begins that says what the lab found


def store(session: Session, model_id: int, report: dict[str, Any], *, green: bool) -> None:
    """Keep the report in place of an older one. What follows from it is `ml.leak_verdict`'s."""
    values = {"model_id": model_id, "green": green, "report": report}
    statement = insert(LeakReport).values(values)
    session.execute(
        statement.on_conflict_do_update(index_elements=[LeakReport.model_id], set_=values | {"created_at": func.now()})
    )
    session.flush()


def find(session: Session, model_id: int) -> LeakReport | None:
    return session.get(LeakReport, model_id, populate_existing=True)


def newest_job(session: Session, model_id: int, kind: JobKind = LEAK_LAB) -> Job | None:
    """The examination (or other job of a `kind`) of a version that was asked for last."""
    query = select(Job).where(Job.name == kind.name, Job.args["model_id"].as_integer() == model_id)
    return session.scalar(query.order_by(Job.created_at.desc(), Job.id).limit(1))
