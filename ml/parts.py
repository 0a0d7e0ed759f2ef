"""One part of a walk-forward: one network of one seed on one fold, from its rows to what it says out of sample.

A part is trained on its own, by whichever process takes it, and leaves one file: weights with the temperature of its
validation rows folded in, and its probabilities over validation and test. `ml.walk` puts parts together.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from core.errors import ModelUnavailable
from core.ohlcv import Floats
from ml import calibration, checkpoints, fitted, trainer
from ml.card_parts import Part as Plain
from ml.code_version import code_version
from ml.config import TrainingConfig
from ml.dataset import Dataset
from ml.network import Network, State
from ml.trainer import Progress

Kind = Literal["lstm", "shuffled"]
LSTM: Kind = "lstm"
SHUFFLED: Kind = "shuffled"
SHUFFLED_EPOCHS = 3  # the baseline has nothing to learn; it is only to be a trained network


@dataclass(frozen=True, order=True, slots=True)
class Key:
    """Which part. The shuffled baseline is one part, of the oldest fold, whose network may be scored on every test."""

    kind: Kind
    fold: int
    seed: int

    @classmethod
    def of(cls, part: Any) -> Self:
        """From anything that has the three as fields, such as a row of the database."""
        return cls(part.kind, part.fold, part.seed)

    @property
    def file(self) -> str:
        return f"{self.kind}-{self.fold}-{self.seed}.npz"

    @property
    def title(self) -> str:
        what = "shuffled labels" if self.kind == SHUFFLED else f"seed {self.seed}"
        return f"fold {self.fold + 1}, {what}"


@dataclass(frozen=True)
class Told(Plain):
    """How the training of a part went. `rows` names the rows it stands on: only parts of the same ones may meet."""

    losses: list[float]
    val_losses: list[float]
    best_epoch: int
    best_val_loss: float
    stopped_early: bool
    seconds: float
    temperature: float
    train_windows: int
    rows: str
    code_version: str


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """`validation`, `test`: (rows, 3) probabilities of the calibrated network over the fold's rows, in their order."""

    told: Told
    weights: State
    validation: Floats
    test: Floats

    def to_bytes(self) -> bytes:
        arrays: State = {f"weights/{name}": value for name, value in self.weights.items()}
        arrays |= {"validation": self.validation.astype(np.float32), "test": self.test.astype(np.float32)}
        meta = json.dumps(self.told.to_dict()).encode()
        return checkpoints.npz(arrays | {"meta": np.frombuffer(meta, dtype=np.uint8)})

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Raises ModelUnavailable where the content is no part."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as found:
                told = Told.from_dict(json.loads(found["meta"].tobytes()))
                names = [name for name in found.files if name.startswith("weights/")]
                weights = {name.removeprefix("weights/"): found[name] for name in names}
                return cls(told, weights, _normal(found["validation"]), _normal(found["test"]))
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as fault:
            raise ModelUnavailable("A part of the training cannot be read. It has to be trained again.") from fault


def keys(config: TrainingConfig) -> list[Key]:
    """Every part of a walk-forward, in the order they should be begun."""
    lstm = [Key(LSTM, fold, seed) for fold in range(config.folds) for seed in config.seeds]
    return [*lstm, Key(SHUFFLED, 0, config.seeds[0])]


def train(
    net: Network,
    data: Dataset,
    key: Key,
    *,
    folder: Path,
    on_epoch: Callable[[Progress], None],
    on_step: Callable[[Progress], None],
    each_batch: Callable[[], None],
) -> Trained:
    """Train the part on its fold `data`; checkpoints stand in `folder`, and a killed training goes on from them."""
    mine = for_part(data, key)
    (run,) = trainer.train(
        net,
        mine,
        folder=folder / f"{key.kind}-{key.fold}",
        on_epoch=on_epoch,
        each_batch=each_batch,
        fingerprint=f"{fingerprint(mine)}-{code_version()}",
        on_step=on_step,
    )
    rows, course = data.parts.validation, run.course
    net.set_weights(run.weights)
    temperature = fitted.temperature(mine, trainer.forecast(net, mine, rows, each_batch))
    weights = calibration.folded(run.weights, temperature)
    net.set_weights(weights)
    told = Told(
        losses=course.losses,
        val_losses=course.val_losses,
        best_epoch=course.best + 1,
        best_val_loss=course.val_losses[course.best],
        stopped_early=run.stopped_early,
        seconds=round(course.seconds, 3),
        temperature=temperature,
        train_windows=len(data.parts.train),
        rows=fingerprint(data),
        code_version=code_version(),
    )
    return Trained(
        told,
        weights,
        trainer.forecast(net, data, rows, each_batch),
        trainer.forecast(net, data, data.parts.test, each_batch),
    )


def for_part(data: Dataset, key: Key) -> Dataset:
    """The dataset with this part's seed alone; labels of train and validation shuffled where they are to be."""
    config = replace(data.config, seeds=(key.seed,))
    if key.kind == LSTM:
        return replace(data, config=config)
    y, rng = data.rows.y.copy(), np.random.default_rng([key.seed, 11])
    for part in (data.parts.train, data.parts.validation):
        y[part] = rng.permutation(y[part])
    epochs = min(config.epochs, SHUFFLED_EPOCHS)
    return replace(data, config=replace(config, epochs=epochs), rows=replace(data.rows, y=y))


def fingerprint(data: Dataset) -> str:
    """Names candles, configuration but for its seeds, and labels: finer candles may come while parts are trained."""
    asked: dict[str, Any] = data.config.to_dict() | {"seeds": []}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
    for span in data.data:
        digest.update(span.sha256.encode())
    for array in (data.rows.y, data.rows.spans.t0, data.parts.train, data.parts.test):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _normal(p: Floats) -> Floats:
    """Probabilities that sum to 1 again after they were kept in single precision."""
    exact = p.astype(np.float64)
    normal: Floats = exact / exact.sum(axis=1, keepdims=True)
    return normal
