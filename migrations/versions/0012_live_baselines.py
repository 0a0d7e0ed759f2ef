"""What fitted baselines say beside each call, chained; settled calls whose candles were revised later, marked."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The hash covers the hash of the call as well: a forecast cannot be moved to another call, nor kept beside a changed
# one. It is stamped here, and refused once the first bar that can decide the call has closed.
CHAIN_BASELINE = """
CREATE FUNCTION chain_baseline() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last record;
DECLARE call record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('prediction_baselines', 0));
  SELECT hash, outcome_from INTO call FROM predictions WHERE id = NEW.prediction_id;
  SELECT seq, hash INTO last FROM prediction_baselines ORDER BY seq DESC LIMIT 1;
  NEW.made_at := clock_timestamp();
  IF NEW.made_at >= call.outcome_from THEN
    RAISE EXCEPTION 'prediction_baselines: before_outcome refused' USING ERRCODE = 'check_violation';
  END IF;
  NEW.seq := coalesce(last.seq, 0) + 1;
  NEW.prev_hash := coalesce(last.hash, repeat('0', 64));
  NEW.hash := ledger_hash(
    NEW.prev_hash, NEW.seq::text, NEW.prediction_id::text, NEW.name, ledger_number(NEW.p_bearish),
    ledger_number(NEW.p_neutral), ledger_number(NEW.p_bullish), ledger_moment(NEW.made_at), call.hash);
  RETURN NEW;
END $$
"""
KEEP = "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
KEEP_ALL = "CREATE TRIGGER keep_all BEFORE TRUNCATE ON {} EXECUTE FUNCTION refuse_change()"
ONE = "p_bearish BETWEEN 0 AND 1 AND p_neutral BETWEEN 0 AND 1 AND p_bullish BETWEEN 0 AND 1"


def upgrade() -> None:
    _baselines()
    _revisions()


def _baselines() -> None:
    op.create_table(
        "prediction_baselines",
        sa.Column("prediction_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("p_bearish", sa.Float(), nullable=False),
        sa.Column("p_neutral", sa.Float(), nullable=False),
        sa.Column("p_bullish", sa.Float(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("name IN ('logistic', 'boosting')", name=op.f("ck_prediction_baselines_name")),
        sa.CheckConstraint(ONE, name=op.f("ck_prediction_baselines_probability")),
        sa.CheckConstraint(
            "abs(p_bearish + p_neutral + p_bullish - 1) < 1e-6", name=op.f("ck_prediction_baselines_sums_to_one")
        ),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_prediction_baselines_prediction_id")
        ),
        sa.PrimaryKeyConstraint("prediction_id", "name", name=op.f("pk_prediction_baselines")),
        sa.UniqueConstraint("seq", name=op.f("uq_prediction_baselines_seq")),
    )
    op.execute(CHAIN_BASELINE)
    op.execute(
        "CREATE TRIGGER chain BEFORE INSERT ON prediction_baselines FOR EACH ROW EXECUTE FUNCTION chain_baseline()"
    )
    op.execute("CREATE TRIGGER head AFTER INSERT ON prediction_baselines FOR EACH ROW EXECUTE FUNCTION note_head()")
    op.execute(KEEP.format("prediction_baselines"))
    op.execute(KEEP_ALL.format("prediction_baselines"))


def _revisions() -> None:
    op.add_column("candle_revisions", sa.Column("weighed", sa.Boolean(), server_default="false", nullable=False))
    op.create_index(
        "ix_candle_revisions_unweighed", "candle_revisions", ["id"], postgresql_where=sa.text("NOT weighed")
    )
    op.create_table(
        "outcome_revisions",
        sa.Column("prediction_id", sa.BigInteger(), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("log_return", sa.Float(), nullable=True),
        sa.Column("t1", sa.DateTime(timezone=True), nullable=True),
        sa.Column("differs", sa.Boolean(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("outcome IN ('bearish', 'neutral', 'bullish')", name=op.f("ck_outcome_revisions_outcome")),
        sa.ForeignKeyConstraint(
            ["prediction_id"],
            ["prediction_outcomes.prediction_id"],
            name=op.f("fk_outcome_revisions_prediction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["candle_revisions.id"], name=op.f("fk_outcome_revisions_revision_id")
        ),
        sa.PrimaryKeyConstraint("prediction_id", "revision_id", name=op.f("pk_outcome_revisions")),
    )
    op.execute(KEEP.format("outcome_revisions"))
    op.execute(KEEP_ALL.format("outcome_revisions"))


def downgrade() -> None:
    op.drop_table("outcome_revisions")
    op.drop_index("ix_candle_revisions_unweighed", table_name="candle_revisions")
    op.drop_column("candle_revisions", "weighed")
    op.drop_table("prediction_baselines")
    op.execute("DROP FUNCTION chain_baseline()")
    op.execute("DELETE FROM ledger_heads WHERE name = 'prediction_baselines'")
