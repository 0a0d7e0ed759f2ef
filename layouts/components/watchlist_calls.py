"""The latest calls under the watch-list: what a model says, against how often each outcome happens."""

from dataclasses import dataclass
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components.feedback import simulated_badge
from layouts.components.probability import Shares, call, evidence, probability_bar


@dataclass(frozen=True, slots=True)
class Card:
    """A call; `said` None abstains, `settled` counts calls of its model in its market whose outcome is known."""

    market_path: str
    symbol: str
    timeframe: str
    horizon: int
    model_id: int
    simulated: bool
    said: str | None
    probabilities: Shares
    base_rates: Shares
    made: str
    settled: int
    skilled: bool


def cards(found: list[Card]) -> list[Component]:
    """Up to four beside each other; nothing where there are none."""
    if not found:
        return []
    head = [
        html.H2("Latest model calls"),
        html.Span("Notches mark how often each outcome happens. Not financial advice.", className="t3 fs12 m-hide"),
        html.Div(dcc.Link("All calls", href="/predictions"), className="end"),
    ]
    return [
        html.Div(head, className="pane-head"),
        html.Div([_card(one) for one in found], className="strip calls"),
    ]


def _card(one: Card) -> html.Div:
    address = "/predictions?" + urlencode({"market": one.market_path, "tf": one.timeframe, "model": one.model_id})
    badge = [simulated_badge(short=True)] if one.simulated else []
    horizon = html.Span(f"{one.timeframe}, {one.horizon} bars", className="t4 fs12")
    top = [dcc.Link(html.B(one.symbol), href=address), horizon, *badge, html.Span(call(one.said), className="push")]
    foot = [evidence(1 if one.skilled else 0, settled=one.settled), html.Span(one.made, className="push t4 fs12")]
    return html.Div(
        [
            html.Div(top, className="row-x"),
            probability_bar(one.probabilities, base_rates=one.base_rates, abstains=one.said is None),
            html.Div(foot, className="row-x"),
        ],
        className="call-card",
    )
