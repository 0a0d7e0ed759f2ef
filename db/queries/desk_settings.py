"""Settings an admin chose while Bolt ran."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.tables import DeskSetting


def chosen(session: Session) -> dict[str, str]:
    """Field -> value as text."""
    return dict(session.execute(select(DeskSetting.name, DeskSetting.value)).tuples().all())


def choose(session: Session, name: str, value: str, *, by: int, now: datetime) -> None:
    """Keep a value; whether it may be chosen is for the caller to check."""
    row = {"value": value, "changed_at": now, "changed_by": by}
    made = insert(DeskSetting).values(name=name, **row)
    session.execute(made.on_conflict_do_update(index_elements=[DeskSetting.name], set_=row))


def forget(session: Session, name: str) -> None:
    """Back to what the environment says."""
    session.execute(delete(DeskSetting).where(DeskSetting.name == name))
