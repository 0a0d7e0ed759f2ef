"""The toolbar of the price chart and what it opens. `assets/63-charts-toolbar.js` acts on `data-charts`."""

import json
from collections.abc import Collection, Iterable
from typing import Any

from dash import html
from dash.development.base_component import Component

from core.timeframe import TIMEFRAMES
from layouts import ids
from layouts.components.feedback import simulated_badge
from layouts.components.icons import icon
from layouts.components.price_chart import COLOURS, Shown
from market.indicators.catalog import CATALOG, Chosen, Indicator, parse

# (keys as typed, what they do); `assets/63-charts-keys.js` acts on them
KEYS = (
    ("B", "Search a market; other letters begin the search too"),
    ("0 … 9", "Type a timeframe: minutes, or 4h, 1d"),
    (",", "Type a timeframe"),
    ("← →", "Pan, or move the point of a drawing"),
    ("↑ ↓", "Move the point of a drawing"),
    ("+ −", "Zoom"),
    ("Enter", "Set the point of a drawing"),
    ("Delete", "Delete the chosen drawing"),
    ("Esc", "Leave a tool, a menu or a drawing"),
    ("Alt T", "Draw a trend line"),
    ("Alt H", "Set a level at the cross-hair"),
    ("Alt V", "Set a vertical line at the cross-hair"),
    ("Alt F", "Draw a Fibonacci retracement"),
    ("Alt N", "Write a note"),
    ("Alt I", "Say where the candle at the cross-hair came from"),
    ("Alt G", "Go to a date"),
    ("Alt R", "Back to the newest candles"),
    ("Alt S", "Save an image"),
    ("Alt Enter", "Full screen"),
)
TYPE_NAMES = {
    "candles": "Candles",
    "hollow": "Hollow candles",
    "ha": "Heikin-Ashi",
    "bars": "Bars",
    "line": "Line",
    "area": "Area",
}


