"""P15: live prices, from a Redis publish to the text in a client, with 100 streams open.

gunicorn serves the whole application with one process of many threads, as in production; every stream gets every tick.
The peer is what a page without streams does: it asks again by a `dcc.Interval` of one second, so that a price is as old
as the moment it falls on in that second.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests
from redis import Redis

import db.engine
from core import ticks
from core.market_name import parse
from core.settings import Settings
from core.ticks import Tick
from dashapp.auth import accounts
from dashapp.config import ROOT
from dashapp.embedded.children import free_port
from dashapp.embedded.valkey import Valkey
from db.queries import markets
from tests.bench.table import Row
from tests.bench.timing import database
from tests.web import OWNER, PASSWORD, settings_for

CLIENTS = 100
PUBLISHED = 200
EVERY_S = 0.05
INTERVAL_MS = 1_000.0
AGENT = {"User-Agent": "bolt-bench"}


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, database():
        Path(folder).chmod(0o755)
        valkey = Valkey(Path(folder), "bench-password-" * 3, durable=False)
        valkey.start()
        try:
            settings = settings_for(_database_url(), valkey.url, BOLT_DATA=folder)
            _prepare()
            with _web(settings) as (address, pid):
                took, share, memory = _measure(address, valkey.url, pid)
        finally:
            valkey.stop()
    took.sort()
    half, late = took[len(took) // 2], took[int(len(took) * 0.95)]
    polled = INTERVAL_MS * 0.95
    what = f"publish to client, {CLIENTS} streams"
    print(f"{CLIENTS} streams: {share:.1%} of ticks came, p50 {half:.1f} ms, p95 {late:.1f} ms, web {memory:.0f} MB")
    return [
        Row("P15", f"{what}: p50", "dcc.Interval of 1 s", INTERVAL_MS / 2, half, "ms", 25),
        Row("P15", f"{what}: p95", "dcc.Interval of 1 s", polled, late, "ms", polled / 50),
        Row("P15", f"{what}: ticks that came", "all of them", 100, share * 100, "%", 0.99, "more"),
    ]


def _database_url() -> str:
    with db.engine.session() as session:
        bind = session.get_bind()
        return str(bind.engine.url.set(drivername="postgresql").render_as_string(hide_password=False))


def _prepare() -> None:
    with db.engine.session() as session:
        accounts.create_owner(session, OWNER, PASSWORD, "Olga")
        markets.get_or_create(session, parse("demo:BTC/USDT"), simulated=True)


@contextmanager
def _web(settings: Settings) -> Iterator[tuple[str, int]]:
    """(address, pid) of gunicorn with the whole application."""
    port = free_port()
    env = dict(os.environ) | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "BOLT_DATA": str(settings.bolt_data),
        "PORT": str(port),
        "WEB_THREADS": "160",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn.conf.py"), "dashapp.wsgi:app"]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address)
        yield address, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            if requests.get(address + "/health/live", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise SystemExit("the web process did not answer")


def _sign_in(address: str) -> str:
    """The cookies of a session, as a header."""
    browser = requests.Session()
    browser.headers.update(AGENT)
    page = browser.get(address + "/login", timeout=10).text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    form = {"csrf_token": token, "email": OWNER, "password": PASSWORD}
    browser.post(address + "/login", data=form, timeout=20, allow_redirects=False).raise_for_status()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def _measure(address: str, redis_url: str, pid: int) -> tuple[list[float], float, float]:
    """(milliseconds of each tick and client, share of ticks that came, MB of the web process)."""
    cookies = _sign_in(address)
    streams = [_open(address, cookies) for _ in range(CLIENTS)]
    over = threading.Event()
    took: list[float] = []
    readers = [threading.Thread(target=_read, args=(streams[k::4], took, over)) for k in range(4)]
    for reader in readers:
        reader.start()
    time.sleep(2)
    redis = Redis.from_url(redis_url)
    for _ in range(PUBLISHED):
        ticks.publish(redis, Tick("demo", "BTC/USDT", 64_000.0, time.time_ns() // 1_000))  # µs, only read here
        time.sleep(EVERY_S)
    time.sleep(2)
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    memory = max(process.memory_full_info().uss for process in family) / 1e6
    over.set()
    for reader in readers:
        reader.join()
    for stream in streams:
        stream.close()
    return took, len(took) / (PUBLISHED * CLIENTS), memory


def _open(address: str, cookies: str) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    made = socket.create_connection((host, int(port)), timeout=10)
    lines = [
        "GET /stream?markets=demo/BTC-USDT HTTP/1.1",
        f"Host: {host}:{port}",
        f"Cookie: {cookies}",
        f"User-Agent: {AGENT['User-Agent']}",
        "Accept: text/event-stream",
    ]
    made.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = made.recv(12)
    if b"200" not in answer:
        raise SystemExit(f"the stream was refused: {answer!r}")
    return made


def _read(streams: list[socket.socket], took: list[float], over: threading.Event) -> None:
    """Read whatever comes, and note how old each tick is."""
    selector = selectors.DefaultSelector()
    for stream in streams:
        selector.register(stream, selectors.EVENT_READ)
    while not over.is_set():
        for key, _ in selector.select(timeout=0.2):
            received = key.fileobj.recv(65_536)  # type: ignore[union-attr]
            now = time.time_ns() // 1_000
            told = [line[6:] for line in received.split(b"\n") if line.startswith(b"data: {")]
            took += [(now - json.loads(data)["time"]) / 1_000 for data in told]


if __name__ == "__main__":
    for row in run():
        print(" | ".join(row.cells()))
