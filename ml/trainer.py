"""Training one seed after another, early stopping on validation, a checkpoint after every epoch.

Knows no database: a dataset in, weights out. Same machine, same data, same seed: the same weights, also when the
training was interrupted and went on from its checkpoint.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml import baselines, checkpoints, fitted, network, windows
from ml.config import TrainingConfig
from ml.dataset import Dataset
from ml.evaluation import log_losses
from ml.network import Network, State

HEAD_BIAS = "head/bias"
STEPS = 24  # an epoch should have at least, so that few rows teach something in few epochs
LEAST_BATCH = 32
BACKWARD = 3  # what learning from a window costs beside looking at one


@dataclass(frozen=True, slots=True)
class Progress:
    """After `epoch` epochs of this seed, and `share` of the next one where that runs; None right after an epoch.

    `seed` counts from 1; losses are of this seed; `eta_s`: at most, if no seed stops early. Best epoch, its loss and
    `eta_s` are None until the first epoch has ended.
    """

    seed: int
    seeds: int
    epoch: int
    epochs: int
    losses: list[float]
    val_losses: list[float]
    best_epoch: int | None
    best_val_loss: float | None
    eta_s: float | None
    fraction: float
    share: float | None = None


@dataclass(slots=True)
class Course:
    """How a seed has gone so far; what a checkpoint keeps beside the arrays."""

    seed: int
    losses: list[float] = field(default_factory=list)
    val_losses: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def best(self) -> int:
        """Index of the best epoch."""
        return int(np.argmin(self.val_losses))

    def over(self, epochs: int, patience: int) -> bool:
        return len(self.losses) >= epochs or self.tired(patience)

    def tired(self, patience: int) -> bool:
        return len(self.losses) - 1 - self.best >= patience if self.losses else False


@dataclass(frozen=True, slots=True)
class Run:
    """A finished seed; `weights` are those of its best epoch, with the class weights taken out of the last bias."""

    course: Course
    weights: State
    stopped_early: bool


def train(
    net: Network,
    dataset: Dataset,
    *,
    folder: Path,
    on_epoch: Callable[[Progress], None],
    each_batch: Callable[[], None],
    fingerprint: str,
    on_step: Callable[[Progress], None] = lambda _: None,
) -> list[Run]:
    """Train every seed of the configuration with `net`, the network of it.

    `each_batch` may raise to stop; `on_step` is told before each batch how far the epoch is. Checkpoints stay in
    `folder`, and one is taken up only when its `fingerprint` (of data, configuration and code) is this one.
    """
    config = dataset.config
    runs: list[Run] = []
    for number, seed in enumerate(config.seeds):
        keeper = checkpoints.Keeper(folder / f"seed-{seed}.npz", f"{fingerprint}-{seed}")

        def report(course: Course, number: int = number) -> None:
            on_epoch(_progress(course, number, len(config.seeds), config.epochs))

        def step(course: Course, share: float, number: int = number) -> None:
            on_step(_progress(course, number, len(config.seeds), config.epochs, share))

        runs.append(_train_seed(net, dataset, seed, keeper=keeper, report=report, step=step, each_batch=each_batch))
    return runs


def forecast(net: Network, dataset: Dataset, rows: npt.NDArray[np.int64], each_batch: Callable[[], None]) -> Floats:
    """(rows, 3) probabilities of the network as it stands."""
    found = []
    for part in windows.batches(len(rows), network.FORWARD, rows):
        each_batch()
        found.append(net.forecast(dataset.x(part)))
    return np.concatenate(found)


def batch_size(config: TrainingConfig, rows: int) -> int:
    """Windows a step learns from: as the configuration says, less where an epoch would have only a few steps."""
    size = config.batch
    while size > LEAST_BATCH and rows // size < STEPS:
        size //= 2
    return size


def without_class_weights(p: Floats, prior: Floats) -> Floats:
    """Probabilities as they would be had every row weighed the same: multiply by the prior, then normalise."""
    back = p * np.maximum(prior, 1e-6)
    unbiased: Floats = back / back.sum(axis=1, keepdims=True)
    return unbiased


def _train_seed(
    net: Network,
    dataset: Dataset,
    seed: int,
    *,
    keeper: checkpoints.Keeper,
    report: Callable[[Course], None],
    step: Callable[[Course, float], None],
    each_batch: Callable[[], None],
) -> Run:
    config, prior = dataset.config, baselines.prior(dataset)
    net.begin(seed)
    course, best = Course(seed), net.weights()
    if kept := keeper.load():
        net.restore(kept.state)
        course, best = Course(**kept.course), kept.best
    while not course.over(config.epochs, config.patience):
        began = time.monotonic()
        learn, check = _paced(dataset, partial(step, course), each_batch)
        course.losses.append(_epoch(net, dataset, len(course.losses), seed, fitted.class_weights(prior), learn))
        p = forecast(net, dataset, dataset.parts.validation, check)
        y = dataset.rows.y[dataset.parts.validation]
        course.val_losses.append(float(log_losses(without_class_weights(p, prior), y).mean()))
        if course.best == len(course.losses) - 1:
            best = net.weights()
        course.seconds += time.monotonic() - began
        keeper.save(checkpoints.Kept(net.state(), best, _plain(course)))
        report(course)
    best[HEAD_BIAS] = (best[HEAD_BIAS] + np.log(3 * np.maximum(prior, 1e-6))).astype(np.float32)
    return Run(course, best, len(course.losses) < config.epochs)


def _paced(
    dataset: Dataset, step: Callable[[float], None], each_batch: Callable[[], None]
) -> tuple[Callable[[], None], Callable[[], None]]:
    """`each_batch` for learning and for validating, which tell before each how far the epoch is, by cost."""
    whole = BACKWARD * len(dataset.parts.train) + len(dataset.parts.validation)
    done = 0

    def tick(cost: int) -> None:
        nonlocal done
        each_batch()
        step(min(done / whole, 1.0))
        done += cost

    batch = BACKWARD * batch_size(dataset.config, len(dataset.parts.train))
    return lambda: tick(batch), lambda: tick(network.FORWARD)


def _epoch(
    net: Network,
    dataset: Dataset,
    epoch: int,
    seed: int,
    weights: npt.NDArray[np.float32],
    each_batch: Callable[[], None],
) -> float:
    """One pass over the shuffled train rows, full batches only; returns the mean weighted loss."""
    train = dataset.parts.train
    order = train[windows.shuffled(len(train), seed, epoch)]
    losses = []
    for rows in windows.full_batches(order, batch_size(dataset.config, len(train))):
        each_batch()
        y = dataset.rows.y[rows]
        losses.append(net.learn(dataset.x(rows), y, weights[y]))
    return float(np.mean(losses))


def _plain(course: Course) -> dict[str, object]:
    return {
        "seed": course.seed,
        "losses": course.losses,
        "val_losses": course.val_losses,
        "seconds": course.seconds,
    }


def _progress(course: Course, number: int, seeds: int, epochs: int, share: float | None = None) -> Progress:
    done = len(course.val_losses)  # an epoch ends with its validation
    reached = done + (share or 0.0)
    return Progress(
        seed=number + 1,
        seeds=seeds,
        epoch=done,
        epochs=epochs,
        losses=course.losses[:done],
        val_losses=course.val_losses,
        best_epoch=course.best + 1 if done else None,
        best_val_loss=course.val_losses[course.best] if done else None,
        eta_s=course.seconds / done * ((seeds - number) * epochs - reached) if done else None,
        fraction=(number * epochs + reached) / (seeds * epochs),
        share=share,
    )
