"""The Models page: start, follow and cancel trainings; read versions and their cards."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from dash import ALL, Input, Output, State, ctx, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import current_app
from sqlalchemy.orm import Session

import db.engine
import db.queries.jobs
import db.queries.markets
import db.queries.trained_models
from callbacks import prediction_rows
from callbacks.guards import current_role, current_user_id, may, needs
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.errors import Refused
from core.jobs import OPEN_STATES, TRAIN_MODEL, JobState
from core.roles import Role, covers
from db.queries.trained_models import CHAMPION
from db.tables import Job
from layouts import ids
from layouts.components import model_card, model_scores, training_run, version_comparison, version_table
from layouts.components.feedback import empty, headline
from layouts.components.training_form import train_button
from layouts.components.training_run import Run
from layouts.components.version_table import Ended, Version
from layouts.theme import read_look
from ml.card import Card

FIRST = "It is judged once, on candles it has not learned from, beside rules that need no model. This page shows how."
ENDED_SHOWN = 3  # trainings that published nothing, newest first

wire = Wiring()


@wire(
    Output({"type": ids.Models.CANCEL, "index": ALL}, "disabled"),
    Input({"type": ids.Models.CANCEL, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def cancel(clicks: list[int | None]) -> list[bool]:
    """Ask the training to stop; the button rests until the job has ended."""
    if not any(clicks):
        raise PreventUpdate
    with db.engine.session() as session:
        job = db.queries.jobs.visible(session, current_user_id(), current_role(), ctx.triggered_id["index"])
        if not _may_cancel(job):
            raise Refused("Only the person who started this training, or an admin, can cancel it.")
        db.queries.jobs.request_cancel(session, job.id)
        note(session, "job_cancelled", f"job {job.id}", kind=job.name)
    return [bool(n) for n in clicks]


@wire(
    Output(ids.Models.SEEN, "data"),
    Output(ids.Models.HEADLINE, "children"),
    Output(ids.Models.RUNNING, "children"),
    Output(ids.Models.SCORES, "children"),
    Output(ids.Models.VERSIONS, "children"),
    Output(ids.Models.CARD, "children"),
    Input(ids.Models.TICK, "n_intervals"),
    Input(ids.Shell.LOCATION, "search"),
    Input(ids.Shell.LOOK, "data"),
    State(ids.Models.SEEN, "data"),
)
def follow(
    _ticks: int | None, search: str | None, look: dict[str, Any] | None, seen: dict[str, Any] | None
) -> tuple[Any, ...]:
    """Draw what has changed since the last look: running trainings often, versions seldom."""
    now, (dark, updown), wanted = utc_now(), read_look(look), _wanted(search)
    beside = _wanted(search, "with")
    with db.engine.session() as session:
        jobs = db.queries.jobs.latest(session, name=TRAIN_MODEL.name, limit=20)
        stamp = {
            "view": [wanted, beside, dark, updown],
            "jobs": _stamp(jobs),
            "serving": [[m.id, m.proven] for m in db.queries.trained_models.champions(session)],
            "count": db.queries.trained_models.count(session),
            "busy": any(job.state in OPEN_STATES for job in jobs),
        }
        if stamp == seen:
            raise PreventUpdate
        running = [c for job in jobs if job.state in OPEN_STATES for c in _run(job, now, dark, updown)]
        if seen and stamp | {"jobs": _ended_of(_stamp(jobs))} == seen | {"jobs": _ended_of(seen["jobs"])}:
            return stamp, no_update, running, no_update, no_update, no_update
        versions = [_version(row) for row in db.queries.trained_models.table(session)]
        chosen = _chosen(session, versions, wanted)
    ended = [_ended(job) for job in jobs if job.state in (JobState.FAILED, JobState.CANCELLED)][:ENDED_SHOWN]
    if chosen is None:
        return stamp, _nothing(bool(running)), running, None, _table([], ended, None, now), None
    version, code = chosen
    table = _table(versions, ended, version.id, now)
    old = _stale_days(version, now)
    card = model_card.rail(version.card, version.state, code=code, proven=version.proven, stale_days=old)
    return (
        stamp,
        model_scores.finding(version.card),
        running,
        [*_compared(version, versions, beside), *model_scores.draw(version.card, dark=dark, updown=updown)],
        table,
        card,
    )


def _stale_days(version: Version, now: datetime) -> int | None:
    """Of the version that serves alone: nobody reads the calls of another one."""
    if version.state != CHAMPION:
        return None
    most = current_app.extensions["bolt_settings"].model_max_age_days
    return prediction_rows.stale_days(version.created_at, now=now, most=most)


def _wanted(search: str | None, word: str = "version") -> int | None:
    given = parse_qs((search or "").lstrip("?")).get(word, [""])[0]
    return int(given) if given.isdecimal() and len(given) < 10 else None


def _compared(version: Version, versions: list[Version], beside: int | None) -> list[Component]:
    """The comparison with another version, where the address asks for one."""
    other = next((v for v in versions if v.id == beside and v.id != version.id), None)
    return [version_comparison.draw(version, other)] if other else []


def _stamp(jobs: list[Job]) -> list[list[Any]]:
    return [
        [j.id, j.state, j.attempt, j.cancel_requested, j.progress if j.state in OPEN_STATES else None] for j in jobs
    ]


def _ended_of(stamps: list[list[Any]]) -> list[list[Any]]:
    return [s for s in stamps if s[1] not in OPEN_STATES]


def _version(row: Any) -> Version:
    return Version(row.id, row.state, Card.from_dict(row.card), row.created_at, row.proven)


def _chosen(session: Session, versions: list[Version], wanted: int | None) -> tuple[Version, str] | None:
    """The version in the address, else the newest, with the first digits of its weights' hash."""
    if not versions:
        return None
    version = next((v for v in versions if v.id == wanted), versions[0])
    whole = db.queries.trained_models.get(session, version.id)
    return _version(whole), str(whole.manifest.get("model.onnx", ""))[:7]


