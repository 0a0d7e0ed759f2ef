"""Jobs on the admin desk: everybody's, why they failed, run again, cancelled. Every callback is for admins alone."""

from datetime import datetime
from typing import Any

from dash import ALL, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

import db.engine
import db.queries.job_table as job_table
import db.queries.jobs as jobs
from callbacks.admin import DAY
from callbacks.grid_rows import Asked, first_id, words_of
from callbacks.guards import needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.errors import Refused
from core.jobs import OPEN_STATES, JobState
from core.roles import Role
from db.queries.job_table import JobRow
from layouts import ids
from layouts.components import admin_desk as desk
from layouts.components.numbers import duration, moment, percent

TITLES = {
    "train_model": "Train a model",
    "import_file": "Import a file",
    "backfill": "Fetch past candles",
    "top_up": "Fetch new candles",
    "fill_demo": "Make demo candles",
    "probe_exchanges": "Ask the exchanges",
    "predict_due": "Make calls",
    "predict_one": "Make one call",
    "settle_due": "Settle calls",
}

wire = Wiring()
wire.clientside(
    "admin.jobs",
    Input(ids.Admin.JOB_SEARCH, "value"),
    Input(ids.Admin.TICK, "n_intervals"),
    Input(ids.Admin.CHANGED, "data"),
    State(ids.Admin.JOBS, "id"),
)
wire.clientside("admin.fit", Input(ids.Admin.JOBS, "getRowsResponse"), State(ids.Admin.JOBS, "id"))


@wire(
    Output(ids.Admin.JOBS, "getRowsResponse"),
    Output(ids.Admin.JOB_COUNT, "children"),
    Input(ids.Admin.JOBS, "getRowsRequest"),
    State(ids.Admin.JOB_SEARCH, "value"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def job_rows(request: dict[str, Any] | None, text: str | None) -> tuple[dict[str, Any], str]:
    """The rows the table asks for."""
    asked, now = Asked.of(request), utc_now()
    with db.engine.session() as session:
        rows = job_table.page(session, text=words_of(text), **asked.given())
        total = job_table.count(session, text=words_of(text))
        counts = job_table.counts(session, since=now - DAY)
    said = f"{counts.running} running, {counts.queued} queued, {counts.failed} failed in 24 h"
    return {"rowData": [job_cells(row, now) for row in rows], "rowCount": total}, said


def job_cells(row: JobRow, now: datetime) -> dict[str, Any]:
    """A job as the table shows it: text alone."""
    fraction = row.progress.get("fraction")
    return {
        "id": row.id,
        "kind": job_title(row),
        "state": row.state.capitalize(),
        "progress": percent(fraction) if row.state in OPEN_STATES and fraction is not None else "",
        "owner": row.owner,
        "created_at": moment(row.created_at, now=now),
        "took": took(row, now),
        "reason": last_line(row),
    }


def job_title(row: JobRow) -> str:
    about = row.args.get("symbol") or ", ".join(str(m) for m in row.args.get("markets", []))
    title = TITLES.get(row.name, row.name.replace("_", " ").capitalize())
    return f"{title}, {about}" if about else title


def took(row: JobRow, now: datetime) -> str:
    return duration(((row.finished_at or now) - row.started_at).total_seconds()) if row.started_at else ""


def last_line(row: JobRow) -> str:
    """Why it failed, else how far it is."""
    ended = row.state in (JobState.FAILED, JobState.CANCELLED)
    return (row.reason or "") if ended or not row.progress else str(row.progress.get("message", ""))


@wire(
    Output(ids.Admin.JOB, "children"),
    Input(ids.Admin.JOBS, "selectedRows"),
    Input(ids.Admin.CHANGED, "data"),
    Input(ids.Admin.TICK, "n_intervals"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def draw_job(chosen: Any, _changed: Any, _ticks: int | None) -> Any:
    """The chosen job, as it is now."""
    row_id = first_id(chosen)
    if row_id is None:
        return None
    with db.engine.session() as session:
        row = job_table.one(session, row_id)
    if row is None:
        return None
    line = last_line(row)
    facts = f"Asked {moment(row.created_at, now=utc_now())} by {row.owner}, attempt {row.attempt} of {row.max_attempts}"
    retry = row.state in (JobState.FAILED, JobState.CANCELLED)
    cancel = row.state in OPEN_STATES and not row.cancel_requested
    return desk.job_panel(desk.ChosenJob(row.id, job_title(row), row.state, line, facts, retry, cancel))


@wire(
    Output(ids.Admin.CHANGED, "data", allow_duplicate=True),
    Output(ids.Admin.JOB_ASK, "is_open"),
    Input({"type": ids.Admin.JOB_ACT, "index": ALL}, "n_clicks"),
    Input(ids.Admin.JOB_ASK_YES, "n_clicks"),
    Input(ids.Admin.JOB_ASK_NO, "n_clicks"),
    State(ids.Admin.JOBS, "selectedRows"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def act(_clicks: list[int | None], _yes: int | None, _no: int | None, rows: Any) -> tuple[Any, bool]:
    """Run a job again at once; cancelling one is asked for a second time."""
    if not ctx.triggered_id or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    if ctx.triggered_id == ids.Admin.JOB_ASK_NO:
        return no_update, False
    if ctx.triggered_id == ids.Admin.JOB_ASK_YES:
        cancel(first_id(rows) or "")
        return utc_now().isoformat(), False
    word, _, job_id = str(ctx.triggered_id["index"]).partition("/")
    if word == "cancel":
        return no_update, True
    if word != "retry":
        raise Refused("That is nothing this desk can do. Reload the page.")
    run_again(job_id)
    return utc_now().isoformat(), False


def run_again(job_id: str) -> None:
    with db.engine.session() as session:
        made = job_table.retry(session, job_id)
        note(session, "job_retried", f"job {job_id}", kind=made.name, job=made.id)
    jobs.announce(made)
    say("Asked for again", "It runs as a new job, at the top of the list.")


def cancel(job_id: str) -> None:
    with db.engine.session() as session:
        job = jobs.request_cancel(session, job_id)
        note(session, "job_cancelled", f"job {job_id}", kind=job.name)
    say("Cancelling", "A running job stops at its next step; a waiting one is gone.", kind="plain")
