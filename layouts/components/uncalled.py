"""Followed markets without a call: each says why, and where to change that."""

from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components.feedback import simulated_badge
from layouts.components.tables import Column, Row, table

NO_MODEL = "No model calls this market."
COLUMNS = [Column("Market"), Column("Why it has no call", words="full"), Column("", words="act-cell")]


@dataclass(frozen=True, slots=True)
class Uncalled:
    """`why`: what stood in the way of its call; empty where no model calls it at all."""

    market_path: str
    exchange: str
    symbol: str
    simulated: bool
    why: str = ""


def block(rows: list[Uncalled]) -> list[Component]:
    """Head and table; nothing where every followed market is called."""
    if not rows:
        return []
    sub = html.Span("markets you follow that nothing is said about", className="t3 fs12 m-hide")
    head = html.Div([html.H2("Without calls"), sub], className="pane-head")
    return [head, table(COLUMNS, [_row(row) for row in rows], label="Followed markets without calls", words="tnc")]


def _row(row: Uncalled) -> Row:
    badge = [simulated_badge(short=True)] if row.simulated else []
    name = dcc.Link(html.B(row.symbol), href=f"/charts/{row.market_path}")
    train = "" if row.why else dcc.Link("Train a model", href="/models")
    return Row([
        html.Div([name, html.Span(row.exchange), *badge], className="mk"),
        html.Span(row.why or NO_MODEL, className="t3"),
        train,
    ])  # fmt: skip
