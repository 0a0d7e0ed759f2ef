"""Alembic's environment: the URL comes from the caller, never from a file."""

from alembic import context
from sqlalchemy import Connection, create_engine, pool

import db.tables  # noqa: F401  (fills the metadata)
from db.base import Base
from db.engine import psycopg2_url


def is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Partitions are made by migrations, not described by tables."""
    return not (kind == "table" and name is not None and name.startswith("candles_"))


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=is_ours,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(727164)")  # two migrations at once are one
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    migrate(handed)
else:
    engine = create_engine(
        psycopg2_url(context.config.get_main_option("sqlalchemy.url") or ""), poolclass=pool.NullPool
    )
    with engine.connect() as opened:
        migrate(opened)
        opened.commit()
