"""What became of a version, newest first."""

from datetime import datetime

from dash import html

from layouts.components import numbers
from ml.history import Event

SHOWN = 6


def block(events: list[Event], *, now: datetime) -> html.Div:
    """Every line says what happened, why, and when; older ones are folded away."""
    head = html.Div(
        [html.H2("History"), html.Span(_count(len(events)), className="end t3 fs12")], className="pane-head"
    )
    body: list[html.Ul | html.Details] = [_list(events[:SHOWN], now)]
    if rest := events[SHOWN:]:
        more = html.Summary(f"{len(rest)} earlier", className="fs12 t2")
        body.append(html.Details([more, _list(rest, now)], className="more-rows"))
    return html.Div([head, html.Div(body, className="pane-body")], className="block")


def _count(n: int) -> str:
    return "1 event" if n == 1 else f"{numbers.count(n)} events"


def _list(events: list[Event], now: datetime) -> html.Ul:
    return html.Ul([_line(event, now) for event in events], className="list history")


def _line(event: Event, now: datetime) -> html.Li:
    told: list[html.Br | html.Small | str] = [event.what]
    if event.why:
        told += [html.Br(), html.Small(f"{event.why[0].upper()}{event.why[1:]}.", className="t3")]
    when = html.Span(numbers.moment(event.at, now=now), className="end t3", title=numbers.exact_moment(event.at))
    return html.Li([html.Span(told, className="t2"), when])
