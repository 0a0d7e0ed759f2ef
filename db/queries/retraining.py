"""When families of models are trained again."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.tables import Retraining


def find(session: Session, name: str) -> Retraining | None:
    """The schedule of a family; None where nobody set one."""
    return session.get(Retraining, name, populate_existing=True)


def table(session: Session) -> list[Retraining]:
    """Every schedule, by family."""
    return list(session.scalars(select(Retraining).order_by(Retraining.name)))


def put(session: Session, name: str, *, cron: str, on_drift: bool, changed_by: int | None) -> None:
    """Set the schedule of a family; slots before this moment are not made up for."""
    values = {"cron": cron, "on_drift": on_drift, "changed_by": changed_by}
    statement = insert(Retraining).values(name=name, **values)
    changed = values | {"changed_at": func.now()}
    session.execute(statement.on_conflict_do_update(index_elements=[Retraining.name], set_=changed))


def claim(session: Session, name: str, at: datetime) -> bool:
    """Take the slot `at`; False where it, or a later one, was taken already."""
    fresh = or_(Retraining.asked_at.is_(None), Retraining.asked_at < at)
    statement = update(Retraining).where(Retraining.name == name, fresh).values(asked_at=at)
    return session.execute(statement.returning(Retraining.name)).first() is not None


def of(session: Session, names: Iterable[str]) -> dict[str, Retraining]:
    """Schedules by family."""
    return {r.name: r for r in session.scalars(select(Retraining).where(Retraining.name.in_(list(names))))}
