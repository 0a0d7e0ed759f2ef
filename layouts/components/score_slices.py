"""Hit rate, Brier, calibration error and MCC with intervals: the model and baselines, whole and by kind of market."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.tables import Column, Row, table
from ml.scorecard import ENOUGH, Scorecard, Side, Slice

COLUMNS = [
    Column("Forecaster"),
    Column("Right, %", number=True, hint="Of the calls that were made, abstained ones left out."),
    Column("Brier", number=True, hint="Squared distance of the probabilities from what happened. Lower is better."),
    Column("ECE, pp", number=True, hint="How far what was said lies from what happened, on average."),
    Column("MCC", number=True, hint="Matthews correlation: 0 is chance, 1 is perfect."),
]
ALL_LIVE = (
    "All are scored live, on the same calls. Logistic regression and gradient boosting are the ones fitted when this "
    "version was trained; what they said was written down with each call, before its outcome existed."
)
FROM_BEFORE = (
    "The four simple rules are scored live, on the same calls. Logistic regression and gradient boosting are not "
    "recorded: this version was trained before they were kept with it. Its card on the Models page says how it did "
    "beside them in its training."
)


def whole(card: Scorecard) -> Component:
    """Every score of the settled calls, or that there are too few, and which forecasters are not among them."""
    if card.model.brier_interval is None:
        return html.P(card.note or f"Scores are drawn up from {ENOUGH} settled calls on.", className="pane-body t3")
    said = [html.P(card.note, className="pane-body t3 fs12")] if card.note else []
    shown = _scores((card.model, *card.baselines), "Scores with their intervals")
    beside = FROM_BEFORE if card.not_recorded else ALL_LIVE
    return html.Div([shown, *said, html.P(beside, className="pane-body t3 fs12 rules-note")])


def kinds(parts: Sequence[Slice]) -> Component:
    """A line for each kind of market; those with enough calls open to the scores of every forecaster."""
    return html.Div([_kind(part) for part in parts])


def _kind(part: Slice) -> Component:
    name = html.B(part.key.capitalize())
    counts = f"{numbers.count(part.n)} calls, worth {numbers.count(part.n_eff)} independent"
    if part.model is None:
        note = part.note or f"{numbers.count(part.right)} right"
        return html.Div([name, html.Span(counts, className="t3"), html.Span(note, className="t3")], className="kind")
    rate = part.note
    if part.hit_rate is not None and part.best is not None:
        rate = f"right {numbers.fixed(100 * part.hit_rate, 1)}%, best rule {numbers.fixed(100 * part.best, 1)}%"
    head = html.Summary([name, html.Span(counts, className="t3"), html.Span(rate)], className="kind")
    return html.Details([head, _scores((part.model, *part.baselines), f"Scores, {part.key}")])


def _scores(sides: Sequence[Side], label: str) -> html.Table:
    rows = [Row(_cells(side), "" if number else "sel") for number, side in enumerate(sides)]
    return table(COLUMNS, rows, label=label, dense=True, words="last-plain tss")


def _cells(side: Side) -> list[Component]:
    return [
        html.Span(html.B(side.title), className="mk", title=side.about),
        _cell("Right, %", side.hit_rate, side.interval, 100, 1),
        _cell("Brier", side.brier, side.brier_interval, 1, 3),
        _cell("ECE, pp", side.ece, side.ece_interval, 100, 1),
        _cell("MCC", side.mcc, side.mcc_interval, 1, 3),
    ]


def _cell(what: str, value: float | None, interval: list[float] | None, unit: int, places: int) -> Component:
    """A score over its interval; on phones its name stands before it."""
    if value is None or interval is None:
        return html.Span(numbers.MISSING, className="t3")
    low, high = (numbers.fixed(unit * edge, places) for edge in interval)
    told = [html.Span(f"{what} ", className="what t3"), numbers.fixed(unit * value, places)]
    return html.Span([html.Span(told), html.Span(numbers.bounds(low, high), className="t3 fs12 within")])
