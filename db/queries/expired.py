"""Clearing away rows whose time is over, in passing: whoever comes by takes what nobody else is taking just now.

Two that delete the same rows in another order would wait for each other for ever; here none waits. A caller that locks
rows of the table too does so first and sweeps last.
"""

from typing import Any

from sqlalchemy import ColumnElement, delete, inspect, select, tuple_
from sqlalchemy.orm import Session

from db.base import Base


def sweep(session: Session, table: type[Base], over: ColumnElement[bool]) -> int:
    """Delete the rows that are over, but for those somebody else has locked; returns how many."""
    key: tuple[Any, ...] = inspect(table).primary_key
    free = select(*key).where(over).with_for_update(skip_locked=True)
    gone = delete(table).where(tuple_(*key).in_(free)).returning(*key).execution_options(synchronize_session=False)
    return len(session.execute(gone).all())
