"""The rail of the Models page under the card: promotion gate, rebuild, drift, and when a family is trained again."""

from datetime import datetime
from typing import Any

from dash import ALL, Input, Output, State, ctx, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import current_app, request
from sqlalchemy.orm import Session

import db.engine
import db.queries.jobs
import db.queries.leak_reports
import db.queries.model_events
import db.queries.retraining
import db.queries.scorecards
import db.queries.trained_models
import db.queries.users
from callbacks.guards import current_user_id, may, needs
from callbacks.leak_lab import shown
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core import cron
from core.clock import utc_now
from core.errors import NotFound, Refused
from core.jobs import OPEN_STATES, REBUILD_MODEL, JobState
from core.roles import Role
from core.settings import Settings
from db.queries.scorecards import DRIFT, REBUILD
from db.tables import AuditEvent, Job, Retraining, TrainedModel
from layouts import ids
from layouts.components import drift_report, model_care, model_history, numbers
from layouts.components.feedback import note_strip
from layouts.components.model_care import Care
from ml import history, registry, watching
from ml.drift import Report
from ml.history import Event, Told
from ml.rebuilding import Rebuild

wire = Wiring()


@wire(
    Output(ids.Models.CARE_SEEN, "data"),
    Output(ids.Models.CARE, "children"),
    Output(ids.Models.PAST, "children"),
    Input(ids.Models.TICK, "n_intervals"),
    Input(ids.Shell.LOCATION, "search"),
    State(ids.Models.CARE_SEEN, "data"),
)
def follow(_ticks: int | None, search: str | None, seen: Any) -> tuple[Any, Component | None, list[Component] | None]:
    """Draw gate, rebuild, drift and history of the version that is shown, when something has changed."""
    now = utc_now()
    with db.engine.session() as session:
        model_id = shown(session, search)
        if model_id is None:
            if seen is None:
                raise PreventUpdate
            return None, None, None
        job = db.queries.leak_reports.newest_job(session, model_id, REBUILD_MODEL)
        stamp = _stamp(session, model_id, job)
        if stamp == seen:
            raise PreventUpdate
        model = db.queries.trained_models.get(session, model_id)
        care = _care(session, model, job)
        kept = db.queries.scorecards.report(session, model_id, DRIFT)
        events = _history(session, model)
    report = Report.from_dict(kept.report) if kept else None
    drift = drift_report.block(report, kept.created_at if kept else None, now=now)
    past = [drift, model_care.rebuild_block(care, now=now), model_history.block(events, now=now)]
    return stamp, model_care.gate_block(care), past


def _history(session: Session, model: TrainedModel) -> list[Event]:
    entries = db.queries.model_events.of(session, model.name, (history.CHANGED, history.DEMOTED, history.REBUILT))
    told = [Told(entry.at, entry.action, entry.object, entry.detail) for entry in entries]
    return history.of(model.name, model.version, model.card, model.created_at, told)


def _stamp(session: Session, model_id: int, job: Job | None) -> list[Any]:
    """What the blocks are drawn from, in few words."""
    model = db.queries.trained_models.get(session, model_id)
    champion = db.queries.trained_models.champion(session, model.name)
    leaks = db.queries.leak_reports.find(session, model_id)
    drift = db.queries.scorecards.report(session, model_id, DRIFT)
    times = [leaks.created_at.isoformat() if leaks else None, drift.created_at.isoformat() if drift else None]
    running = [job.id, job.state, job.progress] if job else None
    return [model_id, model.state, model.proven, champion.id if champion else None, *times, running, may(Role.ANALYST)]


def _care(session: Session, model: TrainedModel, job: Job | None) -> Care:
    kept = db.queries.scorecards.report(session, model.id, REBUILD)
    running = None
    if job is not None and job.state in OPEN_STATES:
        waits = "Waiting for a training worker."
        running = (float(job.progress.get("fraction") or 0), str(job.progress.get("message") or waits))
    failed = job.reason or "no reason was given" if job is not None and job.state == JobState.FAILED else ""
    return Care(
        model_id=model.id,
        state=model.state,
        proven=model.proven,
        demoted=model.demoted_because or "",
        gate=registry.gate_of(session, model, models=_settings().models),
        rebuild=Rebuild.from_dict(kept.report) if kept else None,
        rebuilt_at=kept.created_at if kept else None,
        running=running,
        failed=failed,
        may_act=may(Role.ANALYST),
    )


def _settings() -> Settings:
    found: Settings = current_app.extensions["bolt_settings"]
    return found


