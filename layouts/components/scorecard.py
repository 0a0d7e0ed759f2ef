"""A scorecard as a person reads it: the model first, baselines under it in the same units, what luck explains."""

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.feedback import key_figures, pane
from layouts.components.probability import evidence, interval_plot
from layouts.components.tables import Column, Row, meter, table
from layouts.figures import reliability, saved
from layouts.theme import CONFIG
from ml.scorecard import ENOUGH, Scorecard, Side

BAR_RANGE = (0.15, 0.65)  # hit rates the interval plots span
NOT_RECORDED = {"logistic": "Logistic regression", "boosting": "Gradient boosting"}
COLUMNS = [
    Column("Forecaster"),
    Column("Right, % with 95% interval", words="hit-cell"),
    Column("Log loss", number=True, hint="Surprise at what happened, in nats. Lower is better."),
    Column("Model saves, nats", number=True, words="full", hint="Log loss of the baseline minus that of the model."),
]


def forecasters(card: Scorecard) -> html.Table:
    """The model and each baseline on the same settled calls; those of which nothing is recorded say so."""
    rows = [_row(card.model, card, chosen=True), *(_row(side, card) for side in card.baselines)]
    rows += [_unrecorded(key) for key in card.not_recorded]
    return table(COLUMNS, rows, label="Scorecard against simple rules", words="last-plain tsr")


def _row(side: Side, card: Scorecard, *, chosen: bool = False) -> Row:
    cells = [
        html.Span(html.B(side.title), className="mk", title=side.about),
        _rate(side, card, chosen=chosen),
        numbers.fixed(side.log_loss, 4),
        _saves(side),
    ]
    return Row(cells, "sel" if chosen else "")


def _unrecorded(key: str) -> Row:
    name = html.Span(html.B(NOT_RECORDED[key]), className="mk")
    return Row([name, html.Span("not recorded", className="t3 fs12"), numbers.MISSING, numbers.MISSING], "")


def _rate(side: Side, card: Scorecard, *, chosen: bool) -> Component:
    if card.n < ENOUGH or side.hit_rate is None or side.interval is None:
        return html.Span(f"{side.right} of {side.n}", className="t3 fs12")
    low, high = side.interval
    plot = interval_plot(side.hit_rate, low, high, baseline=card.best if chosen else None, span=BAR_RANGE)
    bounds = html.Span(numbers.bounds(numbers.fixed(100 * low, 1), numbers.fixed(100 * high, 1)), className="t3 fs12")
    return html.Div([plot, html.Span([f"{numbers.fixed(100 * side.hit_rate, 1)} ", bounds])], className="hit")


def _saves(side: Side) -> str:
    if side.saves is None:
        return numbers.MISSING
    low, high = side.saves.interval
    return f"{numbers.signed(side.saves.gain, 4)} {numbers.bounds(numbers.signed(low, 4), numbers.signed(high, 4))}"


def log_loss_saved(card: Scorecard, *, dark: bool, updown: str) -> html.Section:
    """The running sum of log loss saved."""
    skill = bool(card.level)
    figure = saved.draw(card.saved.time_ms, card.saved.nats, skill=skill, dark=dark, updown=updown)
    sub = "below zero the model costs information"
    total = f"Log loss saved against base rates, summed: {numbers.signed(card.saved.nats[-1], 2)} nats"
    chart = html.Div(_graph(figure), className="chart saved", role="img", **{"aria-label": total})
    return pane("Log loss saved against base rates, summed", chart, sub=sub, flush=True)


def reliability_block(card: Scorecard, *, dark: bool, updown: str) -> html.Div:
    """What was said against what happened, and what it means."""
    bins = [(b.confidence, b.right, b.n) for b in card.reliability]
    figure = reliability.draw(bins, dark=dark, updown=updown)
    words = _calibration(card)
    chart = html.Div(_graph(figure), className="chart short", role="img", **{"aria-label": f"Reliability: {words}"})
    calls = f"{numbers.count(card.model.n)} calls"
    head = html.Div([html.H2("Reliability"), html.Span(calls, className="end t3 fs12")],
                    className="pane-head")  # fmt: skip
    return html.Div([head, chart, html.P(words, className="pane-body t3 fs12")], className="block")


