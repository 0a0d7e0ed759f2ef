"""Training a model version in the background."""

import json
import shutil
from pathlib import Path

from sqlalchemy.orm import Session

from core import market_name
from core.clock import to_ms, utc_now
from core.errors import Cancelled, LostClaim, NotEnoughData, NotFound, Refused
from core.jobs import OPEN_STATES
from db.queries import markets as stored_markets
from db.queries import trained_models
from db.tables import Job
from market import candles as market_candles
from ml import artefacts, build, checkpoints, finer, registry
from ml.build import Built
from ml.card import Card
from ml.config import EPOCHS, TrainingConfig, first_seeds
from ml.dataset import Frame
from ml.trainer import Progress
from workers.context import JobContext

WORK = ".work"  # folder of checkpoints in the models folder; dots keep it apart from families
SPAN = "span.json"


def train_model(
    context: JobContext,
    markets: list[str],
    timeframe: str,
    horizon: int,
    epochs: int | None = None,
    seeds: int = 1,
) -> None:
    """Train on everything stored of `markets`, publish one version with its card, clean up.

    Interrupted, it goes on from the last epoch's checkpoint, on the very candles the first attempt read. The job's
    result is the card without its test calls. Raises NotEnoughData, NotFound, Refused, Cancelled.
    """
    names = tuple(str(market_name.parse(name)) for name in markets)
    asked = TrainingConfig(names, timeframe, horizon, epochs or EPOCHS, first_seeds(seeds))
    models = context.settings.models
    work = models / WORK / context.job_id
    context.progress(0.0, "Reading candles", stage="reading")
    _clear_away(context, asked.family)
    try:
        built = _build(context, asked, _read(context, asked, work), work)
    except (Cancelled, Refused):
        shutil.rmtree(work, ignore_errors=True)
        raise
    folder = f"{asked.family}/{context.job_id}-{context.attempt}"
    manifest = artefacts.save(models, folder, built.files)
    try:
        _publish(context, built.card, asked, manifest, folder)
    except LostClaim:
        artefacts.remove(models, folder)
        raise
    shutil.rmtree(work, ignore_errors=True)


def _build(context: JobContext, asked: TrainingConfig, frames: list[Frame], work: Path) -> Built:
    def on_stage(stage: str, message: str) -> None:
        context.check_cancelled()
        context.progress(0.0 if stage == "preparing" else 0.99, message, stage=stage)

    def on_progress(at: Progress, windows: dict[str, int], baseline_loss: float) -> None:
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

    course = build.Course(on_stage, on_progress, context.check_cancelled, on_progress)
    return build.build(frames, asked, folder=work, now_ms=to_ms(utc_now()), course=course)


def _message(at: Progress) -> str:
    """`Epoch 3 of 60` when it has ended, `Epoch 3 of 60, 43 %` while it runs."""
    which = f"Epoch {at.epoch} of {at.epochs}"
    if at.share is not None:
        which = f"Epoch {at.epoch + 1} of {at.epochs}, {100 * at.share:.0f} %"
    return which if at.seeds == 1 else f"Seed {at.seed} of {at.seeds}, {which[0].lower()}{which[1:]}"


def _publish(context: JobContext, card: Card, asked: TrainingConfig, manifest: dict[str, str], folder: str) -> None:
    """Record the version and end the job, both or neither."""
    result = card.to_dict()
    del result[trained_models.CALLS]
    context.progress(1.0, "Done", stage="saving")
    with context.publish(result) as session:
        registry.record(
            session,
            card,
            asked,
            manifest=manifest,
            folder=folder,
            job_id=context.job_id,
            owner_id=context.owner_id,
        )


def _read(context: JobContext, asked: TrainingConfig, work: Path) -> list[Frame]:
    """The closed candles of every market, up to the moment the first attempt began."""
    until = _until(work)
    return [_frame(context, name, asked, until) for name in asked.markets]


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
    works = [path for path in (models / WORK).glob("*") if path.name != context.job_id]
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
