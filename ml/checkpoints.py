"""Checkpoints of a training: written beside, flushed to disk, renamed; never half a file, never a pickle."""

import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

State = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """`state`: everything the next epoch depends on. `best`: weights of the best epoch. `course`: plain numbers."""

    state: State
    best: State
    course: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keeper:
    """One checkpoint file. `fingerprint` names data and configuration: another training's file is not taken up."""

    path: Path
    fingerprint: str

    def save(self, kept: Kept) -> None:
        meta = json.dumps({"fingerprint": self.fingerprint, "course": kept.course}).encode()
        arrays = {f"state/{k}": v for k, v in kept.state.items()} | {f"best/{k}": v for k, v in kept.best.items()}
        write(self.path, npz(arrays | {"meta": np.frombuffer(meta, dtype=np.uint8)}))

    def load(self) -> Kept | None:
        """The checkpoint, or None where there is none that can be used."""
        try:
            with np.load(self.path, allow_pickle=False) as found:
                meta = json.loads(found["meta"].tobytes())
                if meta["fingerprint"] != self.fingerprint:
                    return None
                return Kept(_under("state/", found), _under("best/", found), meta["course"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None


def npz(arrays: State) -> bytes:
    """Arrays as an npz file without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def write(path: Path, content: bytes) -> None:
    """Whole or not at all, also when the power fails; for nobody else to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it survives."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _under(prefix: str, found: Any) -> State:
    return {name.removeprefix(prefix): found[name] for name in found.files if name.startswith(prefix)}