def _may_cancel(job: Job) -> bool:
    role = current_role()
    mine = job.owner_id == current_user_id() or covers(role, Role.ADMIN)
    return mine and covers(role, Role.ANALYST)


def _run(job: Job, now: datetime, dark: bool, updown: str) -> list[Component]:
    run = Run(
        job_id=job.id,
        state=job.state,
        about=_about(job),
        attempt=job.attempt,
        started_at=job.started_at,
        progress=job.progress,
        cancelling=job.cancel_requested,
        may_cancel=_may_cancel(job),
    )
    return training_run.draw(run, now=now, dark=dark, updown=updown)


def _about(job: Job) -> str:
    symbols = ", ".join(str(name).partition(":")[2] for name in job.args.get("markets", []))
    return f"{symbols}, {job.args.get('timeframe')}, {job.args.get('horizon')} bars ahead"


def _ended(job: Job) -> Ended:
    return Ended(_about(job), job.state, job.reason or "", job.finished_at)


def _nothing(running: bool) -> Component | None:
    if running:
        return headline("The first version is being trained.", FIRST)
    words = (
        "A training takes stored candles, learns on the older part and is judged once on the newest. "
        "The card then says what the model can do, beside rules that need no model."
    )
    if not may(Role.ANALYST):
        return empty("No model has been trained yet", [words, " An analyst of this desk can start one."])
    first = train_button("Train the first version", where="empty")
    return empty("No model has been trained yet", words, [first])


def _table(versions: list[Version], ended: list[Ended], chosen: int | None, now: datetime) -> list[Component]:
    if not versions and not ended:
        return []
    return [
        html.Div(html.H2("Versions"), className="pane-head"),
        version_table.draw(versions, ended, chosen=chosen, now=now),
    ]
