"""A training while it waits, runs or is being tried again: progress, time left, losses so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from core.jobs import JobState
from layouts import ids
from layouts.components import numbers
from layouts.components.feedback import badge, stat, strip
from layouts.components.tables import Column, Row, table
from layouts.figures import training
from layouts.theme import CONFIG

BADGES: dict[str, tuple[str, Any]] = {
    JobState.QUEUED: ("Waiting", "line"),
    JobState.RUNNING: ("Running", "acc"),
    JobState.RETRYING: ("Trying again", "warn"),
}

STATES = {"waiting": "Waiting", "running": "At work", "done": "Done", "failed": "Failed", "cancelled": "Cancelled"}


@dataclass(frozen=True, slots=True)
class Run:
    """What a page knows of a training job; `progress` is as docs/models.md describes it."""

    job_id: str
    state: str
    about: str
    attempt: int
    started_at: datetime | None
    progress: dict[str, Any]
    cancelling: bool
    may_cancel: bool


def draw(run: Run, *, now: datetime, dark: bool, updown: str) -> list[Component]:
    """The pane of one open training."""
    word, kind = BADGES[run.state]
    head: list[Component] = [html.H2("Training"), badge("Cancelling" if run.cancelling else word, kind)]
    head.append(html.Span(_about(run, now), className="t3 fs12 m-hide trunc"))
    if run.may_cancel:
        head.append(html.Div(_cancel(run), className="end"))
    return [
        html.Div(head, className="pane-head"),
        strip(_cells(run.progress)),
        _bar(run.progress),
        _body(run, dark, updown),
    ]


def _about(run: Run, now: datetime) -> str:
    parts = [run.about]
    if run.started_at is not None:
        parts.append(f"started {numbers.moment(run.started_at, now=now)}")
    if run.attempt > 1:
        parts.append(f"attempt {run.attempt}")
    return ", ".join(parts)


def _cancel(run: Run) -> html.Button:
    return html.Button(
        "Cancel training",
        id={"type": ids.Models.CANCEL, "index": run.job_id},
        className="btn btn-outline-danger btn-sm",
        disabled=run.cancelling,
    )


def _cells(progress: dict[str, Any]) -> list[Component]:
    if progress.get("parts"):
        return _cells_of_parts(progress)
    epoch, epochs = progress.get("epoch"), progress.get("epochs")
    seed = f"seed {progress['seed']} of {progress['seeds']}" if progress.get("seeds", 1) > 1 else "one seed"
    best, base = progress.get("best_val_loss"), progress.get("baseline_loss")
    gain = base - best if best is not None and base is not None else None
    better = "better" if gain is not None and gain > 0 else "worse" if gain is not None and gain < 0 else ""
    return [
        stat("Progress", [str(epoch), html.Small(f" of {epochs} epochs")] if epochs else numbers.MISSING, seed),
        stat("Time left", numbers.duration(progress.get("eta_s")), "at most; training may stop early"),
        stat("Best validation loss", numbers.fixed(best, 4), _best(progress)),
        stat("Against base rates", [numbers.signed(gain, 4), html.Small(f" {better}")], "nats per call, validation"),
    ]


def _cells_of_parts(progress: dict[str, Any]) -> list[Component]:
    """A walk-forward: how many of its networks are trained, and how the best of the newest fold does."""
    parts = progress["parts"]
    done = sum(part["state"] == "done" for part in parts)
    busy = sum(part["state"] == "running" for part in parts)
    folds = len({part["fold"] for part in parts})
    seeds = len({part["seed"] for part in parts})
    return [
        stat("Networks", [str(done), html.Small(f" of {len(parts)} trained")], f"{busy} at work now"),
        stat("Time left", numbers.duration(progress.get("eta_s")), "at most, at the pace so far"),
        stat("Folds", str(folds), f"each with {seeds} {'seed' if seeds == 1 else 'seeds'}"),
        stat("Progress", numbers.percent(float(progress.get("fraction") or 0)), "of the whole"),
    ]


def _parts(parts: list[dict[str, Any]]) -> Component:
    """Every network of a walk-forward with its own progress."""
    columns = [
        Column("Network"),
        Column("State"),
        Column("Epochs", number=True, words="m-drop"),
        Column("Best loss", number=True, words="m-drop"),
    ]
    rows = [
        Row(
            [
                f"{part['title'][0].upper()}{part['title'][1:]}",
                STATES.get(part["state"], part["state"]) + _percent(part),
                str(part["epoch"]),
                numbers.fixed(min(part["val_losses"], default=None), 4),
            ],
            words="stale" if part["state"] == "waiting" else "",
        )
        for part in parts
    ]
    return table(columns, rows, label="Networks of this training", dense=True)


def _percent(part: dict[str, Any]) -> str:
    return f", {numbers.percent(part['fraction'])}" if part["state"] == "running" else ""


def _best(progress: dict[str, Any]) -> str:
    return f"epoch {progress['best_epoch']}" if progress.get("best_epoch") else "after the first epoch"


def _bar(progress: dict[str, Any]) -> html.Div:
    share = 100 * float(progress.get("fraction") or 0)
    return html.Div(
        html.I(style={"width": f"{share:.1f}%"}),
        className="prog thin",
        role="progressbar",
        **{"aria-valuenow": f"{share:.0f}", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": "Training"},
    )


def _body(run: Run, dark: bool, updown: str) -> html.Div:
    progress = run.progress
    message = progress.get("message") or "Waiting for a training worker."
    if progress.get("parts"):
        return html.Div(
            [html.Div(html.P(f"{message}.", role="status"), className="pane-body"), _parts(progress["parts"])]
        )
    if not progress.get("val_losses"):
        return html.Div(html.P(message, role="status"), className="pane-body roomy")
    figure = training.draw(
        progress["losses"],
        progress["val_losses"],
        baseline=progress.get("baseline_loss"),
        best_epoch=progress.get("best_epoch"),
        epochs=progress.get("epochs"),
        dark=dark,
        updown=updown,
    )
    words = f"{message.rstrip('.')}. Log loss by epoch; lower is better. Only the test period, looked at once, decides."
    chart = html.Div(dcc.Graph(figure=figure, config=CONFIG, responsive=True, className="plot"), className="chart loss")
    return html.Div([chart, html.P(words, className="pane-body fs12 t3")])
