"""The newest leak report of each version, and its mark on the version's card."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.jobs import LEAK_LAB, JobKind
from db.queries import trained_models
from db.tables import Job, LeakReport

LINE = "Leak lab: "  # how the card's reason begins that says what the lab found


def store(session: Session, model_id: int, report: dict[str, Any], *, green: bool) -> None:
    """Keep the report in place of an older one; the card says `green` or `red` from now on.

    Where every other condition of a verdict of skill holds, the report decides about the verdict.
    """
    values = {"model_id": model_id, "green": green, "report": report}
    statement = insert(LeakReport).values(values)
    session.execute(
        statement.on_conflict_do_update(index_elements=[LeakReport.model_id], set_=values | {"created_at": func.now()})
    )
    model = trained_models.get(session, model_id)
    state = "green" if green else "red"
    told = f"{LINE}green." if green else f"{LINE}red; a verdict of skill needs a green report."
    reasons = [told if line.startswith(LINE) else line for line in model.card.get("reasons", [])]
    model.card = model.card | {"leak_lab": state, "reasons": reasons}
    if "skill_shown" in model.card:
        skilled = green and model.card["skill_shown"]
        model.card = model.card | {"verdict": "skilled" if skilled else "no_demonstrated_skill"}
    session.flush()


def find(session: Session, model_id: int) -> LeakReport | None:
    return session.get(LeakReport, model_id, populate_existing=True)


def newest_job(session: Session, model_id: int, kind: JobKind = LEAK_LAB) -> Job | None:
    """The examination (or other job of a `kind`) of a version that was asked for last."""
    query = select(Job).where(Job.name == kind.name, Job.args["model_id"].as_integer() == model_id)
    return session.scalar(query.order_by(Job.created_at.desc(), Job.id).limit(1))
