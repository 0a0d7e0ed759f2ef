"""What must be so before anything is installed or started; a sentence for each thing that is not.

Only the standard library: `make run` asks before it installs.
"""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from core import settings as environment
from core.errors import ConfigurationError
from core.settings import Settings
from dashapp.supervisor import state

NEEDED_BYTES = 2 * 1024**3
CPUINFO = Path("/proc/cpuinfo")


def existing(folder: Path) -> Path:
    """The folder, or the nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def runs_already(settings: Settings) -> str | None:
    """One set of servers per data folder."""
    said = state.read(settings.bolt_data)
    if said is None or said.kind != state.UP:
        return None
    return (
        f"Bolt already runs on {settings.bolt_data}: {said.address} (process {said.pid}). "
        "End it first, or choose another folder and port: make run BOLT_DATA=./second PORT=8051"
    )


def port_is_taken(settings: Settings) -> str | None:
    """Nobody else may listen where the web server will."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return (
                f"Bolt cannot listen on {settings.host}, port {settings.port}: {error.strerror}. "
                f"Choose another port: make run PORT={settings.port + 1 if settings.port < 65_535 else 8050}"
            )
    return None


def folder_is_closed(settings: Settings) -> str | None:
    """The data folder must be ours to write."""
    place = existing(settings.bolt_data)
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return None
    return f"BOLT_DATA={settings.bolt_data} cannot be written by this user. Choose another folder or change its owner."


def disk_is_full(settings: Settings) -> str | None:
    """A full disk stops PostgreSQL for good, so a start on one is refused."""
    free = shutil.disk_usage(existing(settings.bolt_data)).free
    if free >= NEEDED_BYTES:
        return None
    return (
        f"Only {free / 1024**3:.1f} GB are free where BOLT_DATA={settings.bolt_data} lies; Bolt needs 2 GB. "
        "Free some space or choose another folder."
    )


def processor_is_too_old(_settings: Settings) -> str | None:
    """TensorFlow's wheels for x86-64 use AVX and crash without it."""
    if platform.machine() not in {"x86_64", "AMD64"} or not CPUINFO.exists():
        return None
    flags = [line for line in CPUINFO.read_text(errors="replace").splitlines() if line.startswith("flags")]
    if not flags or "avx" in flags[0].split():
        return None
    return "This processor has no AVX instructions, which TensorFlow needs; training would crash. Use another machine."


CHECKS: tuple[Callable[[Settings], str | None], ...] = (
    runs_already,
    port_is_taken,
    folder_is_closed,
    disk_is_full,
    processor_is_too_old,
)


def faults(settings: Settings) -> list[str]:
    """Every sentence that applies; a Bolt that runs already explains the rest."""
    if said := runs_already(settings):
        return [said]
    return [said for check in CHECKS if (said := check(settings))]


def notes(_settings: Settings) -> list[str]:
    """What is worth knowing and stops nothing."""
    cores = os.cpu_count() or 1
    return ["One processor core: training and the page will share it."] if cores < 2 else []


def require(settings: Settings) -> None:
    """Raise ConfigurationError with every fault."""
    if found := faults(settings):
        raise ConfigurationError("\n".join(found))


def main() -> int:
    """Entry of `make run`: 0, or 78 with the sentences on stderr."""
    try:
        require(environment.read())
    except ConfigurationError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
