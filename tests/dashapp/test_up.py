"""`python -m dashapp up`, whole: it says who runs, mends what is killed, takes all with it, and keeps the data."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from dashapp.embedded.children import free_port
from dashapp.supervisor import state
from dashapp.version import ROOT

LIGHT = {
    "WORKERS_TRAIN": "0",
    "WORKERS_PREDICT": "0",
    "WORKERS_ALERTS": "0",
    "DEMO": "off",
    "EXCHANGES": "binance",
    "WEB_THREADS": "8",
}
TOLD = {
    "SMTP_PASSWORD": "smtp-password-of-the-test",
    "COINGECKO_API_KEY": "coingecko-key-of-the-test",
    "METRICS_TOKEN": "metrics-token-of-the-test",
}
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


@dataclass
class Bolt:
    """A running `up` and what it has printed."""

    data: Path
    port: int
    process: subprocess.Popen[str]
    lines: "queue.SimpleQueue[str]" = field(default_factory=queue.SimpleQueue)
    said: str = ""

    def hear(self) -> str:
        while not self.lines.empty():
            self.said += self.lines.get()
        return self.said

    def pid(self, role: str) -> int:
        found = state.read(self.data)
        return found.roles.get(role, 0) if found else 0

    def answers(self, path: str = "/health/ready") -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def start(data: Path, port: int, more: dict[str, str] | None = None) -> Bolt:
    env = (
        {name: value for name, value in os.environ.items() if name not in OURS}
        | TOLD
        | (LIGHT if more is None else more)
    )
    env |= {"BOLT_DATA": str(data), "PORT": str(port)}
    command = [sys.executable, "-u", "-m", "dashapp", "up"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    bolt = Bolt(data, port, process)

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            bolt.lines.put(line)

    threading.Thread(target=listen, daemon=True).start()
    return bolt


def start_and_wait(data: Path, port: int) -> Bolt:
    bolt = start(data, port)
    until(lambda: "Ctrl-C ends everything" in bolt.hear() or bolt.process.poll() is not None, 150)
    assert bolt.process.poll() is None, bolt.hear()
    return bolt


@pytest.fixture(scope="module")
def bolt(bolt_data: Path) -> Iterator[Bolt]:
    data = bolt_data / "up"
    data.mkdir()
    data.chmod(0o755)
    running = start_and_wait(data, free_port())
    yield running
    if running.process.poll() is None:
        running.process.terminate()
        running.process.wait(30)


def test_it_prints_the_address_the_code_and_who_runs(bolt: Bolt) -> None:
    said = bolt.hear()
    assert f"is ready: http://127.0.0.1:{bolt.port}" in said
    assert re.search(r"setup code  ([A-Z2-7]{4}-){2}[A-Z2-7]{4}\n", said)
    for role in ("postgres", "redis", "web", "worker-market", "scheduler"):
        assert re.search(rf"^  {role} +runs$", said, re.MULTILINE), role
    assert bolt.answers()


def test_a_second_start_on_the_same_folder_is_refused_with_78(bolt: Bolt) -> None:
    second = start(bolt.data, free_port())
    assert second.process.wait(30) == 78
    until(lambda: "already runs" in second.hear(), 5)
    assert f"process {bolt.process.pid}" in second.said
    assert bolt.answers("/health/live")


def test_nothing_listens_beyond_loopback(bolt: Bolt) -> None:
    listening = {
        connection.laddr.ip
        for process in bolt.descendants()
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_s34_secrets_stand_on_no_command_line_and_in_no_log(bolt: Bolt) -> None:
    import json

    secrets = [*json.loads((bolt.data / "secrets.json").read_text()).values(), *TOLD.values()]
    assert len(secrets) >= 6
    shown = [" ".join(process.cmdline()) for process in bolt.descendants()]
    shown += [path.read_text(errors="replace") for path in (bolt.data / "log").iterdir()]
    assert not [text[:80] for text in shown for secret in secrets if secret in text]


@pytest.mark.parametrize("role", ["worker-market", "scheduler", "redis", "postgres", "web"])
def test_what_is_killed_comes_back(bolt: Bolt, role: str) -> None:
    before = bolt.pid(role)
    assert before
    os.kill(before, signal.SIGKILL)
    until(lambda: bolt.pid(role) not in (0, before))
    until(bolt.answers)
    assert f"{role} was ended by SIGKILL" in bolt.hear()


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_start_has_all_data(bolt: Bolt) -> None:
    code = re.search(r"setup code  (\S+)", bolt.hear())
    family = bolt.descendants()
    assert len(family) > 8
    bolt.process.kill()
    bolt.process.wait()
    until(lambda: not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], 20)

    again = start_and_wait(bolt.data, bolt.port)
    found = re.search(r"setup code  (\S+)", again.hear())
    assert code
    assert found
    assert found[1] == code[1]
    family = again.descendants()
    began = time.monotonic()
    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(20) == 0
    assert time.monotonic() - began < 20
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert state.read(bolt.data) is None