def toolbar(
    shown: Shown,
    exchange: str,
    chosen: Iterable[Chosen],
    timeframes: Iterable[str],
    *,
    hidden: Collection[str] = (),
    kind: str = "candles",
    scale: str | None = None,
    against: str | None = None,
    favourites: Collection[str] = (),
) -> html.Div:
    """Market, timeframes, indicators in their line colour, actions."""
    rule = html.Span(className="vr", **{"aria-hidden": "true"})
    chips = [chip(one, place, hidden=one.key in hidden) for place, one in enumerate(chosen)]
    return html.Div(
        [
            market_button(shown, exchange),
            simulated_badge() if shown.simulated else None,
            rule,
            timeframe_buttons(shown.timeframe, set(timeframes), favourites),
            rule,
            html.Div(chips, className="chips"),
            indicator_button(),
            html.Div(actions(kind, scale, against), className="acts"),
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


def timeframe_buttons(now: str, possible: set[str], favourites: Collection[str] = ()) -> html.Div:
    """The favourite timeframes, all where there are none, and a menu of all.

    Those for which nothing is stored that they can be built from are disabled.
    """
    buttons = [
        html.Button(
            name,
            disabled=name not in possible,
            title=None if name in possible else f"Nothing is stored that {name} candles can be built from",
            **{"data-charts": "tf", "data-value": name, "aria-pressed": str(name == now).lower()},
        )
        for name in TIMEFRAMES
        if not favourites or name in favourites or name == now
    ]
    more = html.Button(
        icon("chevron-down", small=True),
        className="more",
        title="All timeframes and favourites",
        **{"data-charts": "timeframes", "aria-haspopup": "dialog", "aria-label": "All timeframes and favourites"},
    )
    group = {"aria-label": "Timeframe", "data-possible": ",".join(name for name in TIMEFRAMES if name in possible)}
    return html.Div([*buttons, more], className="seg timeframes", role="group", **group)


def chip(chosen: Chosen, place: int, *, hidden: bool = False) -> html.Span:
    """An indicator of the chart: its title opens the settings, the eye hides it, the cross removes it."""
    name = chosen.title
    swatch = html.I(style={"background": f"var(--overlay-{place % COLOURS + 1})"}, **{"aria-hidden": "true"})
    edit = {"data-charts": "edit", "aria-haspopup": "dialog"} if chosen.indicator.params else {"disabled": True}
    about = {
        "data-key": chosen.key,
        "data-name": chosen.indicator.key,
        "data-title": chosen.indicator.title,
        "data-params": json.dumps(fields(chosen)),
    }
    word = "Show" if hidden else "Hide"
    eye = {"data-charts": "hide", "aria-label": f"{word} {name}", "aria-pressed": str(hidden).lower()}
    look = html.Button(icon("eye-slash" if hidden else "eye"), className="x", title=word, **eye)
    remove = html.Button(icon("x-lg"), className="x", **{"data-charts": "remove", "aria-label": f"Remove {name}"})
    label = html.Button([swatch, name], className="name", title=chosen.indicator.about, **edit)
    return html.Span([label, look, remove], className="chip is-hidden" if hidden else "chip", **about)


def fields(chosen: Chosen) -> list[dict[str, Any]]:
    """What the form for an indicator's parameters asks."""
    return [
        {
            "title": param.name.replace("_", " ").capitalize(),
            "value": value,
            "low": param.low,
            "high": param.high,
            "step": 1 if isinstance(param.default, int) else "any",
            "words": list(param.words),
        }
        for param, value in zip(chosen.indicator.params, chosen.values, strict=True)
    ]


def indicator_button() -> html.Button:
    return html.Button(
        [icon("plus-lg", small=True), html.Span("Indicator")],
        className="btn btn-ghost btn-sm add",
        **{"data-charts": "menu", "aria-haspopup": "dialog", "aria-label": "Add an indicator"},
    )


def actions(kind: str, scale: str | None, against: str | None) -> list[Component]:
    """What stands at the right end; the last button lists everything there is, also for phones."""
    menu = {"aria-haspopup": "dialog"}
    compared = f"Compared with {against}" if against else "Compare with another market"
    return [
        html.Button(
            [TYPE_NAMES[kind], icon("chevron-down", small=True)],
            className="btn btn-ghost btn-sm wide-only",
            title="Chart type",
            **{"data-charts": "types", **menu},
        ),
        _toggle("log", "Log", "Logarithmic price axis", scale == "log"),
        _toggle("pct", "%", "Percent since the first visible bar", scale == "pct"),
        _action("compare", "layers", compared, **menu, **{"aria-pressed": str(against is not None).lower()}),
        _action("draw", "pencil", "Draw", **menu, **{"aria-pressed": "false"}),
        _action("layouts", "star", "Layouts", **menu),
        _action("table", "list-columns-reverse", "Table of the visible candles", **{"aria-pressed": "false"}),
        _action("image", "camera", "Save image (Alt S)"),
        _action("more", "three-dots", "Everything this chart can do", **menu),
    ]


def _toggle(word: str, label: str, title: str, on: bool) -> html.Button:
    pressed = {"data-charts": word, "aria-pressed": str(on).lower()}
    return html.Button(label, className="btn btn-ghost btn-sm toggle wide-only", title=title, **pressed)


def _action(word: str, drawing: str, label: str, **more: str) -> html.Button:
    return html.Button(
        icon(drawing),
        className="btn btn-ghost btn-icon btn-sm"
        if word in ("draw", "more")
        else "btn btn-ghost btn-icon btn-sm wide-only",
        title=label,
        **{"data-charts": word, "aria-label": label, **more},
    )


def floats() -> list[Component]:
    """What opens over the chart: the list of indicators, and boxes that the browser fills when they open."""
    boxes = (
        (ids.Charts.SEARCH, "search"),
        (ids.Charts.PARAMS, "params"),
        (ids.Charts.TYPED, "typed"),
        (ids.Charts.POP, "list pop"),
    )
    made = [html.Div(id=box, className=f"charts-float {word}", hidden=True) for box, word in boxes]
    note = html.Div(
        html.Div(id=ids.Charts.CANDLE),
        id=ids.Charts.NOTE,
        className="charts-float candle",
        hidden=True,
        role="dialog",
        **{"aria-label": "Candle"},
    )
    return [_menu(), *made, note]


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
        [html.B(indicator.title), html.Span(f"{where}, repaints" if indicator.repaints else where)],
        title=indicator.about,
        **{"data-charts": "add", "data-value": parse(indicator.key, repainting=True).key},
    )


def key_rows() -> html.Div:
    """This page's keys; the browser puts them into the sheet that `?` opens."""
    return html.Div([_key_row(keys, about) for keys, about in KEYS], className="page-keys", hidden=True)


def _key_row(keys: str, about: str) -> html.Div:
    typed = html.Span([html.Kbd(key) for key in keys.split(" ")], className="keys")
    return html.Div([html.Span(about), typed], className="shortcut page-own", **{"data-page-keys": keys})
