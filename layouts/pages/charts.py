"""The Charts page. What is shown stands in the address: market, timeframe, indicators, type, scale and span."""

from dash import dcc, html
from dash.development.base_component import Component

from core.timeframe import TIMEFRAMES
from layouts import ids
from layouts.components import chart_toolbar
from layouts.components.feedback import empty, skeleton
from layouts.components.price_chart import price_chart

DEFAULT_TIMEFRAME = "1h"
DEFAULT_INDICATORS = "ema:20,ema:50,rsi:14"
REFRESH_MS = 10_000


def layout(exchange: str | None = None, symbol: str | None = None, **query: str) -> Component:
    """The page as it opens; without a market the server chooses one."""
    market = f"{exchange}/{symbol}" if exchange and symbol else None
    timeframe = query.get("tf", "")
    view = {
        "market": market,
        "tf": timeframe if timeframe in TIMEFRAMES else None,
        **{word: query.get(word) for word in ("ind", "type", "scale", "cmp", "calls", "from", "to")},
    }
    return html.Div(
        [
            *_stores(view),
            html.H1("Charts", className="visually-hidden"),
            html.Div(id=ids.Charts.STRIP),
            html.Div(id=ids.Charts.HEAD),
            html.Div(html.Div(className="toolbar"), id=ids.Charts.TOOLBAR),
            html.Div(id=ids.Charts.EMPTY),
            html.Div([_chart(), _rail()], className="panes chart-grid"),
            *chart_toolbar.floats(),
            chart_toolbar.key_rows(),
        ],
        id=ids.Charts.PAGE,
        className="page fill charts-page",
    )


def _stores(view: dict[str, str | None]) -> list[Component]:
    return [
        dcc.Store(id=ids.Charts.VIEW, data=view),
        dcc.Store(id=ids.Charts.WANTED),
        dcc.Store(id=ids.Charts.SEEN),
        dcc.Store(id=ids.Charts.FRAME),
        dcc.Store(id=ids.Charts.FORMING),
        dcc.Store(id=ids.Charts.FORMED),
        dcc.Store(id=ids.Charts.MARKETS),
        dcc.Store(id=ids.Charts.KEPT),
        dcc.Store(id=ids.Charts.OPS),
        dcc.Store(id=ids.Charts.ANSWER),
        dcc.Store(id=ids.Charts.ASKED),
        dcc.Interval(id=ids.Charts.TICK, interval=REFRESH_MS),
    ]


def _chart() -> html.Section:
    legend = html.Div(id=ids.Charts.LEGEND, className="legend", **{"aria-hidden": "true"})
    age = html.Div(
        [html.Span(id=ids.Charts.AGE), html.Span(id=ids.Charts.COUNTDOWN, className="countdown")], className="chart-age"
    )
    canvas = html.Div(
        [
            html.Div([legend, age], className="chart-top"),
            html.Div(id=ids.Charts.PANE_TAGS, className="pane-tags", **{"aria-hidden": "true"}),
            html.Div(id=ids.Charts.HINT, className="draw-hint", hidden=True, role="status"),
            html.Div(
                price_chart(ids.Charts.CHART), className="plot", role="img", **{"aria-labelledby": ids.Charts.SUMMARY}
            ),
        ],
        id=ids.Charts.CANVAS,
        className="chart is-waiting",
    )
    words = html.P(id=ids.Charts.SUMMARY, className="visually-hidden")
    table = html.Div(id=ids.Charts.TABLE, className="chart-table", hidden=True, tabIndex=0)
    return html.Section([words, canvas, table], id=ids.Charts.PANE, className="pane", **{"aria-label": "Chart"})


def _rail() -> html.Aside:
    return html.Aside(html.Div(skeleton(6), className="pane-body roomy"), id=ids.Charts.RAIL, className="pane rail")


def no_markets(fraction: float | None, message: str) -> Component:
    """Nothing is stored yet: what is being fetched, or how to begin."""
    if fraction is not None:
        bar = html.Div(html.I(style={"width": f"{fraction:.0%}"}), className="prog", role="progressbar")
        text = [html.Span(message or "Simulated markets are being filled."), bar]
        return empty("The first candles are on their way", html.Div(text, className="filling"))
    return empty(
        "No candles yet",
        "Import a file of candles, and its market stands here with its chart.",
        [dcc.Link("Import a file", href="/markets", className="btn btn-primary")],
    )


def unknown(title: str, sentence: str) -> Component:
    """The address names a market that is not here, or has no candles: the way to those that are."""
    back = dcc.Link("See all markets", href="/markets", className="btn btn-primary")
    first = dcc.Link("Open another chart", href="/charts", className="btn btn-secondary", refresh=True)
    return empty(title, sentence, [back, first])


def phone_head(symbol: str, venue: str, price: str, change: str, tone: str) -> Component:
    """What a phone shows in place of the toolbar's first part: market, last price, change over a day."""
    button = html.Button([html.B(symbol), html.Span(venue)], className="sym", **{"data-charts": "search"})
    return html.Div(
        [
            html.Div([button, html.Div(price, className="px")]),
            html.Div([html.Span(change, className=f"fs14 med {tone}"), html.Br(), html.Span("24 h", className="t3")]),
        ],
        className="mhead",
    )
