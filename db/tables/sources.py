"""How exchanges answer, who stands in for one that is silent, series that broke, and what is known of coins."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class SourceHealth(Base):
    """The last answer of each exchange: ok, down, blocked or waiting (then until `wait_until`), so `since` a moment.

    `last_error` outlives the state it came with. `alerted_until`: admins were told of a ban that lasts until then.
    """

    __tablename__ = "source_health"
    __table_args__ = (CheckConstraint("state IN ('ok', 'down', 'blocked', 'waiting')", name="state"),)

    exchange: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    latency_ms: Mapped[float | None]
    checked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    wait_until: Mapped[datetime | None]
    since: Mapped[datetime | None]
    alerted_until: Mapped[datetime | None]
    last_error: Mapped[str | None]
    last_error_at: Mapped[datetime | None]


class StandIn(Base):
    """A market of another exchange that serves while the market's own is silent; its candles stay its own.

    `automatic`: followed for this alone, and no longer once it has ended.
    """

    __tablename__ = "stand_ins"
    __table_args__ = (
        CheckConstraint("market_id <> stand_in_id", name="another"),
        Index("uq_stand_ins_serving", "market_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_stand_ins_stand_in_id", "stand_in_id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"))
    stand_in_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"))
    reason: Mapped[str]
    automatic: Mapped[bool]
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SeriesBreak(Base):
    """A long hole after which the price is of another order: most likely another coin under the same name.

    `paused` until a person decides, `apart` where the older coin is left out for good, `joined` once somebody said that
    it is one coin. `old_last` is the open time of the last candle before the hole, `new_first` of the first after it.
    """

    __tablename__ = "series_breaks"
    __table_args__ = (CheckConstraint("state IN ('paused', 'apart', 'joined')", name="state"),)

    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"), primary_key=True)
    timeframe: Mapped[str] = mapped_column(primary_key=True)
    new_first: Mapped[datetime] = mapped_column(primary_key=True)
    old_last: Mapped[datetime]
    old_close: Mapped[float]
    new_open: Mapped[float]
    state: Mapped[str]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    decided_at: Mapped[datetime | None]


class Coin(Base):
    """A coin as CoinGecko lists it; `market_cap` and `price_usd` in US dollars. Never training history."""

    __tablename__ = "coins"
    __table_args__ = (Index("ix_coins_symbol", "symbol"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    symbol: Mapped[str]
    name: Mapped[str]
    market_cap: Mapped[float | None]
    rank: Mapped[int | None]
    price_usd: Mapped[float | None]
    updated_at: Mapped[datetime]


class ExchangeRate(Base):
    """How much of a currency a US dollar is worth, as CoinGecko said when it was asked."""

    __tablename__ = "exchange_rates"
    __table_args__ = (CheckConstraint("per_dollar > 0", name="positive"),)

    currency: Mapped[str] = mapped_column(primary_key=True)
    per_dollar: Mapped[float]
    asked_at: Mapped[datetime]


class PriceCheck(Base):
    """Our newest price of a market beside CoinGecko's; `difference` is ours / theirs - 1."""

    __tablename__ = "price_checks"

    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"), primary_key=True)
    coin_id: Mapped[str]
    ours: Mapped[float]
    theirs: Mapped[float]
    difference: Mapped[float]
    flagged: Mapped[bool]
    checked_at: Mapped[datetime]
