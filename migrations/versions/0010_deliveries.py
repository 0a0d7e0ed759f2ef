"""Where candles came from: one row a run of candles that one source brought within an hour."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "candle_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("first_open", MOMENT, nullable=False),
        sa.Column("last_open", MOMENT, nullable=False),
        sa.Column("candles", sa.Integer(), nullable=False),
        sa.Column("scattered", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), server_default="", nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("stored_until", MOMENT, nullable=False),
        sa.CheckConstraint("source IN ('import', 'history', 'top_up', 'stream', 'repair')", name="source"),
        sa.CheckConstraint("first_open <= last_open AND stored_at <= stored_until AND candles > 0", name="span"),
        sa.ForeignKeyConstraint(
            ["market_id", "timeframe"],
            ["series.market_id", "series.timeframe"],
            name="fk_candle_deliveries_series",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_candle_deliveries"),
    )
    op.create_index("ix_candle_deliveries_series", "candle_deliveries", ["market_id", "timeframe", "id"])


def downgrade() -> None:
    op.drop_table("candle_deliveries")
