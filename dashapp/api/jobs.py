"""Background jobs, as far as they are one's own or everybody's."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

import db.engine
from core.errors import Forbidden
from core.roles import Role, covers
from dashapp.api import guard
from dashapp.api.route import Resource
from dashapp.api.schemas import Answer, Time
from db.queries import jobs
from db.tables import Job

DESKS_OWN = "Only an admin can cancel a job of the desk itself."
ID = "0b3d8a1e-2c55-4a0f-9f0e-6d5c0c9d3f4b"

resource = Resource("Jobs")


class JobItem(Answer):
    """`progress` holds `fraction` (0 to 1) and `message` while the job runs; `reason` says why it did not succeed."""

    id: str = Field(examples=[ID])
    name: str = Field(examples=["train_model"])
    state: Literal["queued", "running", "retrying", "succeeded", "failed", "cancelled"] = Field(examples=["running"])
    attempt: int = Field(examples=[1])
    args: dict[str, Any] = Field(examples=[{"markets": ["binance:BTC/USDT"], "timeframe": "1h", "horizon": 24}])
    progress: dict[str, Any] = Field(examples=[{"fraction": 0.4, "message": "Epoch 12 of 30"}])
    result: dict[str, Any] | None = Field(examples=[None])
    reason: str | None = Field(examples=[None])
    cancel_requested: bool = Field(examples=[False])
    created_at: Time
    started_at: Time | None
    finished_at: Time | None

    @classmethod
    def of(cls, job: Job) -> "JobItem":
        return cls.model_validate({name: getattr(job, name) for name in cls.model_fields})


@resource("GET", "/jobs/<uuid:job_id>", answer=JobItem, problems=(404,))
def show_job(job_id: UUID) -> JobItem:
    """A job of yours or of the desk itself; for admins, anybody's."""
    me = guard.caller()
    with db.engine.session() as session:
        return JobItem.of(jobs.visible(session, me.id, me.role, str(job_id)))


@resource("DELETE", "/jobs/<uuid:job_id>", answer=JobItem, scope="train", problems=(404,))
def cancel_job(job_id: UUID) -> JobItem:
    """Cancel a job of yours, or as an admin anybody's. A running one stops soon; an ended one stays as it is."""
    me = guard.caller()
    with db.engine.session() as session:
        job = jobs.visible(session, me.id, me.role, str(job_id))
        if job.owner_id == me.id or covers(me.role, Role.ADMIN):
            item = JobItem.of(jobs.request_cancel(session, job.id))
            guard.note(session, me, "job_cancelled", f"job {job.id}", kind=job.name)
            return item
    guard.denied(me, "cancel_job", DESKS_OWN)
    raise Forbidden(DESKS_OWN)
