"""Migrations make exactly the tables the code describes, and the ledger's guards hold."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db import migrate


def test_migrations_match_the_tables(engine: Engine) -> None:
    migrate.check(engine)


def test_database_is_at_the_head(engine: Engine) -> None:
    assert migrate.current(engine) == migrate.head()


def test_a_second_migration_changes_nothing(engine: Engine) -> None:
    assert migrate.upgrade(engine) == migrate.head()


def test_every_timeframe_has_a_partition(engine: Engine) -> None:
    with engine.connect() as connection:
        names = connection.execute(text("SELECT relid::text FROM pg_partition_tree('candles') WHERE isleaf")).scalars()
        assert sorted(names) == sorted(f"candles_{t}" for t in ("1m", "5m", "15m", "1h", "4h", "1d", "1w"))


@pytest.mark.parametrize("table", ["predictions", "prediction_outcomes"])
def test_ledger_tables_refuse_truncation(engine: Engine, table: str) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(f"TRUNCATE {table} CASCADE"))
