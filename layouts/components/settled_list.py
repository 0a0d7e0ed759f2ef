"""Every settled call, wrong ones included: what may be filtered, and the rows, which go on when asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components import numbers
from layouts.components.call_table import SETTLED, Settled, settled_cells
from layouts.components.feedback import skeleton
from layouts.components.forms import button, field, segments
from layouts.components.icons import icon
from layouts.components.tables import Column, Row, table

RESULTS = [("All", ""), ("Right", "right"), ("Wrong", "wrong"), ("Abstained", "abstained")]
PERIODS = [("All", ""), ("30 d", "30"), ("7 d", "7"), ("24 h", "1")]
COLUMNS = [*SETTLED[:-1], Column("Model", words="m-drop"), SETTLED[-1]]
ALIKE = "Real and simulated calls are counted apart. Rates with their intervals stand in each market's record."


@dataclass(frozen=True, slots=True)
class Tally:
    """How the calls that fit came out, of real markets or of simulated ones."""

    right: int
    wrong: int
    abstained: int

    @property
    def n(self) -> int:
        return self.right + self.wrong + self.abstained


def layout(**query: str) -> Component:
    """The page before anything is known; the address may name `market`, `model`, `result` and `days`."""
    arrow = [icon("arrow-left"), html.Span("All markets", className="visually-hidden")]
    back = dcc.Link(arrow, href="/predictions", className="btn btn-ghost btn-icon btn-sm", title="All markets")
    title = [html.H1("Settled calls"), html.Span("Wrong ones included", className="sub")]
    head = html.Div([back, *title], className="page-head with-back")
    return html.Div(
        [
            head,
            html.Div(_filters(query), className="settled-filters"),
            html.Div(id=ids.SettledCalls.TALLY, className="settled-tally t3 fs12", role="status"),
            html.Section(html.Div(skeleton(), className="pane-body"), id=ids.SettledCalls.LIST),
            html.Div(button("Show 50 more", id=ids.SettledCalls.MORE), id=ids.SettledCalls.FOOT, hidden=True),
            dcc.Store(id=ids.SettledCalls.AFTER),
        ],
        className="page predictions-page settled-page",
    )


def _filters(query: dict[str, str]) -> list[Component]:
    def asked(word: str, options: list[tuple[str, str]]) -> str:
        return query.get(word, "") if query.get(word) in [key for _, key in options] else ""

    market = dcc.Dropdown(id=ids.SettledCalls.MARKET, value=query.get("market"), placeholder="All markets")
    model = dcc.Dropdown(id=ids.SettledCalls.MODEL, value=query.get("model"), placeholder="All models")
    result = segments(ids.SettledCalls.RESULT, RESULTS, asked("result", RESULTS), label="How it came out")
    period = segments(ids.SettledCalls.PERIOD, PERIODS, asked("days", PERIODS), label="Settled within")
    return [
        field("Market", market),
        field("Model", model),
        field("How it came out", result),
        field("Settled within", period),
    ]


def rows(calls: list[tuple[Settled, str]], *, now: datetime) -> html.Table:
    """Settled calls with the name of their model, in the order they are given."""
    drawn = [Row(_cells(call, model, now)) for call, model in calls]
    return table(COLUMNS, drawn, label="Settled calls", dense=True, words="last-plain tset")


def body(drawn: html.Table) -> list[Component]:
    """The rows of a table, to be put at the end of another one."""
    found: list[Component] = drawn.children[1].children
    return found


def _cells(call: Settled, model: str, now: datetime) -> list[Any]:
    *cells, settled_at = settled_cells(call, now)
    return [*cells, html.Span(model, className="mono t3 fs12"), settled_at]


def tally(real: Tally, simulated: Tally) -> list[Component]:
    """Both counts in words, and what they are not."""
    return [*counts(real, simulated), html.Span(f" {ALIKE}")]


def counts(real: Tally, simulated: Tally) -> list[Component]:
    """`11 calls: 4 right, 5 wrong, 2 abstained.`, for each kind that has any."""
    parts = [_words(real, "")] if real.n else []
    parts += [_words(simulated, "simulated ")] if simulated.n else []
    return [html.Span(" ".join(f"{part}." for part in parts))] if parts else []


def _words(counted: Tally, kind: str) -> str:
    calls = "call" if counted.n == 1 else "calls"
    silent = f", {numbers.count(counted.abstained)} abstained" if counted.abstained else ""
    shares = f"{numbers.count(counted.right)} right, {numbers.count(counted.wrong)} wrong{silent}"
    return f"{numbers.count(counted.n)} {kind}{calls}: {shares}"
