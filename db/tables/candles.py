"""Markets, their series and candles, files that were imported, and how sources are doing."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Stamped


class Market(Stamped, Base):
    """A symbol on an exchange. `simulated` markets come from the demo exchange and never enter a real score.

    `timeframes` are the ones fetched while it is followed ("1m,1h"), None for the usual ones.
    """

    __tablename__ = "markets"
    __table_args__ = (UniqueConstraint("exchange", "symbol"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    exchange: Mapped[str]
    symbol: Mapped[str]
    simulated: Mapped[bool] = mapped_column(server_default=text("false"))
    followed: Mapped[bool] = mapped_column(server_default=text("false"))
    price_decimals: Mapped[int | None]
    timeframes: Mapped[str | None]


class Series(Base):
    """What is stored of a market at a timeframe; kept by whoever stores candles, in the same transaction.

    `asked_back_to` is how far back its exchange was asked for the past, page by page; None before the first page.
    `pyramid`: its coarser candles are complete, and kept by every writer; else they are still to be built.
    """

    __tablename__ = "series"

    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"), primary_key=True)
    timeframe: Mapped[str] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(server_default="0")
    first_open: Mapped[datetime | None]
    last_open: Mapped[datetime | None]
    gaps: Mapped[int] = mapped_column(server_default="0")
    missing: Mapped[int] = mapped_column(server_default="0")
    flagged: Mapped[int] = mapped_column(server_default="0")
    asked_back_to: Mapped[datetime | None]
    pyramid: Mapped[bool] = mapped_column(server_default=text("false"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Candle(Base):
    """A closed candle. Partitioned by timeframe; `flags` bit 1: a wick far outside its neighbours.

    It belongs to its `series` row, which every writer holds locked and whose deletion deletes it (trigger `forget`).
    A foreign key would say the same and cost half of the time of a bulk load.
    """

    __tablename__ = "candles"
    __table_args__ = (
        CheckConstraint(
            "low > 0 AND low <= LEAST(open, close) AND high >= GREATEST(open, close) AND high < 'Infinity'::float8"
            " AND volume >= 0 AND volume < 'Infinity'::float8",
            name="ohlcv",
        ),
        {"postgresql_partition_by": "LIST (timeframe)"},
    )

    market_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    timeframe: Mapped[str] = mapped_column(primary_key=True)
    open_time: Mapped[datetime] = mapped_column(primary_key=True)
    open: Mapped[float]
    high: Mapped[float]
    low: Mapped[float]
    close: Mapped[float]
    volume: Mapped[float]
    flags: Mapped[int] = mapped_column(server_default="0")


class CoarseCandle(Base):
    """A bar of `step` minutes made of `candles` stored candles of one series, the one of its market and `timeframe`.

    Derived, never fetched: whoever stores candles keeps them in the same transaction, and trigger `forget` deletes
    them with the series.
    """

    __tablename__ = "coarse_candles"

    market_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    timeframe: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    open_time: Mapped[datetime] = mapped_column(primary_key=True)
    open: Mapped[float]
    high: Mapped[float]
    low: Mapped[float]
    close: Mapped[float]
    volume: Mapped[float]
    candles: Mapped[int]


class CandleRevision(Base):
    """A closed candle that came back from an exchange (`source`) with other values than were stored.

    `weighed`: settled calls that rest on it are marked (`outcome_revisions`).
    """

    __tablename__ = "candle_revisions"
    __table_args__ = (
        Index("ix_candle_revisions_candle", "market_id", "timeframe", "open_time"),
        Index("ix_candle_revisions_at", "at"),
        Index("ix_candle_revisions_unweighed", "id", postgresql_where=text("NOT weighed")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"))
    timeframe: Mapped[str]
    open_time: Mapped[datetime]
    old_open: Mapped[float]
    old_high: Mapped[float]
    old_low: Mapped[float]
    old_close: Mapped[float]
    old_volume: Mapped[float]
    new_open: Mapped[float]
    new_high: Mapped[float]
    new_low: Mapped[float]
    new_close: Mapped[float]
    new_volume: Mapped[float]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    source: Mapped[str]
    weighed: Mapped[bool] = mapped_column(server_default=text("false"))


class CandleDelivery(Base):
    """A run of candles that one source brought: how (`source`), from where (`detail`), and when it was stored.

    A run that goes on within an hour is one row, stored from `stored_at` to `stored_until`; `answered_at` is when its
    last part was told. `scattered`: of the candles between both ends others came from elsewhere. Goes with its series.
    """

    __tablename__ = "candle_deliveries"
    __table_args__ = (
        CheckConstraint("source IN ('import', 'history', 'top_up', 'stream', 'repair')", name="source"),
        CheckConstraint("first_open <= last_open AND stored_at <= stored_until AND candles > 0", name="span"),
        ForeignKeyConstraint(
            ["market_id", "timeframe"],
            ["series.market_id", "series.timeframe"],
            name="fk_candle_deliveries_series",
            ondelete="CASCADE",
        ),
        Index("ix_candle_deliveries_series", "market_id", "timeframe", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    market_id: Mapped[int]
    timeframe: Mapped[str]
    first_open: Mapped[datetime]
    last_open: Mapped[datetime]
    candles: Mapped[int]
    scattered: Mapped[bool]
    source: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[datetime | None]
    stored_at: Mapped[datetime]
    stored_until: Mapped[datetime]


class Gap(Base):
    """A hole of a followed series: `count` candles missing from `first_missing` on.

    `confirmed` once the exchange had nothing there in three answers, each half a minute or more after the one before.
    """

    __tablename__ = "gaps"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'confirmed', 'filled')", name="state"),
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("(state = 'confirmed') <= (answers >= 3)", name="answers"),
        Index("ix_gaps_state", "state", "asked_at"),
    )

    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"), primary_key=True)
    timeframe: Mapped[str] = mapped_column(primary_key=True)
    first_missing: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]
    answers: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(server_default="open")
    seen_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class RefusedRow(Base):
    """How many rows of a series an exchange told that were not stored, for one `reason`; told again counts again.

    `source` is how they came: as an answer to a request, or by a stream.
    """

    __tablename__ = "refused_rows"
    __table_args__ = (
        CheckConstraint("source IN ('request', 'stream')", name="source"),
        CheckConstraint("n > 0", name="n"),
    )

    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"), primary_key=True)
    timeframe: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]


class Import(Base):
    """A file that was imported: what came of it, with every line that was refused or replaced in `report`."""

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"), index=True)
    timeframe: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    file_name: Mapped[str]
    stored: Mapped[int]
    unchanged: Mapped[int]
    duplicates: Mapped[int]
    refused: Mapped[int]
    gaps: Mapped[int]
    missing: Mapped[int]
    report: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ImportRefusal(Base):
    """Every refused line of a file that somebody handed in, for that person; it goes with the job.

    `lines` is zlib of lines `number TAB reason`; `import_id` where the rest of the file was stored.
    """

    __tablename__ = "import_refusals"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), index=True)
    file_name: Mapped[str]
    count: Mapped[int]
    lines: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Upload(Base):
    """A file handed in on the page, kept until a worker on any host has imported it."""

    __tablename__ = "uploads"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    file_name: Mapped[str]
    content: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
