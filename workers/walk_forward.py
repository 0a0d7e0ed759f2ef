"""Walk-forward trainings: one job a fold and seed, over as many workers as there are, and one that puts them together.

The job that was asked for records the parts, hands them to the workers, and trains those nobody has begun itself, so
that one worker alone comes to the end as well. A worker that has trained a part takes the next one at once: loading
TensorFlow costs more than some parts. All parts read one copy of the candles.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import db.engine
from core import market_name
from core.errors import Cancelled, ModelUnavailable, Refused
from core.jobs import TRAIN_FOLD, JobState
from db.queries import job_claims, job_turns, jobs, training_runs
from db.queries import markets as stored_markets
from db.queries.training_runs import DONE, PartRow
from ml import artefacts, candle_copy, config, dataset, finer, network, parts
from ml.candle_copy import Copy
from ml.config import TrainingConfig
from ml.dataset import Dataset, Frame
from ml.parts import Key, Trained
from ml.trainer import Progress
from workers import engine, reaper, run_progress
from workers.context import JobContext
from workers.run_progress import Follower

WORK = ".work"  # in the models folder; the dot keeps it apart from families
COPY = "candles.npz"
TRAINED = run_progress.SHARE
LOOK = 1.0  # seconds between two looks at parts that others train
REAP = 15.0  # seconds between two looks for parts whose process was killed
ASK = 5.0  # seconds between two looks at whether the run is still wanted

log = logging.getLogger(__name__)


def folder(models: Path, run_id: str) -> Path:
    """Where checkpoints, candles and parts of a training stand until it has ended."""
    return models / WORK / run_id


def train_all(
    context: JobContext, asked: TrainingConfig, work: Path, read: Callable[[], list[Frame]], until: int
) -> dict[Key, Trained]:
    """Every part of the job's walk-forward, trained by whoever could; `read` reads the candles at the first attempt.

    Raises Refused with what a part failed of, Cancelled, Interrupted, LostClaim.
    """
    _begin(context, asked, work, read, until)
    try:
        with Follower(context):
            _until_done(context)
        return _collect(context, work)
    except (Cancelled, Refused):
        with context.session() as session:
            training_runs.cancel_open(session, context.job_id)
        raise


def train_fold(context: JobContext, run_id: str, kind: parts.Kind, fold: int, seed: int) -> None:
    """Train one part of the run `run_id`; then, unless this is done within another job, the next ones.

    Once somebody else's work waits it lets go, and the worker turns to them. Interrupted, it goes on from the last
    epoch's checkpoint. Raises Cancelled once the run is no longer wanted.
    """
    _train_one(context, run_id, Key(kind, fold, seed))
    while not context.helping and not context.stopping:
        following = _following(run_id)
        if following is None or not engine.help_with(following, context):
            return


def _following(run_id: str) -> str | None:
    """The next part for a worker that has trained one; None also where somebody else waits for a worker."""
    with db.engine.session() as session:
        if not training_runs.is_open(session, run_id) or job_turns.others_wait(session, run_id):
            return None
        return training_runs.next_job(session, run_id)


def copied(context: JobContext, work: Path, sha256: str) -> list[Frame]:
    """The run's copy of the candles, with readers of finer ones. Raises ModelUnavailable where the copy is damaged."""
    found = []
    for copy in candle_copy.read(work / COPY, sha256):
        with context.session() as session:
            market_id = stored_markets.get(session, market_name.parse(copy.market)).id
        found.append(
            Frame(copy.market, copy.simulated, copy.candles, finer.reader(context.session, market_id, copy.timeframe))
        )
    return found


def _begin(context: JobContext, asked: TrainingConfig, work: Path, read: Callable[[], list[Frame]], until: int) -> None:
    """Record the run, its parts and their jobs once; hand to the workers what still waits."""
    with context.session() as session:
        standing = training_runs.find(session, context.job_id)
    if standing is None:
        given = read()
        dataset.demand(given, asked)
        copies = [Copy(f.market, f.simulated, asked.timeframe, f.candles) for f in given]
        sha256 = candle_copy.write(work / COPY, copies)
        wanted = [(k.kind, k.fold, k.seed) for k in parts.keys(asked)]
        with context.session() as session:
            training_runs.begin(
                session, context.job_id, config=asked.to_dict(), until_ms=until, candles=sha256, parts=wanted
            )
    with context.session() as session:
        waiting = [row.job_id for row in training_runs.parts(session, context.job_id) if row.job_id and not _done(row)]
        calls = [jobs.get(session, job_id) for job_id in waiting]
    for job in calls:
        if job.state == JobState.QUEUED:
            jobs.announce(job)


def _until_done(context: JobContext) -> None:
    """Train what nobody has begun, wait for what others train; take back what a killed process held.

    The scheduler does that too, but a command that brought its own workers has none.
    """
    reaped = -REAP
    while True:
        context.check_cancelled()
        if time.monotonic() - reaped > REAP:
            reaper.reap()
            reaped = time.monotonic()
        with context.session() as session:
            rows = training_runs.parts(session, context.job_id)
            following = training_runs.next_job(session, context.job_id)
            wanted = training_runs.is_open(session, context.job_id)
        if not wanted:  # its parts were cancelled with it, which is no failure of theirs
            raise Cancelled("The training was cancelled.")
        _demand_no_failure(rows)
        if all(_done(row) for row in rows):
            return
        _mend(context, rows)
        if following is None or not engine.help_with(following, context):
            time.sleep(LOOK)


