"""Rows exchanges told that are no candles, or are not believed yet, counted by series, source and reason."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "refused_rows",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('request', 'stream')", name=op.f("ck_refused_rows_source")),
        sa.CheckConstraint("n > 0", name=op.f("ck_refused_rows_n")),
        sa.ForeignKeyConstraint(
            ["market_id"], ["markets.id"], name=op.f("fk_refused_rows_market_id_markets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("market_id", "timeframe", "source", "reason", name=op.f("pk_refused_rows")),
    )


def downgrade() -> None:
    op.drop_table("refused_rows")
