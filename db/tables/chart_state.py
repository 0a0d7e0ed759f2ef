"""What a person keeps of the Charts page: drawings, named layouts, and small choices."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Stamped


class ChartDrawing(Stamped, Base):
    """A line, level, box or note on a market's chart, on all timeframes. `key` is made by the browser.

    `points` are its anchors, `[ms UTC, price]` each; `colour` is the number of a token --overlay-1 … --overlay-8.
    """

    __tablename__ = "chart_drawings"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        CheckConstraint("kind IN ('trend', 'ray', 'level', 'moment', 'box', 'fib', 'note')", name="kind"),
        CheckConstraint("colour BETWEEN 1 AND 8", name="colour"),
        Index("ix_chart_drawings_market", "market_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="CASCADE"))
    key: Mapped[str]
    kind: Mapped[str]
    points: Mapped[list[Any]]
    colour: Mapped[int]
    text: Mapped[str] = mapped_column(server_default="")


class ChartLayout(Stamped, Base):
    """A named set of indicators, chart type and scale. At most one of a person's layouts is where a reset goes to."""

    __tablename__ = "chart_layouts"
    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        Index("uq_chart_layouts_standard", "user_id", unique=True, postgresql_where=text("standard")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    content: Mapped[dict[str, Any]]
    standard: Mapped[bool] = mapped_column(server_default=text("false"))


class ChartSettings(Base):
    """A person's other choices: favourite timeframes, markets looked at last, and how the chart looked last."""

    __tablename__ = "chart_settings"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
