"""Background jobs: the truth about them. Redis only carries the call."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class Job(Base):
    """`attempt` fences: what a job publishes is published only while its attempt is the current one.

    `dedupe` names the work; at most one open job may have it. `progress` is what the page shows. `asked_by` says who
    asked where no account did, such as "command line"; without either it was the schedule.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')", name="state"),
        CheckConstraint("(state = 'running') = (heartbeat_at IS NOT NULL)", name="heartbeat"),
        Index(
            "uq_jobs_open_dedupe",
            "dedupe",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running', 'retrying')"),
        ),
        Index("ix_jobs_state_queue", "state", "queue"),
        Index("ix_jobs_owner_created", "owner_id", "created_at"),
        Index("ix_jobs_name_created", "name", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()::text"))
    name: Mapped[str]
    queue: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    dedupe: Mapped[str | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    asked_by: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="queued")
    attempt: Mapped[int] = mapped_column(server_default="0")
    max_attempts: Mapped[int] = mapped_column(server_default="3")
    run_after: Mapped[datetime] = mapped_column(server_default=func.now())
    progress: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    result: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    heartbeat_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]


class Lease(Base):
    """Who holds a role of which there is exactly one (the scheduler), until when."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    expires_at: Mapped[datetime]


class ScheduleSlot(Base):
    """The last slot of each scheduled job that was enqueued, so that no slot is run twice."""

    __tablename__ = "schedule_slots"

    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime]
