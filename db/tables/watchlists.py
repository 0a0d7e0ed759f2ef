"""What each person watches, and which markets exchanges say they have."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Stamped


class Watchlist(Stamped, Base):
    """A list of markets in its person's order. `sort` names a column, or `own` for that order; `version` grows."""

    __tablename__ = "watchlists"
    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 40", name="name"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    chosen: Mapped[bool] = mapped_column(server_default=text("false"))
    sort: Mapped[str] = mapped_column(server_default="own")
    descending: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default="1")


class WatchlistEntry(Base):
    """A market of a list; `place` counts from 0."""

    __tablename__ = "watchlist_entries"

    watchlist_id: Mapped[int] = mapped_column(ForeignKey("watchlists.id", ondelete="CASCADE"), primary_key=True)
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"), primary_key=True, index=True)
    place: Mapped[int]


class Listing(Base):
    """A spot market that an exchange of the settings offers, whether or not it is followed here."""

    __tablename__ = "listings"
    __table_args__ = (Index("ix_listings_symbol", "symbol"),)

    exchange: Mapped[str] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(primary_key=True)
    price_decimals: Mapped[int | None]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
