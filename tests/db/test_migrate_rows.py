"""A database of the first release comes to the newest schema with every row it had, once, however many migrate it."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

import db.queries.coarse_candles as coarse
from dashapp.config import ROOT
from db import migrate

MIGRATE = "import sys, sqlalchemy, db.migrate; db.migrate.upgrade(sqlalchemy.create_engine(sys.argv[1]))"
SEEDS = (
    "INSERT INTO markets (exchange, symbol, followed) VALUES ('binance', 'BTC/USDT', true)",
    "INSERT INTO series (market_id, timeframe, rows, first_open, last_open)"
    " SELECT id, '1h', 50, '2024-01-01Z', '2024-01-03 01:00Z' FROM markets",
    "INSERT INTO candles (market_id, timeframe, open_time, open, high, low, close, volume)"
    " SELECT id, '1h', '2024-01-01Z'::timestamptz + make_interval(hours => n), 10 + n, 12 + n, 9 + n, 11 + n, n"
    " FROM markets, generate_series(0, 49) AS n",
    "INSERT INTO leases (name, holder, expires_at) VALUES ('scheduler', 'here', now())",
    "INSERT INTO throttles (key, failures, since) VALUES ('ip', 3, now())",
)
KEPT = {
    "markets": "exchange, symbol, followed",
    "series": "market_id, timeframe, rows, first_open, last_open",
    "candles": "market_id, timeframe, open_time, open, high, low, close, volume, flags",
    "leases": "name, holder, expires_at",
    "throttles": "key, failures, since",
}


@pytest.fixture
def released(engine: Engine) -> Iterator[Engine]:
    """A database of its own, at the first revision, with rows."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as server:
        server.execute(text("DROP DATABASE IF EXISTS of_the_first_release"))
        server.execute(text("CREATE DATABASE of_the_first_release"))
    made = create_engine(engine.url.set(database="of_the_first_release"))
    with made.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with made.begin() as connection:
        for seed in SEEDS:
            connection.execute(text(seed))
    yield made
    made.dispose()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as server:
        server.execute(text("DROP DATABASE of_the_first_release"))


def sums(engine: Engine) -> dict[str, str]:
    """A checksum of what every table held at the first release."""
    query = "SELECT md5(string_agg(row::text, '|' ORDER BY row::text)) FROM (SELECT {} FROM {}) AS row"
    with engine.connect() as connection:
        return {name: connection.execute(text(query.format(of, name))).scalar_one() for name, of in KEPT.items()}


def test_rows_are_kept_and_two_at_once_migrate_once(released: Engine) -> None:
    before = sums(released)
    address = released.url.render_as_string(hide_password=False)
    both = [subprocess.Popen([sys.executable, "-c", MIGRATE, address], cwd=ROOT) for _ in range(2)]
    assert [one.wait(90) for one in both] == [0, 0]
    assert migrate.current(released) == migrate.head()
    assert sums(released) == before
    with Session(released) as session:
        assert coarse.missing(session) == [(1, "1h", 50)]
        assert coarse.build(session, 1, "1h") == 50
        assert coarse.read(session, 1, "1h", 86_400_000).volume.tolist() == [276.0, 852.0, 97.0]


def test_what_fails_half_way_leaves_the_schema_as_it_was(released: Engine) -> None:
    with released.begin() as connection:
        connection.execute(text("CREATE TABLE coarse_candles (in_the_way int)"))
    with pytest.raises(Exception, match="coarse_candles"):
        migrate.upgrade(released)
    assert migrate.current(released) == "0001"
    with released.begin() as connection:
        connection.execute(text("DROP TABLE coarse_candles"))
    assert migrate.upgrade(released) == migrate.head()
