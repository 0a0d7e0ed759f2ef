"""P12: memory of the web process, beside a gunicorn worker that serves one bare Dash page.

Both are real gunicorn workers with one gthread process, measured after they have served their page and everything
that Dash asks for at its start. Memory is the worker's resident set.
"""

import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import psutil

import db.engine
from dashapp.auth import accounts
from dashapp.config import ROOT
from dashapp.embedded.children import free_port
from tests.bench.table import Row
from tests.bench.timing import database, redis_server

MIB = 1024 * 1024
OWNER, PASSWORD = "bench@example.org", "Copper-teapot-71"
PATIENCE = 60  # seconds for a worker to answer
ROUNDS = 3  # starts of each; the smallest counts
GUNICORN = ("-m", "gunicorn", "--worker-class", "gthread", "--threads", "16", "--no-control-socket")
BARE = "tests.bench.bare_dash:server"
BOLT = "dashapp.wsgi:app"


class Worker:
    """A gunicorn arbiter with one worker on a free port of loopback."""

    def __init__(self, target: str, environment: dict[str, str]) -> None:
        self.port = free_port()
        command = [sys.executable, *GUNICORN, "--bind", f"127.0.0.1:{self.port}", target]
        self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=sys.stderr)

    def __enter__(self) -> "Worker":
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                connection.request("GET", "/health/live")
                connection.getresponse().read()
                return self
            except OSError:
                time.sleep(0.02)
        raise TimeoutError(f"The worker on port {self.port} did not answer within {PATIENCE} s.")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def mebibytes(self) -> float:
        """Resident memory of the worker, the arbiter's only child."""
        (worker,) = psutil.Process(self.process.pid).children()
        return float(worker.memory_info().rss) / MIB


def sign_in(browser: OpenerDirector, worker: Worker, email: str = OWNER) -> None:
    page = browser.open(worker.url("/login")).read().decode()
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "email": email, "password": PASSWORD}
    try:
        browser.open(worker.url("/login"), urlencode(fields).encode()).read()
    except HTTPError as error:
        raise SystemExit(f"The sign-in answered {error.code}.") from error


def measure(target: str, environment: dict[str, str], *, signs_in: bool) -> float:
    """MiB after the first page."""
    with Worker(target, environment) as worker:
        browser = build_opener(HTTPCookieProcessor())
        if signs_in:
            sign_in(browser, worker)
        for path in ("/", "/_dash-layout", "/_dash-dependencies"):
            browser.open(worker.url(path)).read()
        return worker.mebibytes()


def run() -> list[Row]:
    """The web process in MiB beside a bare Dash worker."""
    with database(), redis_server() as redis:
        with db.engine.session() as session:
            accounts.create_owner(session, OWNER, PASSWORD)
            url = session.connection().engine.url.render_as_string(hide_password=False)
        environment = {"DATABASE_URL": url, "REDIS_URL": redis, "SECRET_KEY": "bench" * 8, "LOG_LEVEL": "ERROR"}
        bare = min(measure(BARE, {}, signs_in=False) for _ in range(ROUNDS))
        bolt = min(measure(BOLT, environment, signs_in=True) for _ in range(ROUNDS))
    return [Row("P12", "web process, resident memory", "bare Dash worker", bare, bolt, "MiB", 1.6, "at most")]
