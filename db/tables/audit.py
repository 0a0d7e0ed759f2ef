"""Who did what to which, when, from where, with what result. Append-only, each row bound to the one before it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class AuditEvent(Base):
    """`hash` is SHA-256 over `previous` (the hash of the row before) and this row; see `db.queries.audit`.

    `actor_id` refers to no table: what somebody did stays when the account goes.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        CheckConstraint("result IN ('ok', 'failed', 'denied')", name="result"),
        Index("ix_audit_events_actor", "actor_id", "id"),
        Index("ix_audit_events_action", "action", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor: Mapped[str]
    action: Mapped[str]
    object: Mapped[str]
    ip: Mapped[str]
    result: Mapped[str]
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str]
    hash: Mapped[str]
