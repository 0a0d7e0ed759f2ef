"""Secrets made once per BOLT_DATA, in one file only its owner can read."""

import json
import os
import secrets
from pathlib import Path

NAMES = ("secret_key", "postgres_password", "redis_password")


def load(data: Path) -> dict[str, str]:
    """The secrets of this data folder; made at the first call and written whole or not at all."""
    path = data / "secrets.json"
    data.mkdir(parents=True, exist_ok=True)
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        pass
    made = {name: secrets.token_hex(32) for name in NAMES}
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(made, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails where another process was first: then theirs counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return dict(json.loads(path.read_text(encoding="utf-8")))
