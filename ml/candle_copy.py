"""One copy of the candles a walk-forward reads, so that all its parts learn from the very same ones."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import ModelUnavailable
from core.ohlcv import Candles
from ml import artefacts, checkpoints

COLUMNS = ("time", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Copy:
    """The closed candles of one market."""

    market: str
    simulated: bool
    timeframe: str
    candles: Candles


def write(path: Path, copies: Sequence[Copy]) -> str:
    """Keep the candles; returns the file's SHA-256."""
    about = [{"market": c.market, "simulated": c.simulated, "timeframe": c.timeframe} for c in copies]
    arrays = {"about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)}
    for number, copy in enumerate(copies):
        arrays |= {f"{number}/{name}": getattr(copy.candles, name) for name in COLUMNS}
    return keep(path, checkpoints.npz(arrays))


def read(path: Path, sha256: str) -> list[Copy]:
    """The candles as they were kept. Raises ModelUnavailable where the file is gone or another one."""
    content = artefacts.checked(path, sha256)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            about = json.loads(found["about"].tobytes())
            return [
                Copy(**words, candles=Candles(*(found[f"{number}/{name}"] for name in COLUMNS)))
                for number, words in enumerate(about)
            ]
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as fault:
        raise ModelUnavailable("The training's copy of the candles cannot be read. Start it again.") from fault


def keep(path: Path, content: bytes) -> str:
    """Write a file whole or not at all; returns its SHA-256."""
    checkpoints.write(path, content)
    return hashlib.sha256(content).hexdigest()