@wire(
    Output({"type": ids.Models.PROMOTE, "index": ALL}, "disabled"),
    Input({"type": ids.Models.PROMOTE, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def promote(clicks: list[int | None]) -> list[bool]:
    """Make the version the proven champion; the gate is looked at once more, here and now."""
    if not any(clicks):
        raise PreventUpdate
    model_id = _index()
    with db.engine.session() as session:
        user = db.queries.users.get(session, current_user_id())
        model = db.queries.trained_models.get(session, model_id)
        ip = request.remote_addr or "unknown"
        registry.promote(session, model, models=_settings().models, actor_id=user.id, actor=user.email, ip=ip)
        title = registry.title(model)
    say("Promoted", f"{title} is the proven champion now.", kind="ok")
    return [True for _ in clicks]


@wire(
    Output({"type": ids.Models.REBUILD, "index": ALL}, "disabled"),
    Input({"type": ids.Models.REBUILD, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def rebuild(clicks: list[int | None]) -> list[bool]:
    """Ask for a rebuild; the button rests until its progress stands in its place."""
    if not any(clicks):
        raise PreventUpdate
    model_id = _index()
    with db.engine.session() as session:
        title = registry.title(db.queries.trained_models.get(session, model_id))
    job_id = db.queries.jobs.submit(
        REBUILD_MODEL, {"model_id": model_id}, owner_id=current_user_id(), dedupe=f"rebuild:{model_id}"
    )
    with db.engine.session() as session:
        note(session, "rebuild_asked", f"job {job_id}", model=title)
    say("Rebuild asked for", "It runs in the background and takes as long as a training.", kind="ok")
    return [bool(n) for n in clicks]


def _index() -> int:
    model_id = ctx.triggered_id["index"]
    if not isinstance(model_id, int):
        raise NotFound("There is no such model version. Choose one on the Models page.")
    return model_id


@wire(
    Output(ids.Models.PLAN, "hidden"),
    Output(ids.Models.PLAN_FAMILY, "data"),
    Output(ids.Models.CRON, "value"),
    Output(ids.Models.CRON, "disabled"),
    Output(ids.Models.ON_DRIFT, "value"),
    Output(ids.Models.ON_DRIFT, "disabled"),
    Output(ids.Models.PLAN_SAVE, "style"),
    Input(ids.Models.CARE_SEEN, "data"),
    State(ids.Models.PLAN_FAMILY, "data"),
)
def show_plan(seen: Any, shown_family: str | None) -> tuple[Any, ...]:
    """The schedule of the family that is shown; what somebody is typing stays."""
    if not seen:
        return True, None, "", True, False, True, {"display": "none"}
    with db.engine.session() as session:
        name = db.queries.trained_models.get(session, seen[0]).name
        plan = db.queries.retraining.find(session, name)
    if name == shown_family:
        raise PreventUpdate
    locked = not may(Role.ANALYST)
    style = {"display": "none"} if locked else {}
    return False, name, plan.cron if plan else "", locked, bool(plan and plan.on_drift), locked, style


@wire(
    Output(ids.Models.PLAN_HINT, "children"),
    Input(ids.Models.CRON, "value"),
    Input(ids.Models.ON_DRIFT, "value"),
    Input(ids.Models.PLAN_FAMILY, "data"),
    Input(ids.Models.PLAN_SAVE, "n_clicks"),
)
def explain_plan(text: str | None, on_drift: bool | None, family: str | None, _saved: int | None) -> Any:
    """What the schedule means, before and after it is saved."""
    if not family:
        return no_update
    with db.engine.session() as session:
        plan = db.queries.retraining.find(session, family)
        rests = watching.refusal(session, plan) if plan else None
    saved = (plan.cron, plan.on_drift) if plan else ("", False)
    state = "" if saved == ((text or "").strip(), bool(on_drift)) else " Not saved yet."
    try:
        told = f"{_meaning((text or '').strip(), bool(on_drift), utc_now())}{state}{_last(plan)}"
        return [note_strip(_resting(rests)), told] if rests is not None and not state else told
    except Refused as refusal:
        return refusal.sentence


def _meaning(text: str, on_drift: bool, now: datetime) -> str:
    following = cron.parse(text).following(now) if text else None
    if following is None:
        return "Trained again once after a demotion." if on_drift else "Never trained again by itself."
    words = f"Next training {numbers.exact_moment(following)}, on the newest candles."
    return f"{words} Also once after a demotion." if on_drift else words


def _resting(event: AuditEvent) -> str:
    at = numbers.exact_moment(event.at)
    return f"The training of {at} was refused, and the schedule rests. {event.detail['because']}"


def _last(plan: Retraining | None) -> str:
    return f" Asked for last: {numbers.exact_moment(plan.asked_at)}." if plan and plan.asked_at else ""


@wire(
    Output(ids.Models.PLAN_SAVE, "n_clicks"),
    Input(ids.Models.PLAN_SAVE, "n_clicks"),
    State(ids.Models.PLAN_FAMILY, "data"),
    State(ids.Models.CRON, "value"),
    State(ids.Models.ON_DRIFT, "value"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def save_plan(clicks: int | None, family: str | None, text: str | None, on_drift: bool | None) -> Any:
    """Keep the schedule; from now on, nothing is made up for."""
    if not clicks or not family:
        raise PreventUpdate
    text = (text or "").strip()
    if text:
        text = cron.parse(text).text
    with db.engine.session() as session:
        if db.queries.trained_models.champion(session, family) is None:
            raise NotFound("There is no such family of models. Choose a version on the Models page.")
        db.queries.retraining.put(session, family, cron=text, on_drift=bool(on_drift), changed_by=current_user_id())
        note(session, "retraining_changed", family, cron=text or None, on_drift=bool(on_drift))
    say("Schedule saved", _meaning(text, bool(on_drift), utc_now()), kind="ok")
    return no_update
