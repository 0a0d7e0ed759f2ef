"""One call, or one test period, in detail: the picture at the left, the figures at the right."""

from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.call_table import UNPROVEN, WHY, Call, Tested
from layouts.components.feedback import key_figures, simulated_badge
from layouts.components.model_card import evidence_of
from layouts.components.probability import WORDS, probability_panel
from layouts.figures.past_calls import Mark
from layouts.theme import CONFIG
from ml.card import Card

LEGEND = (("circle", "right"), ("cross", "wrong"), ("dash", "abstained"), ("ring", "open"))


def picture(title: str, sub: str, figure: Any, marks: list[Mark], *, end: Component | None = None) -> list[Component]:
    """Candles with the lane of calls, and how many were right, wrong, abstained and open."""
    counts = {word: sum(m.kind == word for m in marks) for _, word in LEGEND}
    legend = [
        html.Span([html.I(className=f"key {shape}"), f"{word} {counts[word]}"])
        for shape, word in LEGEND
        if counts[word]
    ]
    head: list[Component] = [html.H2(title), html.Span(sub, className="t3 fs12 m-hide")]
    head.append(html.Div([*legend, *([end] if end else [])], className="end legend-keys fs12 t3"))
    words = ", ".join(f"{counts[word]} {word}" for word in counts)
    graph = dcc.Graph(figure=figure, config=CONFIG, responsive=True, className="plot")
    chart = html.Div(graph, className="chart calls", role="img", **{"aria-label": f"{title}: {words}"})
    return [html.Div(head, className="pane-head"), chart]


def live_rail(
    call: Call, *, barriers: tuple[float, float], close: float, decimals: int | None = None, now: datetime
) -> list[Component]:
    """`barriers`: upper and lower price if the entry were at `close`; `decimals`: of the market's tick, where known."""
    head: list[Component] = [html.H2(f"Latest call, {call.horizon} bars")]
    if call.simulated:
        head.append(simulated_badge())
    head.append(html.Span(f"made {numbers.ago(call.made_at, now=now)}", className="end t3 fs12"))
    top = max(call.probabilities)
    said = f"Abstains; likeliest {WORDS[call.said].lower()}" if call.abstained else WORDS[call.said]
    facts = [
        ("Call", said),
        ("Confidence", f"{numbers.percent(top)}, {_edge(call)} base rate"),
        ("Bullish from", numbers.price(barriers[0], decimals)),
        ("Bearish from", numbers.price(barriers[1], decimals)),
        ("Last close", numbers.price(close, decimals)),
        ("Settles", f"{numbers.moment(call.due_at, now=now)}, {_left(call.due_at, now)}"),
        ("Model", _model(call)),
    ]
    words = "Notches: how often each outcome happened in training."
    if call.why in WHY:
        words = f"{WHY[call.why]} {words}"
    return [
        html.Div(head, className="pane-head"),
        html.Div(
            [
                probability_panel(call.probabilities, base_rates=call.base_rates, abstains=call.abstained),
                html.P(words, className="t4 fs11"),
                key_figures(facts),
            ],
            className="pane-body",
        ),
    ]


def _model(call: Call) -> html.Span:
    link = dcc.Link(call.model, href=f"/models?version={call.model_id}", className="mono")
    return html.Span([link, "" if call.proven else ", unproven"], title="" if call.proven else UNPROVEN)


def _edge(call: Call) -> str:
    base = call.base_rates[max(range(3), key=lambda k: call.probabilities[k])]
    difference = max(call.probabilities) - base
    if round(100 * difference) == 0:
        return "at its"
    return f"{numbers.points(abs(difference), 0).lstrip('+')} {'above' if difference >= 0 else 'below'}"


def _left(due_at: datetime, now: datetime) -> str:
    left = numbers.until(due_at, now=now)
    return "due" if left == "due" else f"in {left}"


def tested_rail(tested: Tested, card: Card, *, now: datetime) -> list[Component]:
    """What the model did in its test period, in place of a call nobody can make any more."""
    metrics, base = card.metrics, card.baseline("climatology")
    low, high = metrics.accuracy_interval
    facts = [
        ("Last candle closed", numbers.exact_moment(tested.closed_at)),
        ("Test calls", f"{numbers.count(metrics.n)}, worth {numbers.count(metrics.n_eff)} independent ones"),
        ("Right", numbers.interval(metrics.accuracy, low, high)),
        ("Best simple rule", numbers.percent(tested.best, 1)),
        ("Log loss", f"{numbers.fixed(metrics.log_loss, 4)} against {numbers.fixed(base.metrics.log_loss, 4)}"),
        ("Brier skill", numbers.signed(metrics.skill, 4)),
        ("MCC", numbers.signed(metrics.mcc, 3)),
        ("Model", dcc.Link(tested.model, href=f"/models?version={tested.model_id}", className="mono")),
    ]
    ago = numbers.ago(tested.closed_at, now=now)
    why = f"The last candle its training saw closed {ago}. While no newer one closes there is nothing to call."
    head: list[Component] = [html.H2("Test period")] + ([simulated_badge()] if tested.simulated else [])
    body = [html.P(why, className="t3 fs12"), key_figures(facts), html.P(card.finding, className="t2 fs12 finding")]
    return [
        html.Div([*head, html.Span(evidence_of(card), className="end")], className="pane-head"),
        html.Div(body, className="pane-body"),
    ]
