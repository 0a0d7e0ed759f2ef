"""The processes of Bolt and the commands that start them."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from core.jobs import Queue
from core.settings import Settings
from dashapp.embedded.children import spawn
from dashapp.version import ROOT

PYTHON = sys.executable
WEB, DEMO = "web", "demo"


@dataclass(frozen=True, slots=True)
class Role:
    """`death_signal` is what the kernel sends when the supervisor is killed. Workers get SIGKILL: RQ would finish its
    job first on any other, and a job that is cut is taken back by the reaper."""

    name: str
    command: tuple[str, ...]
    death_signal: int = signal.SIGTERM

    def launch(self, env: Mapping[str, str], output: int) -> "subprocess.Popen[bytes]":
        return spawn(self.command, env=env, cwd=ROOT, output=output, death_signal=self.death_signal)


def web() -> Role:
    return Role(WEB, (PYTHON, "-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn.conf.py"), "dashapp.wsgi:app"))


def workers(settings: Settings) -> list[Role]:
    """As many workers for each queue as the settings say, then the scheduler."""
    counts = {
        Queue.MARKET: settings.workers_market,
        Queue.TRAIN: settings.workers_train,
        Queue.PREDICT: settings.workers_predict,
        Queue.ALERTS: settings.workers_alerts,
    }
    roles = [
        Role(_numbered(f"worker-{queue}", n, count), worker_command(queue), signal.SIGKILL)
        for queue, count in counts.items()
        for n in range(1, count + 1)
    ]
    return [*roles, Role("scheduler", (PYTHON, "-m", "workers", "scheduler"), signal.SIGKILL)]


def _numbered(name: str, n: int, count: int) -> str:
    return f"{name}-{n}" if count > 1 else name


def worker_command(queue: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "workers", "--queues", queue)


def live(exchange: str) -> Role:
    """Follows the streams of one exchange."""
    return Role(f"live-{exchange}", (PYTHON, "-m", "workers", "live", "--exchange", exchange))


def demo(port: int) -> Role:
    """The demo exchange on loopback."""
    return Role(DEMO, (PYTHON, "-m", "demo", "--port", str(port)))
