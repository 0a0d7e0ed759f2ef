"""The toolbar of the price chart and what it opens. `assets/63-charts-controls.js` acts on `data-charts`."""

import json
from collections.abc import Iterable
from typing import Any

from dash import html
from dash.development.base_component import Component

from core.timeframe import TIMEFRAMES
from layouts import ids
from layouts.components.feedback import simulated_badge
from layouts.components.icons import icon
from layouts.components.price_chart import COLOURS, Shown
from market.indicators.catalog import CATALOG, Chosen, Indicator, parse

# (keys as typed, what they do); `assets/63-charts-controls.js` acts on them
KEYS = (
    ("B", "Search a market; other letters begin the search too"),
    ("0 … 9", "Type a timeframe: minutes, or 4h, 1d"),
    (",", "Type a timeframe"),
    ("← →", "Pan"),
    ("+ −", "Zoom"),
    ("Alt R", "Back to the newest candles"),
)


def toolbar(shown: Shown, exchange: str, chosen: Iterable[Chosen], timeframes: Iterable[str], *, log: bool) -> html.Div:
    """Market, timeframes, indicators in their line colour, actions."""
    rule = html.Span(className="vr", **{"aria-hidden": "true"})
    chips = [chip(one, place) for place, one in enumerate(chosen)]
    return html.Div(
        [
            market_button(shown, exchange),
            simulated_badge() if shown.simulated else None,
            rule,
            timeframe_buttons(shown.timeframe, set(timeframes)),
            rule,
            html.Div([*chips, indicator_button()], className="chips"),
            html.Div(actions(log), className="acts"),
        ],
        className="toolbar",
        role="toolbar",
        **{"aria-label": "Chart"},
    )


def market_button(shown: Shown, exchange: str) -> html.Button:
    venue = "Simulated" if shown.simulated else exchange.capitalize()
    return html.Button(
        [icon("search", small=True), html.B(shown.symbol), html.Span(venue)],
        className="sym",
        title="Search a market (B)",
        **{"data-charts": "search", "aria-haspopup": "listbox"},
    )


def timeframe_buttons(now: str, possible: set[str]) -> html.Div:
    """All timeframes; those for which nothing is stored that they can be built from are disabled."""
    buttons = [
        html.Button(
            name,
            disabled=name not in possible,
            title=None if name in possible else f"Nothing is stored that {name} candles can be built from",
            **{"data-charts": "tf", "data-value": name, "aria-pressed": str(name == now).lower()},
        )
        for name in TIMEFRAMES
    ]
    return html.Div(buttons, className="seg", role="group", **{"aria-label": "Timeframe"})


def chip(chosen: Chosen, place: int) -> html.Span:
    """An indicator that is drawn: its title opens the parameters, the cross removes it."""
    name = chosen.title
    swatch = html.I(style={"background": f"var(--overlay-{place % COLOURS + 1})"}, **{"aria-hidden": "true"})
    edit = {"data-charts": "edit", "aria-haspopup": "dialog"} if chosen.indicator.params else {"disabled": True}
    about = {
        "data-key": chosen.key,
        "data-name": chosen.indicator.key,
        "data-title": chosen.indicator.title,
        "data-params": json.dumps(fields(chosen)),
    }
    remove = html.Button(icon("x-lg"), className="x", **{"data-charts": "remove", "aria-label": f"Remove {name}"})
    label = html.Button([swatch, name], className="name", title=chosen.indicator.about, **edit)
    return html.Span([label, remove], className="chip", **about)


def fields(chosen: Chosen) -> list[dict[str, Any]]:
    """What the form for an indicator's parameters asks."""
    return [
        {
            "title": param.name.replace("_", " ").capitalize(),
            "value": value,
            "low": param.low,
            "high": param.high,
            "step": 1 if isinstance(param.default, int) else "any",
        }
        for param, value in zip(chosen.indicator.params, chosen.values, strict=True)
    ]


def indicator_button() -> html.Button:
    return html.Button(
        [icon("plus-lg", small=True), html.Span("Indicator")],
        className="btn btn-ghost btn-sm add",
        **{"data-charts": "menu", "aria-haspopup": "dialog", "aria-label": "Add an indicator"},
    )


def actions(log: bool) -> list[Component]:
    pressed = {"data-charts": "log", "aria-pressed": str(log).lower()}
    return [
        html.Button("Log", className="btn btn-ghost btn-sm toggle", title="Logarithmic price axis", **pressed),
        _action("table", "list-columns-reverse", "Table of the visible candles", **{"aria-pressed": "false"}),
        _action("reset", "arrow-clockwise", "Back to the newest candles (Alt R)"),
        _action("image", "camera", "Save image"),
        _action("full", "fullscreen", "Full screen"),
    ]


def _action(word: str, drawing: str, label: str, **more: str) -> html.Button:
    return html.Button(
        icon(drawing),
        className="btn btn-ghost btn-icon btn-sm",
        title=label,
        **{"data-charts": word, "aria-label": label, **more},
    )


def floats() -> list[Component]:
    """What opens over the chart: the list of indicators, and three boxes that the browser fills when they open."""
    boxes = ((ids.Charts.SEARCH, "search"), (ids.Charts.PARAMS, "params"), (ids.Charts.TYPED, "typed"))
    return [_menu(), *(html.Div(id=box, className=f"charts-float {word}", hidden=True) for box, word in boxes)]


def _menu() -> html.Div:
    items = [_item(indicator) for indicator in CATALOG.values()]
    return html.Div(
        items,
        id=ids.Charts.MENU,
        className="charts-float list",
        hidden=True,
        role="dialog",
        **{"aria-label": "Indicators"},
    )


def _item(indicator: Indicator) -> html.Button:
    where = "on the price" if indicator.pane == "price" else "own pane"
    return html.Button(
        [html.B(indicator.title), html.Span(where)],
        title=indicator.about,
        **{"data-charts": "add", "data-value": parse(indicator.key).key},
    )


def key_rows() -> html.Div:
    """This page's keys; the browser puts them into the sheet that `?` opens."""
    return html.Div([_key_row(keys, about) for keys, about in KEYS], className="page-keys", hidden=True)


def _key_row(keys: str, about: str) -> html.Div:
    typed = html.Span([html.Kbd(key) for key in keys.split(" ")], className="keys")
    return html.Div([html.Span(about), typed], className="shortcut page-own")
