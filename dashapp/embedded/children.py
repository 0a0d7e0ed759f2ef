"""Starting a child that cannot outlive its parent, as another user where needed."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from core.errors import ConfigurationError

PR_SET_PDEATHSIG = 1
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _before_exec(parent: int, death_signal: int, ids: tuple[int, int] | None) -> Callable[[], None]:
    def prepare() -> None:
        os.setsid()  # Ctrl-C reaches the supervisor alone, which ends its children in order
        if ids is not None:
            os.setgroups([])
            os.setgid(ids[1])
            os.setuid(ids[0])
        if _libc is not None:  # after setuid, which would clear it
            _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def bare_environment() -> dict[str, str]:
    """What a server of ours needs of this process's environment: none of Bolt's secrets, which it could show others."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[bytes] | int | None = None,
    death_signal: int = signal.SIGTERM,
    ids: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; the kernel sends it `death_signal` when this process dies.

    `ids` are the user and group to drop to. Call it from the main thread: the kernel watches the thread that forks.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        preexec_fn=_before_exec(os.getpid(), death_signal, ids),
    )


def free_port() -> int:
    """A TCP port nobody listens on at this moment, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_alive(pid: int, marker: str) -> bool:
    """True where process `pid` runs and its command line holds `marker`: a reused pid is not believed."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and marker in " ".join(process.cmdline())
    except psutil.Error:
        return False


def works_in(pid: int, folder: Path) -> bool:
    """True where process `pid` runs with `folder` as its working directory."""
    try:
        return Path(psutil.Process(pid).cwd()) == folder.resolve()
    except (psutil.Error, OSError):
        return False


def read_pid(path: Path) -> int | None:
    """The number in the first line of a pid file."""
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def wait_for_end(runs: Callable[[], int | None], what: str, folder: Path, seconds: float = 30) -> None:
    """Wait for a server of an earlier run that is still ending: two on one folder would ruin it."""
    end = time.monotonic() + seconds
    while (pid := runs()) is not None:
        if time.monotonic() > end:
            raise ConfigurationError(
                f"Another {what} (process {pid}) still runs in {folder}. End it, then start Bolt again."
            )
        time.sleep(0.05)
