"""Who runs on a data folder: a lock the kernel lets go when its holder dies, and what the holder says of itself.

Only the standard library: the check before the installation reads it too.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

UP, COMMAND = "up", "command"


@dataclass
class State:
    """What `run/state.json` holds while the servers of this folder run. `kind` is UP or COMMAND."""

    pid: int
    kind: str
    address: str = ""
    database_url: str = ""
    redis_url: str = ""
    roles: dict[str, int] = field(default_factory=dict)  # role -> pid


def _folder(data: Path) -> Path:
    folder = data / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)  # also one made by an earlier version
    return folder


@contextmanager
def hold(data: Path) -> Iterator[bool]:
    """Be the one who runs servers on this folder; yields False where somebody else is."""
    handle = os.open(_folder(data) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        (data / "run" / "state.json").unlink(missing_ok=True)
        yield True
        (data / "run" / "state.json").unlink(missing_ok=True)
    finally:
        os.close(handle)


def is_held(data: Path) -> bool:
    """True while a living process runs servers on this folder."""
    try:
        handle = os.open(data / "run" / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def write(data: Path, state: State) -> None:
    """Replace state.json, readable by its owner alone: the addresses hold passwords."""
    draft = _folder(data) / f".state-{os.getpid()}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(state), file)
    draft.replace(data / "run" / "state.json")


def read(data: Path) -> State | None:
    """What the living holder says of itself; None where nobody holds the folder or it has not said so yet."""
    try:
        said = State(**json.loads((data / "run" / "state.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return said if is_held(data) else None
