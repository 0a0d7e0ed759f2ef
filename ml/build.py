"""From candles to a finished version: train, judge beside the baselines, examine, export; files and card come out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ml import dataset, features, leak_lab, parts, walk, walk_card, walk_regimes
from ml.card import Card
from ml.code_version import code_version
from ml.config import TrainingConfig
from ml.dataset import Frame
from ml.leak_lab import Stored
from ml.leak_report import Report
from ml.parts import LSTM, Key, Trained
from ml.trainer import Progress
from ml.walk import Walked


@dataclass(frozen=True, slots=True)
class Course:
    """What a long run tells its caller. `on_epoch(progress, windows, baseline_loss)`; `each_batch` may raise.

    `on_step` is told the same within an epoch, before each batch. `on_kept`: an epoch more stands as a checkpoint, of
    whichever network, that on shuffled labels too.
    """

    on_stage: Callable[[str, str], None]
    on_epoch: Callable[[Progress, dict[str, int], float], None]
    each_batch: Callable[[], None]
    on_step: Callable[[Progress, dict[str, int], float], None] = lambda *_: None
    on_kept: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Built:
    """A version that is not yet recorded: its card has no number. `leaks`: the leak lab's report on it."""

    card: Card
    files: dict[str, bytes]
    leaks: Report | None = None


def build(frames: Sequence[Frame], asked: TrainingConfig, *, folder: Path, now_ms: int, course: Course) -> Built:
    """Train a single split here and now, one seed after another; checkpoints stand in `folder` until the caller
    removes it. Raises NotEnoughData, and whatever `course` raises."""
    course.on_stage("preparing", "Computing features and labels")
    data = dataset.prepare(frames, asked)
    base_loss = walk_card.climatology_loss(data)
    counts = {name: len(getattr(data.parts, name)) for name in ("train", "validation", "test")}
    course.on_stage("preparing", "Loading TensorFlow")
    net = walk.start(asked, data.table.shape[1])
    course.on_stage("preparing", f"In the first epoch, over {counts['train']:,} windows")
    trained: dict[Key, Trained] = {}
    for number, key in enumerate(parts.keys(asked)):
        if key.kind != LSTM:
            course.on_stage("evaluating", "Training the same network on shuffled labels, as a baseline")

        def tell(at: Progress, to: Callable[..., None], number: int = number, key: Key = key) -> None:
            if key.kind == LSTM:
                to(_of_all(at, number, len(asked.seeds)), counts, base_loss)

        def ended(at: Progress, tell: Callable[..., None] = tell) -> None:
            course.on_kept()
            tell(at, course.on_epoch)

        trained[key] = parts.train(
            net,
            data,
            key,
            folder=folder,
            on_epoch=ended,
            on_step=lambda at, tell=tell: tell(at, course.on_step),  # type: ignore[misc]
            each_batch=course.each_batch,
        )
    return assemble(
        frames,
        asked,
        trained,
        now_ms=now_ms,
        each_batch=course.each_batch,
        on_stage=lambda _, message: course.on_stage("evaluating", message),
    )


def assemble(
    frames: Sequence[Frame],
    asked: TrainingConfig,
    trained: dict[Key, Trained],
    *,
    now_ms: int,
    each_batch: Callable[[], None],
    on_stage: Callable[[float, str], None],
) -> Built:
    """A version of all parts. `on_stage(fraction, what comes next)` and `each_batch` may raise to stop.

    Raises Refused where parts do not fit the candles, ModelUnavailable where the export says something else.
    """
    net = walk.start(asked, len(features.NAMES))
    walked = walk.walk(frames, asked, trained, net=net, each_batch=each_batch, on_stage=on_stage)
    on_stage(0.6, "Exporting the networks")
    model, difference = walk.export(walked, net)
    beside = walk.export_beside(walked)
    leaks = _examined(frames, walked, now_ms, lambda share, what: on_stage(0.62 + 0.36 * share, f"Leak lab: {what}"))
    kinds = walk_regimes.codes(walked, frames)
    made = walk_card.card(walked, kinds, leaks=leaks, difference=difference, now_ms=now_ms)
    on_stage(0.98, "Writing the model's files")
    return Built(made, walk_card.files(walked, made, model, kinds, beside), leaks)


def _examined(frames: Sequence[Frame], walked: Walked, now_ms: int, on_check: Callable[[float, str], None]) -> Report:
    """The leak lab's report on all steps: its verdict is part of the version's."""
    data = walked.newest.data
    stored = Stored(data.scaler, data.k, tuple(step.data.k for step in walked.steps))
    found = leak_lab.examine(frames, walked.config, stored=stored, on_check=on_check)
    return replace(found, code_version=code_version(), created_ms=now_ms)


def _of_all(at: Progress, number: int, seeds: int) -> Progress:
    """Progress of one seed as progress of all of them."""
    reached = at.epoch + (at.share or 0.0)
    left, rest = at.epochs - reached, (seeds - number - 1) * at.epochs
    eta = None if at.eta_s is None else at.eta_s * (1 + rest / left) if left > 0 else at.eta_s
    return replace(at, seed=number + 1, seeds=seeds, fraction=(number + at.fraction) / seeds, eta_s=eta)
