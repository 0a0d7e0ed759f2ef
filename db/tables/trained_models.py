"""Versions of trained models."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class TrainedModel(Base):
    """One version. `name` is the family, such as `btc-usdt-1h-h24`; `job_id` is unique: a job publishes one version.

    `manifest` maps each file of `folder` (relative to the models folder) to its SHA-256.
    `card` holds metrics, baselines, spans and limits as the page shows them. `proven`: it became champion by passing
    every line of the promotion gate, and was not demoted since; `demoted_because` is a sentence.
    """

    __tablename__ = "trained_models"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        CheckConstraint("state IN ('candidate', 'champion', 'retired')", name="state"),
        Index("uq_trained_models_champion", "name", unique=True, postgresql_where=text("state = 'champion'")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]
    version: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="candidate")
    simulated: Mapped[bool]
    markets: Mapped[list[Any]]
    timeframe: Mapped[str]
    horizon: Mapped[int]
    config: Mapped[dict[str, Any]]
    card: Mapped[dict[str, Any]]
    manifest: Mapped[dict[str, Any]]
    folder: Mapped[str]
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), unique=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    proven: Mapped[bool] = mapped_column(server_default="false")
    demoted_at: Mapped[datetime | None]
    demoted_because: Mapped[str | None]


class LeakReport(Base):
    """The newest leak report of a version; `report` is `ml.leak_report.Report` as JSON."""

    __tablename__ = "leak_reports"

    model_id: Mapped[int] = mapped_column(ForeignKey("trained_models.id", ondelete="CASCADE"), primary_key=True)
    green: Mapped[bool]
    report: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
