"""An empty watch-list: what will happen, markets often added first, a way to look around, and what comes next."""

from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components.feedback import empty, locked, pane, simulated_badge
from layouts.components.icons import icon

FIRST = (("BTC", "Bitcoin"), ("ETH", "Ethereum"), ("SOL", "Solana"), ("XRP", "XRP"), ("LTC", "Litecoin"))


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the checklist."""

    title: str
    note: str
    done: bool


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a desk whose watch-list is empty. `markets` are (path, symbol, name, exchange)."""

    markets: tuple[tuple[str, str, str, str], ...]
    simulated: str | None
    steps: tuple[Step, ...]
    desk_empty: bool
    may_follow: bool


def start(told: Start) -> Component:
    """The whole page while nothing is watched."""
    title = "No markets on this desk yet" if told.desk_empty else "This watch-list is empty"
    words = (
        "Add a few markets and Bolt starts collecting candles for them. Prices appear within seconds; models need about"
        " a year of history before their first call."
    )
    if not told.desk_empty:
        words = "Add the markets you want to see here. The order and what it is sorted by are kept for you."
    actions: list[Component] = [_add()]
    actions += [
        dcc.Link("Import candles from a file", href="/markets", className="btn btn-secondary")
    ] * told.may_follow
    left: list[Any] = [empty(title, words, actions), *_often(told)]
    if told.simulated:
        link = dcc.Link("Open the simulated market", href=told.simulated)
        words_ = ["No connection? ", link, " to look around. It is labelled ", simulated_badge(), " everywhere."]
        left.append(html.P(words_, className="t3 fs12 look"))
    return html.Div(
        [html.Section(left, className="pane watch-start"), html.Aside(_steps(told.steps), className="pane rail")],
        className="panes chart-grid",
    )


def _add() -> html.Button:
    return html.Button(
        [icon("plus-lg", small=True), "Add markets"], className="btn btn-primary", **{"data-watch": "open-add"}
    )


def _often(told: Start) -> list[Component]:
    if not told.may_follow and told.desk_empty:
        return [locked("Following a market is for analysts and admins. Ask an admin of this desk to follow some.")]
    if not told.markets:
        return []
    rows = [
        html.Tr(
            [
                html.Td(html.Div([html.B(symbol), html.Span(name)], className="mk")),
                html.Td(exchange.capitalize(), className="t3 m-drop"),
                html.Td(
                    html.Button(
                        "Add",
                        className="btn btn-ghost btn-sm",
                        **{"data-watch": "add", "data-market": path, "aria-label": f"Add {symbol} of {exchange}"},
                    ),
                    className="num",
                ),
            ]
        )
        for path, symbol, name, exchange in told.markets
    ]
    table = html.Table(html.Tbody(rows), className="tbl dense", **{"aria-label": "Markets often added first"})
    return [html.H3("Often added first", className="t3 often"), table]


def _steps(steps: tuple[Step, ...]) -> Component:
    done = sum(step.done for step in steps)
    bar = html.Div(html.I(style={"width": f"{done / len(steps):.0%}"}), className="prog", **{"aria-hidden": "true"})
    body = [bar, html.Ul([_step(step) for step in steps], className="list")]
    told = html.Span(f"{done} of {len(steps)}", className="t3 fs12")
    return pane("Getting started", body, end=told, label="Getting started")


def _step(step: Step) -> html.Li:
    mark = icon("check-circle") if step.done else html.I(className="ring", **{"aria-hidden": "true"})
    words = [
        html.Span(step.title, className="t3" if step.done else "t1 med"),
        html.Br(),
        html.Span(step.note, className="t4"),
        *([html.Span(" (done)", className="visually-hidden")] if step.done else []),
    ]
    return html.Li([html.Span(mark, className="good" if step.done else "t4"), html.Span(words)])
