"""What follows from settled calls: what simple rules said, how models did beside them, findings about versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class CallRules(Base):
    """What two rules said at the close of a call's candle, and in what kind of market; append-only.

    `persistence`: class of the newest label that had ended by then. `momentum`: direction of the last bars, one
    horizon of them. `regime`: code of `ml.regimes`, −1 where too little came before.
    """

    __tablename__ = "call_rules"
    __table_args__ = (
        CheckConstraint("persistence IN ('bearish', 'neutral', 'bullish')", name="persistence"),
        CheckConstraint("momentum IN ('bearish', 'neutral', 'bullish')", name="momentum"),
        CheckConstraint("regime BETWEEN -1 AND 5", name="regime"),
    )

    prediction_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("predictions.id"), primary_key=True)
    persistence: Mapped[str]
    momentum: Mapped[str]
    regime: Mapped[int] = mapped_column(SmallInteger)


class StoredScorecard(Base):
    """The scorecard of a version in a market, drawn from its settled calls whenever one settles.

    `card` is `ml.scorecard.Scorecard` as JSON; `settled` calls went in; `newest` is the id of the newest.
    """

    __tablename__ = "scorecards"

    model_id: Mapped[int] = mapped_column(ForeignKey("trained_models.id"), primary_key=True)
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id"), primary_key=True)
    simulated: Mapped[bool]
    settled: Mapped[int]
    newest: Mapped[int] = mapped_column(BigInteger)
    card: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ModelReport(Base):
    """The newest finding of a kind about a version: `reference` (its training span), `drift`, or `rebuild`."""

    __tablename__ = "model_reports"
    __table_args__ = (CheckConstraint("kind IN ('reference', 'drift', 'rebuild')", name="kind"),)

    model_id: Mapped[int] = mapped_column(ForeignKey("trained_models.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    report: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Retraining(Base):
    """When a family is trained again: at the minutes of `cron` (UTC, empty for never) and, if wished, on drift.

    `asked_at` is the slot that was asked for last, so that none is asked for twice.
    """

    __tablename__ = "retraining"

    name: Mapped[str] = mapped_column(primary_key=True)
    cron: Mapped[str] = mapped_column(server_default="")
    on_drift: Mapped[bool] = mapped_column(server_default="false")
    asked_at: Mapped[datetime | None]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
