"""Everything Bolt holds of one account, for its holder. Hashes, sealed secrets, files and other people's rows stay out.

What belongs to an account is read from the tables themselves, so that no new table can be forgotten: rows that name
the account, and rows that go when such a row goes.
"""

from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, or_, select
from sqlalchemy.orm import Session

from db.base import Base

SECRET = {"password_hash", "token_hash", "refresh_hash", "request_hash", "code_hash", "sealed", "sid", "body"}


def everything(session: Session, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Rows by table name, in the order of their keys; tables without any are left out."""
    found = {}
    for table in sorted(Base.metadata.tables.values(), key=lambda t: t.name):
        owned = _owned(table, user_id)
        if owned is None:
            continue
        columns = [c for c in table.columns if c.name not in SECRET and not isinstance(c.type, LargeBinary)]
        rows = session.execute(select(*columns).where(owned).order_by(*table.primary_key.columns)).mappings()
        if listed := [dict(row) for row in rows]:
            found[table.name] = listed
    return found


def _owned(table: Table, user_id: int) -> ColumnElement[bool] | None:
    """Which rows are the account's; None for a table that holds nothing of accounts."""
    if table.name == "users":
        return table.c.id == user_id
    if table.name == "audit_events":  # names accounts that may be gone, so it holds no foreign key
        return table.c.actor_id == user_id
    naming = [key for key in table.foreign_keys if key.column.table.name == "users"]
    if naming:
        return or_(*(key.parent == user_id for key in naming))
    for key in table.foreign_keys:
        parent = key.column.table
        if key.ondelete == "CASCADE" and parent is not table and _goes_with_account(parent):
            condition = _owned(parent, user_id)
            return None if condition is None else key.parent.in_(select(key.column).where(condition))
    return None


def _goes_with_account(table: Table) -> bool:
    return any(key.column.table.name == "users" and key.ondelete == "CASCADE" for key in table.foreign_keys)
