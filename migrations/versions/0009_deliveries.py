"""Where candles came from, one row a run that one source brought within an hour; every line a file was refused for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
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

    op.create_table(
        "import_refusals",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_import_refusals_job_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_import_refusals_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name="fk_import_refusals_import_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name="pk_import_refusals"),
    )
    op.create_index("ix_import_refusals_user_id", "import_refusals", ["user_id"])
    op.create_index("ix_import_refusals_import_id", "import_refusals", ["import_id"])


def downgrade() -> None:
    op.drop_table("import_refusals")
    op.drop_table("candle_deliveries")
