"""The first schema: accounts, candles, jobs, models, predictions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d", "1w")

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""
LEDGER = """
CREATE FUNCTION ledger_number(value double precision) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN encode(float8send(value), 'hex');
CREATE FUNCTION ledger_moment(value timestamptz) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN ((extract(epoch FROM value) * 1000000)::bigint)::text;
CREATE FUNCTION ledger_hash(VARIADIC words text[]) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN encode(sha256(convert_to(array_to_string(words, E'\\n', '-'), 'UTF8')), 'hex');
CREATE FUNCTION note_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ledger_heads AS h (name, seq, hash) VALUES (TG_TABLE_NAME, NEW.seq, NEW.hash)
  ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, hash = excluded.hash WHERE h.seq < excluded.seq;
  RETURN NULL;
END $$
"""
CHAIN_PREDICTION = """
CREATE FUNCTION chain_prediction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('predictions', 0));
  SELECT seq, hash INTO last FROM predictions ORDER BY seq DESC LIMIT 1;
  NEW.made_at := clock_timestamp();
  NEW.seq := coalesce(last.seq, 0) + 1;
  NEW.prev_hash := coalesce(last.hash, repeat('0', 64));
  NEW.hash := ledger_hash(
    NEW.prev_hash, NEW.seq::text, NEW.id::text, NEW.model_id::text, NEW.market_id::text, NEW.timeframe,
    NEW.horizon::text, ledger_moment(NEW.open_time), ledger_moment(NEW.closed_at), ledger_moment(NEW.outcome_from),
    ledger_moment(NEW.due_at), ledger_moment(NEW.made_at), ledger_number(NEW.close), ledger_number(NEW.sigma),
    ledger_number(NEW.upper_factor), ledger_number(NEW.lower_factor), ledger_number(NEW.p_bearish),
    ledger_number(NEW.p_neutral), ledger_number(NEW.p_bullish), NEW.call, ledger_number(NEW.confidence),
    NEW.simulated::text);
  RETURN NEW;
END $$
"""
CHAIN_OUTCOME = """
CREATE FUNCTION chain_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('prediction_outcomes', 0));
  SELECT seq, hash INTO last FROM prediction_outcomes ORDER BY seq DESC LIMIT 1;
  NEW.settled_at := clock_timestamp();
  NEW.seq := coalesce(last.seq, 0) + 1;
  NEW.prev_hash := coalesce(last.hash, repeat('0', 64));
  NEW.hash := ledger_hash(
    NEW.prev_hash, NEW.seq::text, NEW.prediction_id::text, NEW.outcome, ledger_number(NEW.entry),
    ledger_number(NEW.log_return), NEW.ambiguous::text, ledger_moment(NEW.t1), ledger_number(NEW.log_loss),
    ledger_number(NEW.brier), ledger_moment(NEW.settled_at));
  RETURN NEW;
END $$
"""
FORGET_CANDLES = """
CREATE FUNCTION forget_candles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM candles WHERE market_id = OLD.market_id AND timeframe = OLD.timeframe;
  RETURN NULL;
