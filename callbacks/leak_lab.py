"""The leak report on the Models page: run the lab on the version that is shown, follow it, read what it found."""

from typing import Any
from urllib.parse import parse_qs

from dash import ALL, Input, Output, State, ctx
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

import db.engine
import db.queries.jobs
import db.queries.leak_reports
import db.queries.trained_models
from callbacks.guards import current_user_id, may, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.errors import NotFound
from core.jobs import LEAK_LAB, OPEN_STATES, JobState
from core.roles import Role
from db.tables import Job, LeakReport
from layouts import ids
from layouts.components import leak_report
from layouts.components.leak_report import Examination
from ml.leak_report import Report

wire = Wiring()


@wire(
    Output(ids.Models.LEAKS_SEEN, "data"),
    Output(ids.Models.LEAKS, "children"),
    Input(ids.Models.TICK, "n_intervals"),
    Input(ids.Shell.LOCATION, "search"),
    State(ids.Models.LEAKS_SEEN, "data"),
)
def follow(_ticks: int | None, search: str | None, seen: Any) -> tuple[Any, Component | None]:
    """Draw the report of the version in the address, else of the newest, when something has changed."""
    with db.engine.session() as session:
        model_id = shown(session, search)
        if model_id is None:
            if seen is None:
                raise PreventUpdate
            return None, None
        kept = db.queries.leak_reports.find(session, model_id)
        job = db.queries.leak_reports.newest_job(session, model_id)
    stamp = [
        model_id,
        kept.created_at.isoformat() if kept else None,
        [job.id, job.state, job.progress] if job else None,
        may(Role.ANALYST),
    ]
    if stamp == seen:
        raise PreventUpdate
    return stamp, leak_report.draw(_examination(model_id, kept, job), now=utc_now())


@wire(
    Output({"type": ids.Models.EXAMINE, "index": ALL}, "disabled"),
    Input({"type": ids.Models.EXAMINE, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def examine(clicks: list[int | None]) -> list[bool]:
    """Ask for an examination; the button rests until its progress stands in its place."""
    if not any(clicks):
        raise PreventUpdate
    model_id = ctx.triggered_id["index"]
    if not isinstance(model_id, int):
        raise NotFound("There is no such model version. Choose one on the Models page.")
    with db.engine.session() as session:
        title = db.queries.trained_models.get(session, model_id).name
    job_id = db.queries.jobs.submit(
        LEAK_LAB, {"model_id": model_id}, owner_id=current_user_id(), dedupe=f"leak_lab:{model_id}"
    )
    with db.engine.session() as session:
        note(session, "leak_lab_asked", f"job {job_id}", model=title, model_id=model_id)
    say("Examination asked for", "It runs in the background; you can leave this page.", kind="ok")
    return [bool(n) for n in clicks]


def shown(session: Any, search: str | None) -> int | None:
    """The version in the address where there is one, else the newest."""
    rows = db.queries.trained_models.ids(session)
    given = parse_qs((search or "").lstrip("?")).get("version", [""])[0]
    if given.isdecimal() and len(given) < 10 and int(given) in rows:
        return int(given)
    return rows[0] if rows else None


def _examination(model_id: int, kept: LeakReport | None, job: Job | None) -> Examination:
    running = None
    if job is not None and job.state in OPEN_STATES:
        waits = "Waiting for a training worker."
        running = (float(job.progress.get("fraction") or 0), str(job.progress.get("message") or waits))
    failed = job.reason or "no reason was given" if job is not None and job.state == JobState.FAILED else ""
    return Examination(
        model_id=model_id,
        report=Report.from_dict(kept.report) if kept else None,
        made_at=kept.created_at if kept else None,
        running=running,
        failed=failed,
        may_run=may(Role.ANALYST),
    )
