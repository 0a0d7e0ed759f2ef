"""What the leak lab says of a version: one line a check, and the button that runs it."""

from dataclasses import dataclass
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from layouts import ids
from layouts.components import numbers
from layouts.components.feedback import badge, locked
from layouts.components.icons import icon
from ml.leak_report import COMPARED_LESS, Check, Report

ABOUT = (
    "The leak lab asks whether anything the model learned from, or is scored on, knows what it could not have known. "
    "Without a green report no version is called skilled."
)


@dataclass(frozen=True, slots=True)
class Examination:
    """What a page knows. `running`: fraction and message of an open job; `failed`: why the last one ended."""

    model_id: int
    report: Report | None
    made_at: datetime | None
    running: tuple[float, str] | None
    failed: str
    may_run: bool


def draw(found: Examination, *, now: datetime) -> Component:
    """The block of the rail."""
    head = html.Div([html.H2("Leak report"), html.Span(_mark(found.report), className="end")], className="pane-head")
    return html.Div([head, html.Div(_body(found, now), className="pane-body")], className="block")


def _mark(report: Report | None) -> Component:
    if report is None:
        return badge("Not run", "line")
    if report.green:
        return badge([icon("check-circle"), " Green"], "up")
    if report.state == COMPARED_LESS:
        return badge("Not comparable", "line")
    n = len(report.alarms)
    return badge([icon("exclamation-triangle"), f" {n} alarm" + "s" * (n > 1)], "bad")


def _body(found: Examination, now: datetime) -> list[Component]:
    parts: list[Component] = []
    if found.report is None:
        parts.append(html.P(ABOUT, className="fs12 t3"))
    else:
        parts.append(html.Ul([_line(check) for check in found.report.checks], className="list"))
        parts.append(html.P(_about(found.report, found.made_at, now), className="fs12 t3"))
    if found.failed:
        parts.append(html.P(f"The last examination did not end: {found.failed}", className="fs12 bad", role="alert"))
    if found.running is not None:
        parts += _progress(*found.running)
    elif found.may_run:
        parts.append(_button(found.model_id, again=found.report is not None))
    elif found.report is None:
        parts.append(locked("An analyst of this desk can run it."))
    return parts


def _line(check: Check) -> html.Li:
    mark = icon("check-circle") if check.passed else icon("exclamation-triangle")
    told: list[Component | str] = [check.title]
    if check.detail:
        told += [html.Br(), html.Small(check.detail, className="t3")]
    return html.Li(
        [
            html.Span(mark, className="good" if check.passed else "bad"),
            html.Span("passed" if check.passed else "alarm", className="visually-hidden"),
            html.Span(told, className="t2"),
            html.Span(check.value, className="end"),
        ]
    )


def _about(report: Report, made_at: datetime | None, now: datetime) -> str:
    made = f"Examined {numbers.moment(made_at, now=now)}: " if made_at else ""
    told = f"{made}{numbers.count(report.windows)} windows, probe {report.probe}."
    return " ".join(text for text in (told, report.looked, report.note) if text)


def _progress(fraction: float, message: str) -> list[Component]:
    share = f"{100 * fraction:.0f}"
    bar = html.Div(
        html.I(style={"width": f"{share}%"}),
        className="prog thin",
        role="progressbar",
        **{"aria-valuenow": share, "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": "Leak lab"},
    )
    return [bar, html.P(message, className="fs12 t3", role="status")]


def _button(model_id: int, *, again: bool) -> html.Button:
    return html.Button(
        "Run the leak lab again" if again else "Run the leak lab",
        id={"type": ids.Models.EXAMINE, "index": model_id},
        className="btn btn-secondary btn-sm",
    )
