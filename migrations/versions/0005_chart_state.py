"""Chart layouts and drawings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Drawings, layouts and small choices of a person, gone with the account."""
    op.create_table(
        "chart_drawings",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        _owner(),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("points", postgresql.JSONB(), nullable=False),
        sa.Column("colour", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), server_default="", nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint(
            "kind IN ('trend', 'ray', 'level', 'moment', 'box', 'fib', 'note')", name=op.f("ck_chart_drawings_kind")
        ),
        sa.CheckConstraint("colour BETWEEN 1 AND 8", name=op.f("ck_chart_drawings_colour")),
        _leaves("chart_drawings", "market_id", "markets.id"),
        _leaves("chart_drawings", "user_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chart_drawings")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_chart_drawings_user_id_key")),
    )
    op.create_index("ix_chart_drawings_market", "chart_drawings", ["market_id", "user_id"])
    op.create_table(
        "chart_layouts",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        _owner(),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("standard", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        _leaves("chart_layouts", "user_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chart_layouts")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_chart_layouts_user_id_name")),
    )
    op.create_index(
        "uq_chart_layouts_standard", "chart_layouts", ["user_id"], unique=True, postgresql_where=sa.text("standard")
    )
    op.create_table(
        "chart_settings",
        _owner(),
        sa.Column("content", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        _now("updated_at"),
        _leaves("chart_settings", "user_id", "users.id"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_chart_settings")),
    )


def downgrade() -> None:
    """Without them."""
    op.drop_table("chart_settings")
    op.drop_table("chart_layouts")
    op.drop_table("chart_drawings")


def _owner() -> sa.Column[int]:
    return sa.Column("user_id", sa.Integer(), nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _leaves(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")
