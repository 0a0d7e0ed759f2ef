"""Real servers for every test: an embedded PostgreSQL and Valkey per run, an empty database per test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import db.engine
import db.migrate
from dashapp.embedded.postgres import Postgres
from dashapp.embedded.valkey import Valkey
from db.base import Base
from tests.tools import CHROMIUM, left_out

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHARED = Path(os.environ.get("BOLT_REFERENCE", Path(__file__).resolve().parent.parent.parent / "shared"))

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "shared" in item.keywords and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"the reference folder is not at {SHARED}"))
        if "browser" in item.keywords and left_out(CHROMIUM):
            item.add_marker(pytest.mark.skip(reason="no Chromium found: browser tests need the program `chromium`"))
        if "browser" in item.keywords:  # once more, and said in the summary: a busy machine can starve a browser
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data."""
    return SHARED


@pytest.fixture(scope="session")
def bolt_data() -> Iterator[Path]:
    """The data folder of this test run, open to the unprivileged user PostgreSQL runs as under root.

    Not in pytest's own folder: every further run closes that one to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="bolt-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(bolt_data: Path) -> Iterator[Postgres]:
    server = Postgres(bolt_data, "test-password-" * 3, durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey(bolt_data: Path) -> Iterator[Valkey]:
    server = Valkey(bolt_data, "test-password-" * 3, durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def engine(postgres: Postgres) -> Iterator[Engine]:
    """A migrated database; sessions of `db.engine.session()` go to it."""
    made = db.engine.connect(postgres.url)
    db.migrate.upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def database(engine: Engine) -> Iterator[Engine]:
    """The database, empty again after the test."""
    db.engine.connect(str(engine.url.render_as_string(hide_password=False)))
    yield engine
    empty(engine)


def empty(engine: Engine) -> None:
    """Delete every row but the instance, triggers off: the ledger refuses it otherwise."""
    tables = [t.name for t in Base.metadata.sorted_tables if t.name != "instance"]
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for name in tables:
            connection.execute(text(f'DELETE FROM "{name}"'))
        connection.execute(text("UPDATE instance SET demo_enabled = NULL, demo_url = NULL"))


@pytest.fixture
def session(database: Engine) -> Iterator[Session]:
    """One open transaction, rolled back when the test has not committed it."""
    with Session(database, expire_on_commit=False) as opened:
        yield opened


@pytest.fixture
def redis_url(valkey: Valkey) -> Iterator[str]:
    """An empty Redis."""
    import redis

    yield valkey.url
    client = redis.Redis.from_url(valkey.url)
    client.flushall()
    client.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """A browser for the tests of one file. Playwright's loop runs as long as it does: neither a second one nor
    `asyncio.run` could start beside it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
