"""Coarser candles, kept beside the finer ones; indexes for two lists that went through whole tables.

Series that are stored already get theirs from the job `build_pyramid`, one after the other, while Bolt runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FORGET = """
CREATE OR REPLACE FUNCTION forget_candles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM candles WHERE market_id = OLD.market_id AND timeframe = OLD.timeframe;
  {coarse}
  RETURN NULL;
END $$
"""
COARSE = "DELETE FROM coarse_candles WHERE market_id = OLD.market_id AND timeframe = OLD.timeframe;"


def upgrade() -> None:
    op.add_column("series", sa.Column("pyramid", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "coarse_candles",
        sa.Column("market_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("open_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.Double(), nullable=False),
        sa.Column("candles", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("market_id", "timeframe", "step", "open_time", name=op.f("pk_coarse_candles")),
    )
    op.execute(FORGET.format(coarse=COARSE))
    op.create_index("ix_jobs_name_created", "jobs", ["name", "created_at"])
    op.create_index("ix_prediction_outcomes_settled", "prediction_outcomes", ["settled_at"])


def downgrade() -> None:
    op.drop_index("ix_prediction_outcomes_settled", "prediction_outcomes")
    op.drop_index("ix_jobs_name_created", "jobs")
    op.execute(FORGET.format(coarse=""))
    op.drop_table("coarse_candles")
    op.drop_column("series", "pyramid")
