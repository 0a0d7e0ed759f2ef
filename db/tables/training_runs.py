"""Walk-forward trainings and the parts they are made of: one part a fold and seed, each a job of its own."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class TrainingRun(Base):
    """`job_id`: the job that asked for it and assembles it. `config`: `ml.config.TrainingConfig` as JSON.

    `until_ms`: candles up to this moment take part. `candles`: SHA-256 of the file they were kept in for all parts.
    """

    __tablename__ = "training_runs"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    config: Mapped[dict[str, Any]]
    until_ms: Mapped[int] = mapped_column(BigInteger)
    candles: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TrainingPart(Base):
    """One network of a run. `kind`: `lstm`, or `shuffled` for the one that learns from shuffled labels.

    `files` maps the name of each file it left in the run's folder to its SHA-256; `metrics` are as `ml.parts` made
    them. A part is `done` when both are there; whether it runs or failed is in the row of its job.
    """

    __tablename__ = "training_parts"
    __table_args__ = (
        CheckConstraint("kind IN ('lstm', 'shuffled')", name="kind"),
        CheckConstraint("state IN ('waiting', 'done')", name="state"),
        Index("ix_training_parts_job_id", "job_id"),
    )

    run_id: Mapped[str] = mapped_column(ForeignKey("training_runs.job_id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    fold: Mapped[int] = mapped_column(primary_key=True)
    seed: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default="waiting")
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    metrics: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    files: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
