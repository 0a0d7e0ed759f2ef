"""Training a model version in the background."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core import disk_space, market_name
from core.clock import to_ms, utc_now
from core.errors import Cancelled, LostClaim, NotEnoughData, NotFound, Refused
from core.jobs import OPEN_STATES, TRAIN_MODEL
from db.queries import job_claims, trained_models, training_runs
from db.queries import markets as stored_markets
from db.tables import Job
from market import candles as market_candles
from ml import artefacts, build, checkpoints, finer, leak_verdict, registry, training_outlook
from ml.build import Built
from ml.config import EPOCHS, TrainingConfig, first_seeds
from ml.dataset import Frame
from ml.parts import Key, Trained
from ml.trainer import Progress
from workers import walk_forward
from workers.context import JobContext

SPAN = "span.json"

log = logging.getLogger(__name__)


def train_model(
    context: JobContext,
    markets: list[str],
    timeframe: str,
    horizon: int,
    epochs: int | None = None,
    seeds: int = 1,
    **walk: Any,
) -> None:
    """Train on everything stored of `markets`, publish one version with its card, clean up.

    `walk` may hold further fields of `TrainingConfig`, such as `scheme` and `folds`. Interrupted, it goes on from the
    last epoch's checkpoint, on the very candles the first attempt read. The job's result is the card without its
    test calls. Raises NotEnoughData, NotFound, Refused, Cancelled.
    """
    names = tuple(str(market_name.parse(name)) for name in markets)
    knobs: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in walk.items()}
    asked = TrainingConfig(names, timeframe, horizon, epochs or EPOCHS, first_seeds(seeds), **knobs)
    models = context.settings.models
    work = walk_forward.folder(models, context.job_id)
    disk_space.demand(models)
    context.progress(0.0, "Reading candles", stage="reading")
    _clear_away(context, asked.family)
    try:
        built = made(context, asked, work, lambda: _read(context, asked, work), _until(work))
    except (Cancelled, Refused):
        shutil.rmtree(work, ignore_errors=True)
        raise
    folder = f"{asked.family}/{context.job_id}-{context.attempt}"
    manifest = artefacts.save(models, folder, built.files)
    try:
        _publish(context, built, asked, manifest, folder)
    except LostClaim:
        artefacts.remove(models, folder)
        raise
    shutil.rmtree(work, ignore_errors=True)


def made(
    context: JobContext, asked: TrainingConfig, work: Path, read: Callable[[], list[Frame]], until_ms: int
) -> Built:
    """The version: of one split, trained here, or of a walk-forward, trained wherever there is a worker."""
    if not asked.walks:
        return _build(context, asked, read(), work)
    trained = walk_forward.train_all(context, asked, work, read, until_ms)
    return _assembled(context, asked, trained, work)


def _assembled(context: JobContext, asked: TrainingConfig, trained: dict[Key, Trained], work: Path) -> Built:
    def on_stage(fraction: float, message: str) -> None:
        context.check_cancelled()
        context.progress(walk_forward.TRAINED + (1 - walk_forward.TRAINED) * fraction, message, stage="evaluating")

    with context.session() as session:
        sha256 = training_runs.get(session, context.job_id).candles
    frames = walk_forward.copied(context, work, sha256)
    return build.assemble(
        frames, asked, trained, now_ms=to_ms(utc_now()), each_batch=context.check_cancelled, on_stage=on_stage
    )


def _build(context: JobContext, asked: TrainingConfig, frames: list[Frame], work: Path) -> Built:
    def on_stage(stage: str, message: str) -> None:
        context.check_cancelled()
        context.progress(0.0 if stage == "preparing" else 0.99, message, stage=stage)

    further = False

    def on_kept() -> None:
        nonlocal further
        further = further or _got_further(context)

    def tell(at: Progress, windows: dict[str, int], baseline_loss: float) -> None:
        context.progress(
            0.98 * at.fraction,
            _message(at),
            stage="training",
            epoch=at.epoch,
            epochs=at.epochs,
            seed=at.seed,
            seeds=at.seeds,
            losses=[round(v, 5) for v in at.losses],
            val_losses=[round(v, 5) for v in at.val_losses],
            baseline_loss=round(baseline_loss, 5),
            best_epoch=at.best_epoch,
            best_val_loss=None if at.best_val_loss is None else round(at.best_val_loss, 5),
            eta_s=None if at.eta_s is None else round(at.eta_s),
            windows=windows,
        )

    course = build.Course(on_stage, tell, context.check_cancelled, tell, on_kept)
    return build.build(frames, asked, folder=work, now_ms=to_ms(utc_now()), course=course)


def _got_further(context: JobContext) -> bool:
    """An epoch more than the attempt before stands as a checkpoint; False where that could not be written down."""
    try:
        with context.session() as session:
            job_claims.got_further(session, context.job_id, context.attempt, attempts=TRAIN_MODEL.attempts)
    except SQLAlchemyError as fault:
        log.warning("progress_missed", extra={"fault": type(fault).__name__})
        return False
    return True


def _message(at: Progress) -> str:
    """`Epoch 3 of 60` when it has ended, `Epoch 3 of 60, 43 %` while it runs."""
    which = f"Epoch {at.epoch} of {at.epochs}"
    if at.share is not None:
        which = f"Epoch {at.epoch + 1} of {at.epochs}, {100 * at.share:.0f}%"
    return which if at.seeds == 1 else f"Seed {at.seed} of {at.seeds}, {which[0].lower()}{which[1:]}"


def _publish(context: JobContext, built: Built, asked: TrainingConfig, manifest: dict[str, str], folder: str) -> None:
    """Record the version and end the job, both or neither."""
    card = built.card
    result = card.to_dict()
    del result[trained_models.CALLS]
    context.progress(1.0, "Done", stage="saving")
    with context.publish(result) as session:
        made = registry.record(
            session,
            card,
            asked,
            manifest=manifest,
            folder=folder,
            models=context.settings.models,
            job_id=context.job_id,
            owner_id=context.owner_id,
        )
        if built.leaks is not None:
            days = context.settings.model_max_age_days
            leak_verdict.conclude(session, made.id, built.leaks, now=utc_now(), max_age_days=days)


def _read(context: JobContext, asked: TrainingConfig, work: Path) -> list[Frame]:
    """The closed candles of every market, up to the moment the first attempt began; Refused where none can pay."""
    until = _until(work)
    frames = [_frame(context, name, asked, until) for name in asked.markets]
    training_outlook.demand_of(frames, asked)
    return frames


def _frame(context: JobContext, name: str, asked: TrainingConfig, until: int) -> Frame:
    with context.session() as session:
        market = stored_markets.get(session, market_name.parse(name))
        try:
            candles = market_candles.series(session, market.id, asked.timeframe, now_ms=until)
        except NotFound as missing:
            raise NotEnoughData(missing.sentence) from missing
    return Frame(name, market.simulated, candles, finer.reader(context.session, market.id, asked.timeframe))


def _until(work: Path) -> int:
    """The moment, ms, up to which this job reads candles: the same for all its attempts."""
    path = work / SPAN
    try:
        return int(json.loads(path.read_bytes())["until_ms"])
    except (OSError, ValueError, KeyError, TypeError):
        now = to_ms(utc_now())
        checkpoints.write(path, json.dumps({"until_ms": now}).encode())
        return now


def _clear_away(context: JobContext, family: str) -> None:
    """Remove what earlier attempts wrote and could not publish, and checkpoints of jobs that have ended."""
    models = context.settings.models
    left = artefacts.leftovers(models, family, context.job_id)
    works = [path for path in (models / walk_forward.WORK).glob("*") if path.name != context.job_id]
    with context.session() as session:
        recorded = trained_models.folders(session, left)
        open_jobs = {path.name for path in works if _is_open(session, path.name)}
    for folder in left:
        if folder not in recorded:
            artefacts.remove(models, folder)
    for path in works:
        if path.name not in open_jobs:
            shutil.rmtree(path, ignore_errors=True)


def _is_open(session: Session, job_id: str) -> bool:
    job = session.get(Job, job_id)
    return job is not None and job.state in OPEN_STATES
