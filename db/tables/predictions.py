"""Calls, written before their outcome exists, and their outcomes, written once afterwards.

What baselines said beside a call, and which settled calls rest on candles that were revised. All are append-only.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class Prediction(Base):
    """A call made at the close of a candle.

    `open_time` opens the candle the call was made on, `outcome_from` is when the first bar that can decide it closes
    and `due_at` when the last one closes. `made_at` is set by the database, and must be before `outcome_from`.
    Barriers are factors on the entry price (the open after `open_time`'s candle). `seq` counts from 1 without a hole;
    `hash` is SHA-256 over `prev_hash` (the hash of the row before) and the row, see `db.queries.ledger`. Both are
    written by the database, which lets one writer at a time. `form` says which columns the hash covers.

    `conformal_set`: the classes that cannot be ruled out at 90 %, such as `neutral,bullish`; `novelty`: how far the
    window lies from those the model learned from, 1 being the limit. Both are NULL where the model knows neither.
    `abstained`: the model would rather not call, `abstain_reason` (`novel` or `undecided`) says why; `call` still
    names the likeliest class, so that abstaining can be judged.
    """

    __tablename__ = "predictions"
    __table_args__ = (
        UniqueConstraint("model_id", "market_id", "timeframe", "open_time"),
        CheckConstraint("made_at < outcome_from", name="before_outcome"),
        CheckConstraint("made_at >= closed_at", name="after_close"),
        CheckConstraint("abs(p_bearish + p_neutral + p_bullish - 1) < 1e-6", name="sums_to_one"),
        CheckConstraint(
            "p_bearish BETWEEN 0 AND 1 AND p_neutral BETWEEN 0 AND 1 AND p_bullish BETWEEN 0 AND 1", name="probability"
        ),
        CheckConstraint("call IN ('bearish', 'neutral', 'bullish')", name="call"),
        CheckConstraint("abstained = (abstain_reason IS NOT NULL)", name="says_why"),
        Index("ix_predictions_market_time", "market_id", "timeframe", "open_time"),
        Index("ix_predictions_due", "due_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("trained_models.id"))
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id"))
    timeframe: Mapped[str]
    horizon: Mapped[int]
    open_time: Mapped[datetime]
    closed_at: Mapped[datetime]
    outcome_from: Mapped[datetime]
    due_at: Mapped[datetime]
    made_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    close: Mapped[float]
    sigma: Mapped[float]
    upper_factor: Mapped[float]
    lower_factor: Mapped[float]
    p_bearish: Mapped[float]
    p_neutral: Mapped[float]
    p_bullish: Mapped[float]
    call: Mapped[str]
    confidence: Mapped[float]
    simulated: Mapped[bool]
    form: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    conformal_set: Mapped[str | None]
    novelty: Mapped[float | None]
    abstained: Mapped[bool] = mapped_column(server_default=text("false"))
    abstain_reason: Mapped[str | None]
    seq: Mapped[int] = mapped_column(BigInteger, FetchedValue(), unique=True)
    prev_hash: Mapped[str] = mapped_column(FetchedValue())
    hash: Mapped[str] = mapped_column(FetchedValue())


class PredictionOutcome(Base):
    """What happened: the class, the return from entry to `t1`, and whether both barriers fell in one bar."""

    __tablename__ = "prediction_outcomes"
    __table_args__ = (
        CheckConstraint("outcome IN ('bearish', 'neutral', 'bullish')", name="outcome"),
        Index("ix_prediction_outcomes_settled", "settled_at"),
    )

    prediction_id: Mapped[int] = mapped_column(ForeignKey("predictions.id"), primary_key=True)
    outcome: Mapped[str]
    entry: Mapped[float]
    log_return: Mapped[float]
    ambiguous: Mapped[bool]
    t1: Mapped[datetime]
    log_loss: Mapped[float]
    brier: Mapped[float]
    settled_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    seq: Mapped[int] = mapped_column(BigInteger, FetchedValue(), unique=True)
    prev_hash: Mapped[str] = mapped_column(FetchedValue())
    hash: Mapped[str] = mapped_column(FetchedValue())


class PredictionBaseline(Base):
    """What a fitted baseline said of the same window as a call, written in the same transaction; append-only.

    `name` is a key of `ml.simple_models`. Stamped by the database, which refuses it once the first bar that can decide
    the call has closed. `hash` is SHA-256 over `prev_hash`, the row and the hash of its call, see `db.queries.ledger`.
    """

    __tablename__ = "prediction_baselines"
    __table_args__ = (
        CheckConstraint("name IN ('logistic', 'boosting')", name="name"),
        CheckConstraint("abs(p_bearish + p_neutral + p_bullish - 1) < 1e-6", name="sums_to_one"),
        CheckConstraint(
            "p_bearish BETWEEN 0 AND 1 AND p_neutral BETWEEN 0 AND 1 AND p_bullish BETWEEN 0 AND 1", name="probability"
        ),
    )

    prediction_id: Mapped[int] = mapped_column(ForeignKey("predictions.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    p_bearish: Mapped[float]
    p_neutral: Mapped[float]
    p_bullish: Mapped[float]
    made_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    seq: Mapped[int] = mapped_column(BigInteger, FetchedValue(), unique=True)
    prev_hash: Mapped[str] = mapped_column(FetchedValue())
    hash: Mapped[str] = mapped_column(FetchedValue())


class OutcomeRevision(Base):
    """A candle under a settled call that its exchange told differently afterwards; append-only.

    The outcome stays as it was written. `outcome`, `log_return` and `t1` are what it would be with the candles as they
    stood when this was noted, None where they no longer tell; `differs`: another outcome than was written.
    """

    __tablename__ = "outcome_revisions"
    __table_args__ = (CheckConstraint("outcome IN ('bearish', 'neutral', 'bullish')", name="outcome"),)

    prediction_id: Mapped[int] = mapped_column(ForeignKey("prediction_outcomes.prediction_id"), primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("candle_revisions.id"), primary_key=True)
    outcome: Mapped[str | None]
    log_return: Mapped[float | None]
    t1: Mapped[datetime | None]
    differs: Mapped[bool]
    noted_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LedgerHead(Base):
    """The newest row of a chain, noted by a trigger, so that rows cut off its end are missed. `name` is the table."""

    __tablename__ = "ledger_heads"

    name: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]
