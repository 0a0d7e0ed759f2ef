"""Walk-forward runs and their parts: who is to train what, and what has come of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.jobs import OPEN_STATES, TRAIN_FOLD, WAITING_STATES
from db.queries import jobs
from db.tables import Job, TrainingPart, TrainingRun

WAITING, DONE = "waiting", "done"


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part and its newest job; `job_state` is None where that job was cleared away."""

    kind: str
    fold: int
    seed: int
    state: str
    metrics: dict[str, Any]
    files: dict[str, str]
    job_id: str | None
    job_state: str | None
    job_reason: str | None
    progress: dict[str, Any]


def find(session: Session, run_id: str) -> TrainingRun | None:
    return session.get(TrainingRun, run_id)


def get(session: Session, run_id: str) -> TrainingRun:
    """The run of a job; raises NotFound."""
    found = find(session, run_id)
    if found is None:
        raise NotFound("There is no such training; it may have been cleared away. Start it again.")
    return found


def begin(
    session: Session,
    run_id: str,
    *,
    config: dict[str, Any],
    until_ms: int,
    candles: str,
    parts: Iterable[tuple[str, int, int]],
) -> list[Job]:
    """Record a run and a job for each part (kind, fold, seed); commit, then announce them."""
    session.add(TrainingRun(job_id=run_id, config=config, until_ms=until_ms, candles=candles))
    session.flush()
    made = []
    for kind, fold, seed in parts:
        job = _job(session, run_id, kind, fold, seed)
        session.add(TrainingPart(run_id=run_id, kind=kind, fold=fold, seed=seed, job_id=job.id))
        made.append(job)
    session.flush()
    return made


def parts(session: Session, run_id: str) -> list[PartRow]:
    """Every part of a run by fold, kind and seed."""
    query = (
        select(TrainingPart, Job.state, Job.reason, Job.progress)
        .outerjoin(Job, Job.id == TrainingPart.job_id)
        .where(TrainingPart.run_id == run_id)
        .order_by(TrainingPart.kind, TrainingPart.fold, TrainingPart.seed)
    )
    return [
        PartRow(
            kind=part.kind,
            fold=part.fold,
            seed=part.seed,
            state=part.state,
            metrics=part.metrics,
            files=part.files,
            job_id=part.job_id,
            job_state=state,
            job_reason=reason,
            progress=progress or {},
        )
        for part, state, reason, progress in session.execute(query)
    ]


def next_job(session: Session, run_id: str) -> str | None:
    """What nobody has begun and may begin now: the run itself where it was interrupted, else its parts by fold."""
    waits = (Job.state.in_(WAITING_STATES), Job.run_after <= func.now())
    if session.scalar(select(Job.id).where(Job.id == run_id, *waits)) is not None:
        return run_id
    query = (
        select(Job.id)
        .join(TrainingPart, TrainingPart.job_id == Job.id)
        .where(TrainingPart.run_id == run_id, *waits)
        .order_by(TrainingPart.kind, TrainingPart.fold, TrainingPart.seed)
        .limit(1)
    )
    return session.scalar(query)


def is_open(session: Session, run_id: str) -> bool:
    """Whether the job that asked for the run still wants its parts."""
    wanted = select(Job.id).where(Job.id == run_id, Job.state.in_(OPEN_STATES), ~Job.cancel_requested)
    return session.scalar(wanted) is not None


def finish(
    session: Session, run_id: str, kind: str, fold: int, seed: int, *, metrics: dict[str, Any], files: dict[str, str]
) -> None:
    """A part is done: what it measured, and the files it left with their SHA-256."""
    mine = _this(run_id, kind, fold, seed)
    session.execute(update(TrainingPart).where(mine).values(state=DONE, metrics=metrics, files=files))


def again(session: Session, run_id: str, kind: str, fold: int, seed: int) -> Job:
    """Forget what a part left and have it trained again; commit, then announce the job."""
    job = _job(session, run_id, kind, fold, seed)
    values = {"state": WAITING, "metrics": {}, "files": {}, "job_id": job.id}
    session.execute(update(TrainingPart).where(_this(run_id, kind, fold, seed)).values(values))
    return job


def cancel_open(session: Session, run_id: str) -> None:
    """Cancel what waits and ask what runs to stop: the run is over."""
    query = select(TrainingPart.job_id).join(Job, Job.id == TrainingPart.job_id)
    for job_id in session.scalars(query.where(TrainingPart.run_id == run_id, Job.state.in_(OPEN_STATES))).all():
        if job_id is not None:
            jobs.request_cancel(session, job_id)


def _this(run_id: str, kind: str, fold: int, seed: int) -> Any:
    return and_(
        TrainingPart.run_id == run_id, TrainingPart.kind == kind, TrainingPart.fold == fold, TrainingPart.seed == seed
    )


def _job(session: Session, run_id: str, kind: str, fold: int, seed: int) -> Job:
    """Parts belong to nobody: only the run itself tells its owner how it ended."""
    args = {"run_id": run_id, "kind": kind, "fold": fold, "seed": seed}
    return jobs.create(session, TRAIN_FOLD, args, dedupe=f"part:{run_id}:{kind}:{fold}:{seed}")