END $$
"""

OWNER_STAYS = """
CREATE FUNCTION owner_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the owner cannot be removed' USING ERRCODE = 'restrict_violation';
END $$
"""


def _guard_accounts() -> None:
    op.execute(OWNER_STAYS)
    op.execute(
        "CREATE TRIGGER owner_stays BEFORE DELETE ON users FOR EACH ROW "
        "WHEN (OLD.is_owner) EXECUTE FUNCTION owner_stays()"
    )
    op.execute(
        "CREATE TRIGGER owner_keeps BEFORE UPDATE OF is_owner ON users FOR EACH ROW "
        "WHEN (OLD.is_owner AND NOT NEW.is_owner) EXECUTE FUNCTION owner_stays()"
    )


def _guard_audit() -> None:
    op.execute(
        "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute("CREATE TRIGGER keep_all BEFORE TRUNCATE ON audit_events EXECUTE FUNCTION refuse_change()")


def _partition_candles() -> None:
    for name in TIMEFRAMES:
        op.execute(f"CREATE TABLE candles_{name} PARTITION OF candles FOR VALUES IN ('{name}')")
    op.execute(FORGET_CANDLES)
    op.execute("CREATE TRIGGER forget AFTER DELETE ON series FOR EACH ROW EXECUTE FUNCTION forget_candles()")


def _guard_predictions() -> None:
    for function in (REFUSE_CHANGE, LEDGER, CHAIN_PREDICTION, CHAIN_OUTCOME):
        op.execute(function)
    for table, chain in (("predictions", "chain_prediction"), ("prediction_outcomes", "chain_outcome")):
        op.execute(f"CREATE TRIGGER chain BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {chain}()")
        op.execute(f"CREATE TRIGGER head AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION note_head()")
        op.execute(
            f"CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"CREATE TRIGGER keep_all BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()")


def upgrade() -> None:
    op.create_table(
        "ended_sessions",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_ended_sessions")),
    )
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttles")),
    )
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("instance_id", sa.String(), server_default=sa.text("gen_random_uuid()::text"), nullable=False),
        sa.Column("demo_enabled", sa.Boolean(), nullable=True),
        sa.Column("demo_url", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_instance_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "markets",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("followed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("price_decimals", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_markets")),
        sa.UniqueConstraint("exchange", "symbol", name=op.f("uq_markets_exchange_symbol")),
    )
    op.create_table(
        "schedule_slots",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule_slots")),
    )
    op.create_table(
        "source_health",
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), server_default="", nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('ok', 'down', 'blocked', 'waiting')", name=op.f("ck_source_health_state")),
        sa.PrimaryKeyConstraint("exchange", name=op.f("pk_source_health")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), server_default="", nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), server_default="viewer", nullable=False),
        sa.Column("is_owner", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("session_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "preferences",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "NOT is_owner OR (role = 'admin' AND disabled_at IS NULL)", name=op.f("ck_users_owner_stays")
        ),
        sa.CheckConstraint("role IN ('viewer', 'analyst', 'admin')", name=op.f("ck_users_role")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_index("uq_users_one_owner", "users", ["is_owner"], unique=True, postgresql_where=sa.text("is_owner"))
    op.create_table(
        "candles",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("open_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.Double(), nullable=False),
        sa.Column("flags", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "low > 0 AND low <= LEAST(open, close) AND high >= GREATEST(open, close) AND high < 'Infinity'::float8 AND volume >= 0 AND volume < 'Infinity'::float8",
            name=op.f("ck_candles_ohlcv"),
        ),
        sa.PrimaryKeyConstraint("market_id", "timeframe", "open_time", name=op.f("pk_candles")),
        postgresql_partition_by="LIST (timeframe)",
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column(
            "report", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_imports_market_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_imports_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_market_id"), "imports", ["market_id"], unique=False)
    op.create_index(op.f("ix_imports_user_id"), "imports", ["user_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(), server_default=sa.text("gen_random_uuid()::text"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column(
            "args", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("dedupe", sa.String(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="3", nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "progress", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'running') = (heartbeat_at IS NOT NULL)", name=op.f("ck_jobs_heartbeat")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_jobs_owner_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_owner_created", "jobs", ["owner_id", "created_at"], unique=False)
    op.create_index("ix_jobs_state_queue", "jobs", ["state", "queue"], unique=False)
    op.create_index(
        "uq_jobs_open_dedupe",
        "jobs",
        ["dedupe"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running', 'retrying')"),
    )
    op.create_table(
        "series",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_open", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_open", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gaps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missing", sa.Integer(), server_default="0", nullable=False),
        sa.Column("flagged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("asked_back_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_series_market_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("market_id", "timeframe", name=op.f("pk_series")),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_uploads_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_user_id"), "uploads", ["user_id"], unique=False)
    op.create_table(
        "trained_models",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="candidate", nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("markets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("card", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('candidate', 'champion', 'retired')", name=op.f("ck_trained_models_state")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_trained_models_job_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_trained_models_owner_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trained_models")),
        sa.UniqueConstraint("job_id", name=op.f("uq_trained_models_job_id")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_trained_models_name_version")),
    )
    op.create_index(op.f("ix_trained_models_owner_id"), "trained_models", ["owner_id"], unique=False)
    op.create_index(
        "uq_trained_models_champion",
        "trained_models",
        ["name"],
        unique=True,
        postgresql_where=sa.text("state = 'champion'"),
    )
    op.create_table(
        "gaps",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("first_missing", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'filled')", name=op.f("ck_gaps_state")),
        sa.CheckConstraint("count > 0", name=op.f("ck_gaps_count")),
        sa.CheckConstraint("(state = 'confirmed') <= (answers >= 3)", name=op.f("ck_gaps_answers")),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_gaps_market_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("market_id", "timeframe", "first_missing", name=op.f("pk_gaps")),
    )
    op.create_index("ix_gaps_state", "gaps", ["state", "asked_at"], unique=False)
    op.create_table(
        "candle_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("open_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("old_open", sa.Double(), nullable=False),
        sa.Column("old_high", sa.Double(), nullable=False),
        sa.Column("old_low", sa.Double(), nullable=False),
        sa.Column("old_close", sa.Double(), nullable=False),
        sa.Column("old_volume", sa.Double(), nullable=False),
        sa.Column("new_open", sa.Double(), nullable=False),
        sa.Column("new_high", sa.Double(), nullable=False),
        sa.Column("new_low", sa.Double(), nullable=False),
        sa.Column("new_close", sa.Double(), nullable=False),
        sa.Column("new_volume", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["market_id"], ["markets.id"], name=op.f("fk_candle_revisions_market_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candle_revisions")),
    )
    op.create_index(
        "ix_candle_revisions_candle", "candle_revisions", ["market_id", "timeframe", "open_time"], unique=False
    )
    op.create_index("ix_candle_revisions_at", "candle_revisions", ["at"], unique=False)
    op.create_table(
        "predictions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("open_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("sigma", sa.Double(), nullable=False),
        sa.Column("upper_factor", sa.Double(), nullable=False),
        sa.Column("lower_factor", sa.Double(), nullable=False),
        sa.Column("p_bearish", sa.Double(), nullable=False),
        sa.Column("p_neutral", sa.Double(), nullable=False),
        sa.Column("p_bullish", sa.Double(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("call IN ('bearish', 'neutral', 'bullish')", name=op.f("ck_predictions_call")),
        sa.CheckConstraint(
            "abs(p_bearish + p_neutral + p_bullish - 1) < 1e-6", name=op.f("ck_predictions_sums_to_one")
        ),
        sa.CheckConstraint("made_at < outcome_from", name=op.f("ck_predictions_before_outcome")),
        sa.CheckConstraint("made_at >= closed_at", name=op.f("ck_predictions_after_close")),
        sa.CheckConstraint(
            "p_bearish BETWEEN 0 AND 1 AND p_neutral BETWEEN 0 AND 1 AND p_bullish BETWEEN 0 AND 1",
            name=op.f("ck_predictions_probability"),
        ),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_predictions_market_id")),
        sa.ForeignKeyConstraint(["model_id"], ["trained_models.id"], name=op.f("fk_predictions_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        sa.UniqueConstraint("seq", name=op.f("uq_predictions_seq")),
        sa.UniqueConstraint(
            "model_id",
            "market_id",
            "timeframe",
            "open_time",
            name=op.f("uq_predictions_model_id_market_id_timeframe_open_time"),
        ),
    )
    op.create_index("ix_predictions_due", "predictions", ["due_at"], unique=False)
    op.create_index("ix_predictions_market_time", "predictions", ["market_id", "timeframe", "open_time"], unique=False)
    op.create_table(
        "prediction_outcomes",
        sa.Column("prediction_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("entry", sa.Double(), nullable=False),
        sa.Column("log_return", sa.Double(), nullable=False),
        sa.Column("ambiguous", sa.Boolean(), nullable=False),
        sa.Column("t1", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_loss", sa.Double(), nullable=False),
        sa.Column("brier", sa.Double(), nullable=False),
        sa.Column(
            "settled_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("outcome IN ('bearish', 'neutral', 'bullish')", name=op.f("ck_prediction_outcomes_outcome")),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_prediction_outcomes_prediction_id")
        ),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_prediction_outcomes")),
        sa.UniqueConstraint("seq", name=op.f("uq_prediction_outcomes_seq")),
    )
    op.create_table(
        "ledger_heads",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_heads")),
    )
    op.create_table(
        "leak_reports",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("green", sa.Boolean(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["trained_models.id"], name=op.f("fk_leak_reports_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_leak_reports")),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("result IN ('ok', 'failed', 'denied')", name=op.f("ck_audit_events_result")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_events_actor", "audit_events", ["actor_id", "id"], unique=False)
    op.create_index("ix_audit_events_action", "audit_events", ["action", "id"], unique=False)
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("sid", name=op.f("uq_user_sessions_sid")),
    )
    op.create_index("ix_user_sessions_user", "user_sessions", ["user_id", "seen_at"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("invited_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'analyst', 'admin')", name=op.f("ck_invitations_role")),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["used_by"], ["users.id"], name=op.f("fk_invitations_used_by"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index(op.f("ix_invitations_invited_by"), "invitations", ["invited_by"], unique=False)
    op.create_index(op.f("ix_invitations_used_by"), "invitations", ["used_by"], unique=False)
    op.create_table(
        "token_families",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("refresh_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_token_families_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_families")),
    )
    op.create_index("ix_token_families_expires", "token_families", ["expires_at"], unique=False)
    op.create_index(op.f("ix_token_families_user_id"), "token_families", ["user_id"], unique=False)
    op.create_table(
        "revoked_tokens",
        sa.Column("jti", sa.String(), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_revoked_tokens")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=True),
        sa.CheckConstraint("(status IS NULL) = (body IS NULL)", name=op.f("ck_idempotency_keys_answered")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created", "idempotency_keys", ["created_at"], unique=False)

    _partition_candles()
    _guard_predictions()
    _guard_accounts()
    _guard_audit()
    op.execute("INSERT INTO instance (id) VALUES (1)")


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.drop_table("api_tokens")
    op.drop_table("revoked_tokens")
    op.drop_table("token_families")
    op.drop_table("invitations")
    op.drop_table("user_sessions")
    op.drop_table("audit_events")
    op.drop_table("leak_reports")
    op.drop_table("ledger_heads")
    op.drop_table("prediction_outcomes")
    op.drop_table("predictions")
    op.drop_table("candle_revisions")
    op.drop_table("gaps")
    op.drop_table("trained_models")
    op.drop_table("uploads")
    op.drop_table("series")
    op.drop_table("jobs")
    op.drop_table("imports")
    op.drop_table("candles")
    op.drop_table("users")
    op.drop_table("source_health")
    op.drop_table("schedule_slots")
    op.drop_table("markets")
    op.drop_table("leases")
    op.drop_table("instance")
    op.drop_table("throttles")
    op.drop_table("ended_sessions")
    for function in (
        "refuse_change",
        "chain_prediction",
        "chain_outcome",
        "note_head",
        "forget_candles",
        "owner_stays",
    ):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP FUNCTION ledger_hash(text[]), ledger_moment(timestamptz), ledger_number(double precision)")
