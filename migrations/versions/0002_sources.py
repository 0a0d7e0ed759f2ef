"""Reference data of coins, stand-ins for silent exchanges, series that broke, and who asked for a job."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("markets", sa.Column("timeframes", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("asked_by", sa.String(), nullable=True))
    op.add_column("source_health", sa.Column("since", MOMENT, nullable=True))
    op.add_column("source_health", sa.Column("alerted_until", MOMENT, nullable=True))
    op.add_column("source_health", sa.Column("last_error", sa.String(), nullable=True))
    op.add_column("source_health", sa.Column("last_error_at", MOMENT, nullable=True))
    _stand_ins()
    _series_breaks()
    _coins()


def _stand_ins() -> None:
    op.create_table(
        "stand_ins",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("stand_in_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint("market_id <> stand_in_id", name=op.f("ck_stand_ins_another")),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_stand_ins_market_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["stand_in_id"], ["markets.id"], name=op.f("fk_stand_ins_stand_in_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_ins")),
    )
    op.create_index(
        "uq_stand_ins_serving",
        "stand_ins",
        ["market_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_stand_ins_stand_in_id", "stand_ins", ["stand_in_id"])


def _series_breaks() -> None:
    op.create_table(
        "series_breaks",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("new_first", MOMENT, nullable=False),
        sa.Column("old_last", MOMENT, nullable=False),
        sa.Column("old_close", sa.Double(), nullable=False),
        sa.Column("new_open", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("seen_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.CheckConstraint("state IN ('paused', 'apart', 'joined')", name=op.f("ck_series_breaks_state")),
        sa.ForeignKeyConstraint(
            ["market_id"], ["markets.id"], name=op.f("fk_series_breaks_market_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("market_id", "timeframe", "new_first", name=op.f("pk_series_breaks")),
    )


def _coins() -> None:
    op.create_table(
        "coins",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("market_cap", sa.Double(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("price_usd", sa.Double(), nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coins")),
    )
    op.create_index("ix_coins_symbol", "coins", ["symbol"])
    op.create_table(
        "price_checks",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("coin_id", sa.String(), nullable=False),
        sa.Column("ours", sa.Double(), nullable=False),
        sa.Column("theirs", sa.Double(), nullable=False),
        sa.Column("difference", sa.Double(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["market_id"], ["markets.id"], name=op.f("fk_price_checks_market_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("market_id", name=op.f("pk_price_checks")),
    )


def downgrade() -> None:
    for table in ("price_checks", "coins", "series_breaks", "stand_ins"):
        op.drop_table(table)
    for column in ("last_error_at", "last_error", "alerted_until", "since"):
        op.drop_column("source_health", column)
    op.drop_column("jobs", "asked_by")
    op.drop_column("markets", "timeframes")