def _calibration(card: Scorecard) -> str:
    error, within = card.model.ece, card.model.ece_interval
    if error is None or within is None or not card.reliability:
        return f"Shown in words from {ENOUGH} settled calls."
    most = max(card.reliability, key=lambda b: b.n)
    low, high = (numbers.fixed(100 * edge, 1) for edge in within)
    lean = "more" if most.confidence > most.right else "less"
    return (
        f"When it says {numbers.percent(most.confidence)}, it is right {numbers.percent(most.right)} of the time, "
        f"over {numbers.count(most.n)} calls: it is {lean} sure than it should be. "
        f"Calibration error {numbers.fixed(100 * error, 1)} pp {numbers.bounds(low, high)}."
    )


def evidence_block(card: Scorecard, *, unsettled: int = 0, revised: tuple[int, int] = (0, 0)) -> html.Div:
    """How far luck is ruled out, how many more calls it takes, how many never settled.

    `revised`: settled calls that rest on candles revised later, and how many of them would have ended otherwise.
    """
    direction, share = card.direction, min(1.0, card.direction.n_eff / card.direction.needed)
    has = numbers.count(direction.n_eff)
    words = (
        f"Needs {numbers.count(direction.needed)} independent predictions to confirm "
        f"{numbers.percent(direction.target)}, has {has}. "
        f"{numbers.count(card.n)} calls overlap: they are worth {numbers.count(card.n_eff)} independent ones."
    )
    if direction.interval is not None and card.n >= ENOUGH and direction.interval[0] > 0.5:
        words = f"{words} Its directions are right more often than luck explains."
    resting, otherwise = revised
    if resting:
        calls = f"{numbers.count(resting)} of {numbers.count(card.n)} settled calls"
        rest = "rests" if resting == 1 else "rest"
        words = (
            f"{words} {calls} {rest} on candles the exchange revised later; {numbers.count(otherwise)} would have "
            "ended differently. What was settled stays."
        )
    body = [
        meter(share, kind="n" if not card.level else "", label=words),
        html.P(words, className="t3 fs12 lead-in"),
        key_figures(_evidence_figures(card, unsettled)),
    ]
    head = [html.H2("Evidence"), html.Span(evidence(card.level, settled=card.n), className="end")]
    return html.Div([html.Div(head, className="pane-head"), html.Div(body, className="pane-body")], className="block")


def _evidence_figures(card: Scorecard, unsettled: int) -> list[tuple[Any, Any]]:
    direction, enough = card.direction, card.n >= ENOUGH
    pairs: list[tuple[Any, Any]] = [
        ("Settled", f"{numbers.count(card.n)}, {numbers.count(card.abstained)} of them abstained"),
        ("Never settled", numbers.count(unsettled)),
        ("Direction right", f"{direction.right} of {direction.n}"),
    ]
    if enough and direction.rate is not None and direction.interval is not None:
        low, high = direction.interval
        pairs[2] = ("Direction right", numbers.interval(direction.rate, low, high))
    if enough:
        pairs.append(("Brier skill", _between(card.skill, card.skill_interval)))
    if card.coverage is not None:
        told = f"{numbers.percent(card.coverage.rate, 1)} of {numbers.count(card.coverage.n)}"
        told += f", promised {numbers.percent(card.coverage.target)}"
        pairs.append(("Outcome in its set", told))
    return pairs


def _between(value: float, interval: list[float]) -> str:
    low, high = (numbers.signed(edge, 3) for edge in interval)
    return f"{numbers.signed(value, 3)} {numbers.bounds(low, high)}"


def _graph(figure: Any) -> dcc.Graph:
    return dcc.Graph(figure=figure, config=CONFIG, responsive=True, className="plot")
