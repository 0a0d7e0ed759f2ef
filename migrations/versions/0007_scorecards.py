"""Promotion, drift and retraining."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column("trained_models", sa.Column("proven", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("trained_models", sa.Column("demoted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("trained_models", sa.Column("demoted_because", sa.String(), nullable=True))
    _call_rules()
    _scorecards()
    _model_reports()
    _retraining()


def _call_rules() -> None:
    classes = "IN ('bearish', 'neutral', 'bullish')"
    op.create_table(
        "call_rules",
        sa.Column("prediction_id", sa.BigInteger(), nullable=False),
        sa.Column("persistence", sa.String(), nullable=False),
        sa.Column("momentum", sa.String(), nullable=False),
        sa.Column("regime", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(f"persistence {classes}", name=op.f("ck_call_rules_persistence")),
        sa.CheckConstraint(f"momentum {classes}", name=op.f("ck_call_rules_momentum")),
        sa.CheckConstraint("regime BETWEEN -1 AND 5", name=op.f("ck_call_rules_regime")),
        sa.ForeignKeyConstraint(["prediction_id"], ["predictions.id"], name=op.f("fk_call_rules_prediction_id")),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_call_rules")),
    )
    op.execute(
        "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON call_rules FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute("CREATE TRIGGER keep_all BEFORE TRUNCATE ON call_rules EXECUTE FUNCTION refuse_change()")


def _scorecards() -> None:
    op.create_table(
        "scorecards",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("card", JSONB, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_scorecards_market_id")),
        sa.ForeignKeyConstraint(["model_id"], ["trained_models.id"], name=op.f("fk_scorecards_model_id")),
        sa.PrimaryKeyConstraint("model_id", "market_id", name=op.f("pk_scorecards")),
    )


def _model_reports() -> None:
    op.create_table(
        "model_reports",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("report", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("kind IN ('reference', 'drift', 'rebuild')", name=op.f("ck_model_reports_kind")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["trained_models.id"], name=op.f("fk_model_reports_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "kind", name=op.f("pk_model_reports")),
    )


def _retraining() -> None:
    op.create_table(
        "retraining",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cron", sa.String(), server_default="", nullable=False),
        sa.Column("on_drift", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_retraining_changed_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_retraining")),
    )


def downgrade() -> None:
    op.drop_table("retraining")
    op.drop_table("model_reports")
    op.drop_table("scorecards")
    op.drop_table("call_rules")
    for column in ("demoted_because", "demoted_at", "proven"):
        op.drop_column("trained_models", column)
