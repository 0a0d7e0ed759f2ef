"""`jobs`, `jobs cancel`."""

import argparse
from typing import Any

from core.errors import Refused
from core.jobs import JobState
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output, columns
from dashapp.cli.register import Add

SHOWN = 20
CANCEL = "cancel"


def register(add: Add) -> None:
    table = add("jobs", jobs, "The newest background jobs, open ones first; `jobs cancel ID` ends one.")
    table.add_argument("order", nargs="?", choices=[CANCEL])
    table.add_argument("job", nargs="?", metavar="ID", help="as `jobs` and `train` print it")


def jobs(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """List jobs, or cancel one. Raises Refused where none is named, NotFound where there is no such job."""
    if asked.order == CANCEL:
        if not asked.job:
            raise Refused("Name the job to cancel; `jobs` lists them.")
        return _cancel(asked.job, settings, output)
    import db.engine
    from db.queries import job_table

    with attached(settings, output), db.engine.session() as session:
        rows = [_row(row) for row in job_table.page(session, limit=SHOWN)]
    shown = [row | {"progress": f"{100 * row['progress']:.0f} %"} for row in rows]
    output.result(rows, columns(shown) or ["There is no job."])
    return 0


def _row(row: Any) -> dict[str, Any]:
    """What is shown of a `JobRow`."""
    return {
        "id": row.id,
        "job": row.name,
        "state": row.state,
        "progress": float(row.progress.get("fraction") or 0),
        "asked_by": row.owner,
        "created_at": f"{row.created_at:%Y-%m-%d %H:%M}",
    }


def _cancel(job_id: str, settings: Settings, output: Output) -> int:
    """A job that waits ends at once, one at work soon; what has ended stays as it is."""
    import db.engine
    from db.queries import audit, training_runs
    from db.queries import jobs as stored

    with attached(settings, output), db.engine.session() as session:
        ended = stored.get(session, job_id).finished_at is not None
        job = stored.request_cancel(session, job_id)
        training_runs.cancel_open(session, job_id)
        if not ended:
            audit.by_command(session, "job_cancelled", f"job {job_id}", kind=job.name)
        state = job.state
    line = f"Job {job_id} is cancelled." if state == JobState.CANCELLED else f"Job {job_id} stops soon."
    output.result({"job": job_id, "state": state}, [f"Job {job_id} had ended: {state}." if ended else line])
    return 0
