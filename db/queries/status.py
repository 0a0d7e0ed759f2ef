"""What the status line says, in two small queries."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.jobs import JobState
from db.tables import Instance, Job, Prediction, SourceHealth, TrainedModel


@dataclass(frozen=True, slots=True)
class Status:
    """`sources` are (exchange, state) by name; `last_call` is when the newest prediction was made."""

    sources: tuple[tuple[str, str], ...]
    demo: bool
    models: int
    last_call: datetime | None
    running: int
    queued: int


def read(session: Session) -> Status:
    """How the sources, the models and the jobs are doing."""
    sources = session.execute(select(SourceHealth.exchange, SourceHealth.state).order_by(SourceHealth.exchange))
    demo = select(func.coalesce(func.bool_or(Instance.demo_enabled), False)).scalar_subquery()
    models = select(func.count()).where(TrainedModel.state != "retired").scalar_subquery()
    last_call = select(func.max(Prediction.made_at)).scalar_subquery()
    running = select(func.count()).where(Job.state == JobState.RUNNING).scalar_subquery()
    waiting = (JobState.QUEUED, JobState.RETRYING)
    queued = select(func.count()).where(Job.state.in_(waiting), Job.run_after <= func.now()).scalar_subquery()
    counts = session.execute(select(demo, models, last_call, running, queued)).one()
    return Status(tuple((name, state) for name, state in sources), *counts)
