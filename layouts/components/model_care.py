"""What may be done with a version, and on what proof: the promotion gate, and the rebuild."""

from dataclasses import dataclass
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from layouts import ids
from layouts.components import numbers
from layouts.components.feedback import badge, locked
from layouts.components.icons import icon
from ml.promotion import Gate, Line
from ml.rebuilding import Rebuild

NOBODY = "Opens when every line passes. Nobody can skip one, whatever their role."


@dataclass(frozen=True, slots=True)
class Care:
    """What a page knows of a version. `running`: fraction and message of an open rebuild; `failed`: why one ended."""

    model_id: int
    state: str
    proven: bool
    demoted: str
    gate: Gate
    rebuild: Rebuild | None
    rebuilt_at: datetime | None
    running: tuple[float, str] | None
    failed: str
    may_act: bool


def gate_block(care: Care) -> html.Div:
    """Every line with its value; Promote rests until all of them pass."""
    passed = sum(line.passed for line in care.gate.lines)
    count = html.Span(f"{passed} of {len(care.gate.lines)} pass", className="end t3 fs12")
    head = html.Div([html.H2("Promotion gate"), count], className="pane-head")
    body: list[Component] = [html.Ul([_line(line) for line in care.gate.lines], className="list")]
    if care.demoted:
        body.append(html.P(f"Demoted. {care.demoted}", className="t2 fs12"))
    body.append(_foot(care))
    return html.Div([head, html.Div(body, className="pane-body")], className="block")


def _foot(care: Care) -> Component:
    if care.proven:
        return html.P("This version serves as the proven champion.", className="t2 fs12")
    told = NOBODY
    if care.state == "champion":
        told = f"It serves unproven, because no version has passed. {NOBODY}"
    if not care.may_act:
        return html.Div([html.P(told, className="t3 fs12"), locked("An analyst of this desk can promote it.")])
    promote = html.Button(
        "Promote to champion",
        id={"type": ids.Models.PROMOTE, "index": care.model_id},
        className="btn btn-primary btn-sm",
        disabled=not care.gate.passed,
    )
    return html.Div([promote, html.Span(told, className="t3 fs12")], className="gate-foot")


def _line(line: Line) -> html.Li:
    mark = html.Span(icon("check-circle" if line.passed else "x-circle"), className="good" if line.passed else "t4")
    told: list[Component | str] = [line.title]
    if line.detail:
        told += [html.Br(), html.Small(line.detail, className="t3")]
    word = html.Span("passes" if line.passed else "does not pass", className="visually-hidden")
    return html.Li([mark, word, html.Span(told, className="t2"), html.Span(line.value, className="end")])


def rebuild_block(care: Care, *, now: datetime) -> html.Div:
    """Whether training it again gave the same, and the button that does."""
    mark = html.Span(_mark(care.rebuild), className="end")
    head = html.Div([html.H2("Rebuild"), mark], className="pane-head")
    return html.Div([head, html.Div(_rebuild(care, now), className="pane-body")], className="block")


def _mark(rebuild: Rebuild | None) -> Component:
    if rebuild is None:
        return badge("Not done", "line")
    if rebuild.same:
        return badge([icon("check-circle"), " Same"], "up")
    return badge("Candles changed" if rebuild.changed else "Differs", "warn")


def _rebuild(care: Care, now: datetime) -> list[Component]:
    about = "Trains it again from the candles, configuration and seeds its card names: on one machine nothing differs."
    parts: list[Component] = []
    if care.rebuild is None:
        parts.append(html.P(about, className="t3 fs12"))
    else:
        parts.append(html.P(care.rebuild.finding, className="t2 fs12"))
        took = f"{numbers.ago(care.rebuilt_at, now=now).capitalize()}, in {numbers.duration(care.rebuild.seconds)}."
        parts.append(html.P(took, className="t3 fs12", title=about))
    if care.failed:
        parts.append(html.P(f"The last rebuild did not end: {care.failed}", className="fs12 bad", role="alert"))
    if care.running is not None:
        parts += _progress(*care.running)
    elif care.may_act:
        parts.append(
            html.Button(
                "Rebuild again" if care.rebuild else "Rebuild this version",
                id={"type": ids.Models.REBUILD, "index": care.model_id},
                className="btn btn-secondary btn-sm",
            )
        )
    return parts


def _progress(fraction: float, message: str) -> list[Component]:
    share = f"{100 * fraction:.0f}"
    told = {"aria-valuenow": share, "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": "Rebuild"}
    bar = html.Div(html.I(style={"width": f"{share}%"}), className="prog thin", role="progressbar", **told)
    return [bar, html.P(message, className="fs12 t3", role="status")]
