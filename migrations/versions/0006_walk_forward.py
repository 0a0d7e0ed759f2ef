"""Walk-forward runs and their parts; what a call rules out, how new its window is, and whether it abstains.

Calls written before keep form 1 of the hash, which does not know the new columns; calls from now on carry form 2.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CHAIN = """
CREATE OR REPLACE FUNCTION chain_prediction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('predictions', 0));
  SELECT seq, hash INTO last FROM predictions ORDER BY seq DESC LIMIT 1;
  NEW.made_at := clock_timestamp();
  NEW.seq := coalesce(last.seq, 0) + 1;
  NEW.prev_hash := coalesce(last.hash, repeat('0', 64));{form}
  NEW.hash := ledger_hash(
    NEW.prev_hash, NEW.seq::text, NEW.id::text, NEW.model_id::text, NEW.market_id::text, NEW.timeframe,
    NEW.horizon::text, ledger_moment(NEW.open_time), ledger_moment(NEW.closed_at), ledger_moment(NEW.outcome_from),
    ledger_moment(NEW.due_at), ledger_moment(NEW.made_at), ledger_number(NEW.close), ledger_number(NEW.sigma),
    ledger_number(NEW.upper_factor), ledger_number(NEW.lower_factor), ledger_number(NEW.p_bearish),
    ledger_number(NEW.p_neutral), ledger_number(NEW.p_bullish), NEW.call, ledger_number(NEW.confidence),
    NEW.simulated::text{columns});
  RETURN NEW;
END $$
"""
FORM_1 = CHAIN.format(form="", columns="")
FORM_2 = CHAIN.format(
    form="\n  NEW.form := 2;",
    columns=", NEW.form::text, NEW.conformal_set, ledger_number(NEW.novelty), NEW.abstained::text, NEW.abstain_reason",
)


def upgrade() -> None:
    _widen_calls()
    op.execute(FORM_2)
    op.create_table(
        "training_runs",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("config", postgresql.JSONB(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("candles", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_training_runs")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_training_runs_job_id"), ondelete="CASCADE"),
    )
    op.create_table(
        "training_parts",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fold", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("metrics", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("files", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.CheckConstraint("kind IN ('lstm', 'shuffled')", name=op.f("ck_training_parts_kind")),
        sa.CheckConstraint("state IN ('waiting', 'done')", name=op.f("ck_training_parts_state")),
        sa.PrimaryKeyConstraint("run_id", "kind", "fold", "seed", name=op.f("pk_training_parts")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["training_runs.job_id"], name=op.f("fk_training_parts_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_training_parts_job_id"), ondelete="SET NULL"),
    )
    op.create_index("ix_training_parts_job_id", "training_parts", ["job_id"])


def _widen_calls() -> None:
    op.add_column("predictions", sa.Column("form", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column("predictions", sa.Column("conformal_set", sa.String(), nullable=True))
    op.add_column("predictions", sa.Column("novelty", sa.Float(), nullable=True))
    op.add_column("predictions", sa.Column("abstained", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("predictions", sa.Column("abstain_reason", sa.String(), nullable=True))
    op.create_check_constraint("says_why", "predictions", "abstained = (abstain_reason IS NOT NULL)")


def downgrade() -> None:
    op.drop_table("training_parts")
    op.drop_table("training_runs")
    op.execute(FORM_1)
    op.drop_constraint(op.f("ck_predictions_says_why"), "predictions")
    for column in ("abstain_reason", "abstained", "novelty", "conformal_set", "form"):
        op.drop_column("predictions", column)
