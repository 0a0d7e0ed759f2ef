"""The files of a version: a folder that appears whole or not at all, with the SHA-256 of every file in its manifest."""

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import ModelUnavailable, Refused
from ml import checkpoints, config, features, scaling, simple_models
from ml.config import TrainingConfig
from ml.novelty import Novelty
from ml.scaling import Scaler
from ml.simple_models import SimpleModels

MANIFEST = "manifest.json"
MODEL, SCALER, CONFIG, CARD = "model.onnx", "scaler.json", "config.json", "card.json"
WEIGHTS, LABELS = "weights.npz", "labels.npz"
OOS = "oos.npz"  # walk-forward rows out of sample; its arrays are described in `ml.scorecard`
BASELINES = "baselines.npz"  # logistic regression and gradient boosting of the newest step; `ml.simple_models`
NEEDED = (MODEL, SCALER, CONFIG)  # to make a call
FOLDER = re.compile(r"[a-z0-9][a-z0-9-]{0,239}/[A-Za-z0-9][A-Za-z0-9-]{0,79}")
FILE = re.compile(r"[a-z]+\.(npz|onnx|json)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a call needs, read from files whose hashes matched.

    `threshold`: of conformal sets; `novelty`: of bars unlike any other; `beside`: baselines that speak with it. None
    where the version is from before them.
    """

    model: bytes
    scaler: Scaler
    config: TrainingConfig
    k: float
    threshold: float | None = None
    novelty: Novelty | None = None
    beside: SimpleModels | None = None


def save(models: Path, folder: str, files: dict[str, bytes]) -> dict[str, str]:
    """Write `files` to `models/folder` under a temporary name, flush, rename; returns the manifest."""
    place = _place(models, folder)
    manifest = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for name, content in files.items():
            checkpoints.write(beside / _file(name), content)
        checkpoints.write(beside / MANIFEST, json.dumps(manifest, indent=1).encode())
        beside.rename(place)
        checkpoints.sync_folder(place.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def load(models: Path, folder: str, manifest: dict[str, str]) -> Loaded:
    """Read what a call needs; `manifest` is the one in the database.

    Raises ModelUnavailable naming the file, or the part that does not fit the others.
    """
    names = [*NEEDED, *([BASELINES] if BASELINES in manifest else [])]
    read = {name: read_checked(models, folder, name, manifest) for name in names}
    try:
        scaler = scaling.from_json(read[SCALER].decode())
        data = json.loads(read[CONFIG])
        threshold, known = data.get("conformal_threshold"), data.get("novelty")
        asked = config.from_dict(data["training"])
        beside = read.get(BASELINES)
        loaded = Loaded(
            model=read[MODEL],
            scaler=scaler,
            config=asked,
            k=float(data["k"]),
            threshold=None if threshold is None else float(threshold),
            novelty=None if known is None else Novelty.from_dict(known),
            beside=None if beside is None else simple_models.read(beside, asked.window, len(features.NAMES)),
        )
        check(loaded)
    except (ValueError, KeyError, TypeError, AttributeError, Refused) as fault:
        raise ModelUnavailable(f"The files of the model in {folder} cannot be understood. Train it again.") from fault
    return loaded


def check(loaded: Loaded) -> None:
    """Raise ModelUnavailable where parts do not fit the features of today; hashes say nothing of that."""
    scaler, n = loaded.scaler, len(features.NAMES)
    if scaler.names != features.NAMES:
        raise _unfit("Its scaler is made for other features than Bolt computes")
    if not _fits(np.asarray(scaler.mean), (n,)):
        raise _unfit("The means of its scaler are no finite numbers, one for each feature")
    if not _fits(np.asarray(scaler.deviation), (n,)) or min(scaler.deviation) <= 0:
        raise _unfit("The deviations of its scaler are not above 0, one for each feature")
    if not (np.isfinite(loaded.k) and loaded.k > 0):
        raise _unfit("Its barriers have no width")
    if loaded.threshold is not None and not np.isfinite(loaded.threshold):
        raise _unfit("The threshold of its conformal sets is no number")
    known = loaded.novelty
    if known is not None and not (
        _fits(known.mean, (n,)) and _fits(known.precision, (n, n)) and np.isfinite(known.limit) and known.limit > 0
    ):
        raise _unfit("Its measure of novelty is made for other features")


def _fits(values: npt.NDArray[np.generic], shape: tuple[int, ...]) -> bool:
    return values.dtype.kind in "fi" and values.shape == shape and bool(np.isfinite(values).all())


def _unfit(what: str) -> ModelUnavailable:
    return ModelUnavailable(f"The model's files do not fit: {what[0].lower()}{what[1:]}. Train it again.")


def read_checked(models: Path, folder: str, name: str, manifest: dict[str, str]) -> bytes:
    """One file's content, its hash compared with the manifest."""
    path = _place(models, folder) / _file(name)
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise ModelUnavailable(f"The model's file {folder}/{name} cannot be read. Train it again.") from fault
    if hashlib.sha256(content).hexdigest() != manifest.get(name):
        raise ModelUnavailable(f"The model's file {folder}/{name} is damaged. Restore it, or train again.")
    return content


def checked(path: Path, sha256: str | None) -> bytes:
    """A file's content where its hash is this one; raises ModelUnavailable."""
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise ModelUnavailable(f"The file {path.name} of the training cannot be read. Start it again.") from fault
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelUnavailable(f"The file {path.name} of the training is damaged. Start it again.")
    return content


def number(models: Path, folder: str, manifest: dict[str, str], version: int) -> dict[str, str]:
    """Write the number the registry gave a version into its `card.json`; returns the manifest that fits.

    The card is replaced first: stopped in between, its hash differs from that of a version that was never recorded.
    """
    if CARD not in manifest:
        return manifest
    card = json.loads(read_checked(models, folder, CARD, manifest)) | {"version": version}
    content = json.dumps(card, ensure_ascii=False, allow_nan=False).encode()
    changed = manifest | {CARD: hashlib.sha256(content).hexdigest()}
    place = _place(models, folder)
    checkpoints.write(place / CARD, content)
    checkpoints.write(place / MANIFEST, json.dumps(changed, indent=1).encode())
    return changed


def remove(models: Path, folder: str) -> None:
    """Delete a version's folder that was not published, and what a killed writer left of it."""
    place = _place(models, folder)
    shutil.rmtree(place, ignore_errors=True)
    for half in place.parent.glob(f".{place.name}.*.tmp"):
        shutil.rmtree(half, ignore_errors=True)


def leftovers(models: Path, family: str, job_id: str) -> list[str]:
    """Folders that attempts of a job have written, whole ones and halves."""
    base = _place(models, f"{family}/{job_id}").parent
    whole = [p.name for p in base.glob(f"{job_id}-*")]
    halves = [p.name.removeprefix(".").partition(".")[0] for p in base.glob(f".{job_id}-*.tmp")]
    return [f"{family}/{name}" for name in sorted({*whole, *halves})]


def _place(models: Path, folder: str) -> Path:
    if not FOLDER.fullmatch(folder):
        raise ModelUnavailable(f"“{folder}” is no folder of a model.")
    return models / folder


def _file(name: str) -> str:
    if not FILE.fullmatch(name):
        raise ModelUnavailable(f"“{name}” is no file of a model.")
    return name
