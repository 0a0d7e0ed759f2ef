"""Whether a model still sees what it learned from, and how it does: one block of a rail."""

from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.feedback import badge
from layouts.components.icons import icon
from ml.drift import Report, Shift
from ml.features import FEATURES

TITLES = {feature.key: feature.title for feature in FEATURES}
STATES: dict[str, tuple[str, Any]] = {
    "steady": ("Steady", "line"),
    "shifting": ("Shifting", "warn"),
    "drifted": ("Drifted", "bad"),
    "unknown": ("Not known", "line"),
}
ABOUT = (
    "Every quarter of an hour the newest 500 bars are held against the training span (PSI and KS, limits from that "
    "span itself), and the Brier score against base rates (CUSUM)."
)


def block(report: Report | None, made_at: datetime | None, *, now: datetime) -> html.Div:
    """State, the features that moved most, and the score's CUSUM."""
    word, kind = STATES[report.state if report else "unknown"]
    head = html.Div([html.H2("Drift"), html.Span(badge(word, kind), className="end")], className="pane-head")
    return html.Div([head, html.Div(_body(report, made_at, now), className="pane-body")], className="block")


def _body(report: Report | None, made_at: datetime | None, now: datetime) -> list[Component]:
    if report is None:
        return [html.P(f"Not looked at yet. {ABOUT}", className="t3 fs12")]
    lines = [_line(name, shift) for name, shift in _furthest(report)]
    if report.cusum is not None:
        level, limit = report.cusum.path[-1], report.cusum.limit
        lines.append(
            _mark(
                not report.cusum.alarm,
                "Brier score against base rates",
                f"CUSUM {numbers.fixed(level, 1)} of {numbers.fixed(limit, 0)}",
            )
        )
    parts: list[Component] = [html.Ul(lines, className="list")] if lines else []
    if report.reason:
        parts.append(html.P(report.reason, className="t2 fs12"))
    told = f"Looked at {numbers.ago(made_at, now=now)}."
    if report.unseen:
        told = f"{told} No live candles of {', '.join(report.unseen)}."
    return [*parts, html.P(told, className="t3 fs12", title=ABOUT)]


def _furthest(report: Report) -> list[tuple[str, Shift]]:
    """Of each feature the market where it moved most; the three that moved most of all."""
    worst: dict[str, tuple[str, Shift]] = {}
    for name, shifts in report.markets.items():
        for shift in shifts:
            kept = worst.get(shift.key)
            if kept is None or _share(shift) > _share(kept[1]):
                worst[shift.key] = (name, shift)
    return sorted(worst.values(), key=lambda pair: -_share(pair[1]))[:3]


def _share(shift: Shift) -> float:
    """How much of its limits a feature has used."""
    return min(shift.psi / shift.psi_limit, shift.ks / shift.ks_limit)


def _line(market: str, shift: Shift) -> html.Li:
    symbol = market.partition(":")[2]
    psi, psi_limit, ks, ks_limit = (
        numbers.fixed(one, 2) for one in (shift.psi, shift.psi_limit, shift.ks, shift.ks_limit)
    )
    value = f"PSI {psi} of {psi_limit}, KS {ks} of {ks_limit}"
    return _mark(not shift.beyond, f"{TITLES.get(shift.key, shift.key)}, {symbol}", value)


def _mark(fine: bool, text: str, value: str) -> html.Li:
    shape = icon("check-circle" if fine else "exclamation-triangle")
    return html.Li(
        [
            html.Span(shape, className="good" if fine else "warn"),
            html.Span("within limits" if fine else "beyond limits", className="visually-hidden"),
            html.Span([text, html.Br(), html.Small(value, className="t3")], className="t2"),
        ]
    )