def _demand_no_failure(rows: list[PartRow]) -> None:
    for row in rows:
        if not _done(row) and row.job_state in (JobState.FAILED, JobState.CANCELLED):
            which = Key.of(row).title
            raise Refused(f"The training of {which} {row.job_state}: {row.job_reason or 'no reason was given'}")


def _mend(context: JobContext, rows: list[PartRow]) -> None:
    """A part whose job has gone without leaving anything is asked for again."""
    lost = [row for row in rows if not _done(row) and row.job_state in (None, JobState.SUCCEEDED)]
    for row in lost:
        with context.session() as session:
            job = training_runs.again(session, context.job_id, row.kind, row.fold, row.seed)
        jobs.announce(job)


def _done(row: PartRow) -> bool:
    return row.state == DONE


def _collect(context: JobContext, work: Path) -> dict[Key, Trained]:
    """What the parts left; one whose file is damaged is trained again, here and now."""
    while True:
        with context.session() as session:
            rows = training_runs.parts(session, context.job_id)
        found, damaged = {}, []
        for row in rows:
            key = Key.of(row)
            try:
                found[key] = Trained.from_bytes(artefacts.checked(work / key.file, row.files.get(key.file)))
            except ModelUnavailable:
                damaged.append(row)
        if not damaged:
            return found
        for row in damaged:
            log.warning("training_part_damaged", extra={"fold": row.fold, "seed": row.seed})
            with context.session() as session:
                jobs.announce(training_runs.again(session, context.job_id, row.kind, row.fold, row.seed))
        _until_done(context)


def _train_one(context: JobContext, run_id: str, key: Key) -> None:
    with context.session() as session:
        run = training_runs.get(session, run_id)
        asked, sha256 = config.from_dict(run.config), run.candles
    work = folder(context.settings.models, run_id)
    check = _checker(context, run_id)
    context.progress(0.0, f"{key.title[0].upper()}{key.title[1:]}: computing features and labels", stage="preparing")
    data = _fold(work, sha256, asked, key.fold, context)
    check()
    network.start()
    net = network.shared(asked, data.table.shape[1])
    further = False

    def on_epoch(at: Progress) -> None:
        nonlocal further
        _tell(context, key, at)
        if not further:
            with context.session() as session:
                job_claims.got_further(session, context.job_id, context.attempt, attempts=TRAIN_FOLD.attempts)
            further = True

    made = parts.train(
        net,
        data,
        key,
        folder=work,
        on_epoch=on_epoch,
        on_step=lambda at: _tell(context, key, at),
        each_batch=check,
    )
    sha = candle_copy.keep(work / key.file, made.to_bytes())
    told = made.told.to_dict()
    context.progress(1.0, "Done", stage="done", epoch=len(made.told.losses))
    with context.publish({"part": key.title}) as session:
        training_runs.finish(session, run_id, key.kind, key.fold, key.seed, metrics=told, files={key.file: sha})
    (work / f"{key.kind}-{key.fold}" / f"seed-{key.seed}.npz").unlink(missing_ok=True)


def _tell(context: JobContext, key: Key, at: Progress) -> None:
    context.progress(
        0.98 * at.fraction,
        f"{key.title[0].upper()}{key.title[1:]}, epoch {at.epoch} of {at.epochs}",
        stage="training",
        epoch=at.epoch,
        epochs=at.epochs,
        losses=[round(v, 5) for v in at.losses],
        val_losses=[round(v, 5) for v in at.val_losses],
    )


def _checker(context: JobContext, run_id: str) -> Callable[[], None]:
    """`check_cancelled` that also ends the part when its run has ended or was cancelled."""
    asked = time.monotonic()

    def check() -> None:
        nonlocal asked
        context.check_cancelled()
        if time.monotonic() - asked < ASK:
            return
        asked = time.monotonic()
        with context.session() as session:
            if not training_runs.is_open(session, run_id):
                raise Cancelled("The training this part belongs to has ended.")

    return check


def _fold(work: Path, sha256: str, asked: TrainingConfig, fold: int, context: JobContext) -> Dataset:
    """The fold's dataset, kept for the next seed of the same fold."""
    return _prepared(sha256, asked, fold, lambda: copied(context, work, sha256))


class _Newest:
    """The dataset prepared last in this process."""

    def __init__(self) -> None:
        self.key: tuple[str, TrainingConfig, int] | None = None
        self.data: Dataset | None = None


_newest = _Newest()


def _prepared(sha256: str, asked: TrainingConfig, fold: int, read: Callable[[], list[Frame]]) -> Dataset:
    key = (sha256, asked, fold)
    if _newest.key != key or _newest.data is None:
        _newest.key, _newest.data = None, None
        _newest.data = dataset.prepare(read(), asked, fold=fold)
        _newest.key = key
    return _newest.data
