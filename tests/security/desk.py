"""A whole desk on loopback for the scanners of `make security` and for load: gunicorn, its own PostgreSQL and Redis."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import text

import db.engine
import db.migrate
from core.clock import utc_now
from core.jobs import TRAIN_MODEL
from core.roles import Role
from dashapp.auth import accounts
from dashapp.config import ROOT
from dashapp.embedded.children import free_port
from dashapp.embedded.postgres import Postgres
from dashapp.embedded.valkey import Valkey
from db.queries import jobs
from tests.candle_data import store, walk
from tests.web import OWNER, PASSWORD, add_user

SECRET = "scan" * 10
HOUR_MS = 3_600_000
FORGET = (
    """CREATE FUNCTION forget_guess() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.failures := 0; NEW.blocked_until := NULL; RETURN NEW; END'""",
    "CREATE TRIGGER forget_guess BEFORE INSERT OR UPDATE ON throttles FOR EACH ROW EXECUTE FUNCTION forget_guess()",
)
VIEWER = "viewer@example.org"
UNTOLD = "Orchard-lantern-58"  # the owner's password, which stands in no example of the API's description


@dataclass(frozen=True, slots=True)
class Desk:
    """Where it listens, what its servers are, and the jobs that stand in it."""

    url: str
    database_url: str
    redis_url: str
    folder: Path
    pid: int
    job_id: str

    def token(self, email: str = OWNER, password: str = UNTOLD) -> str:
        """An access token, good for half an hour."""
        return str(self.login(email, password)["access_token"])

    def login(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/api/auth/login", json={"email": email, "password": password}, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def servers() -> Iterator[tuple[Path, str, str]]:
    """(folder, database address, Redis address) of servers that hold an empty migrated database; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bolt-desk-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = Postgres(folder, "desk-password-" * 3, durable=False)
        valkey = Valkey(folder, "desk-password-" * 3, durable=False)
        postgres.start()
        valkey.start()
        engine = db.engine.connect(postgres.url)
        try:
            db.migrate.upgrade(engine)
            yield folder, postgres.url, valkey.url
        finally:
            engine.dispose()
            valkey.stop()
            postgres.stop()


@contextmanager
def running(*, hours: int = 3_000, **more: str) -> Iterator[Desk]:
    """Serve a desk with an owner, a viewer, two markets with candles and a job; `more` are settings as in the
    environment."""
    with servers() as (folder, database_url, redis_url):
        job_id = _fill(hours)
        with serving(folder, database_url, redis_url, **more) as (url, pid):
            yield Desk(url, database_url, redis_url, folder, pid, job_id)


@contextmanager
def serving(folder: Path, database_url: str, redis_url: str, **more: str) -> Iterator[tuple[str, int]]:
    """(address, pid) of gunicorn with the product's own configuration."""
    port = free_port()
    env = dict(os.environ) | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": SECRET,
        "BOLT_DATA": str(folder),
        "PORT": str(port),
        **more,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn.conf.py"), "dashapp.wsgi:app"]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _fill(hours: int) -> str:
    with db.engine.session() as session:
        owner = accounts.create_owner(session, OWNER, UNTOLD, "Olga")
        job_id = jobs.create(session, TRAIN_MODEL, {}, owner_id=owner.id).id
    with db.engine.session() as session:
        add_user(session, VIEWER, Role.VIEWER)
        began = int(utc_now().timestamp() * 1_000) // HOUR_MS * HOUR_MS - hours * HOUR_MS
        for name in ("binance:BTC/USDT", "kraken:BTC/USDT"):
            store(session, name, walk(hours, start_ms=began), followed=True)
    return job_id


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(url + "/health/live", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise SystemExit("The web process did not answer.")


@contextmanager
def forgetting() -> Iterator[None]:
    """No pause after wrong passwords while the block runs: the desk's own database forgets each of them at once."""
    with db.engine.session() as session:
        for statement in FORGET:
            session.execute(text(statement))
    try:
        yield
    finally:
        with db.engine.session() as session:
            session.execute(text("DROP FUNCTION forget_guess CASCADE"))
