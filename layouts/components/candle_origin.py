"""Where one candle came from: the form that asks, and everything that is known of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from core.clock import from_ms
from layouts import ids
from layouts.components.delivery import Delivery, answered_words, stored_words
from layouts.components.feedback import badge, key_figures, pane, simulated_badge
from layouts.components.numbers import compact, count, exact_moment, moment, price

TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d", "1w")


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in a series. `bar` is open, high, low, close, volume, None where nothing is stored.

    `gap` says in words what is known of a hole there; `revised` are (when, from whom, close before, close after);
    `files` are (name, when, rows stored); `source` says who gave the candle, `delivery` when.
    """

    name: str
    timeframe: str
    opened: datetime
    closed: datetime
    simulated: bool
    decimals: int | None
    bar: tuple[float, float, float, float, float] | None
    flagged: bool
    source: str
    gap: str
    revised: tuple[tuple[datetime, str, float, float], ...]
    files: tuple[tuple[str, datetime, int], ...]
    updated_at: datetime | None
    chart: str
    delivery: Delivery | None = None


def form(market: str, timeframe: str, at: str) -> Component:
    """The pane that asks for a candle, filled with what the address names."""
    fields = [
        _field("Market", ids.DataQuality.MARKET, market, "binance:BTC/USDT"),
        html.Label(
            [
                "Timeframe",
                dcc.Dropdown(list(TIMEFRAMES), timeframe, id=ids.DataQuality.FRAME, clearable=False, searchable=False),
            ],
            className="form-label",
        ),
        _field("Time, UTC", ids.DataQuality.AT, at, "2024-05-01 12:00"),
        html.Button("Show candle", id=ids.DataQuality.ASK, className="btn btn-secondary", n_clicks=0),
    ]
    body = [html.Div(fields, className="origin-form"), html.Div(id=ids.DataQuality.ORIGIN)]
    return pane("Where a candle came from", body, sub="A click on a candle of a chart leads here", label="One candle")


def written(path: str) -> str:
    """A market as people write it, `binance:BTC/USDT`, from how addresses have it, `binance/BTC-USDT`."""
    exchange, slash, symbol = path.partition("/")
    return f"{exchange}:{symbol.replace('-', '/', 1)}" if slash and ":" not in path else path


def readable(at: str) -> str:
    """`2024-05-01 12:00` of milliseconds since 1970; anything else as it is."""
    if not at.isdecimal() or len(at) > 14:
        return at
    return f"{from_ms(int(at)):%Y-%m-%d %H:%M}"


def _field(label: str, key: str, value: str, example: str) -> html.Label:
    field = dcc.Input(id=key, type="text", value=value, placeholder=example, autoComplete="off", maxLength=80)
    return html.Label([label, field], className="form-label", htmlFor=key)


def origin(told: Origin, *, now: datetime) -> Component:
    """Everything that is known, and a way to the chart."""
    facts: list[tuple[Any, Any]] = [("Opened", exact_moment(told.opened)), ("Closed", exact_moment(told.closed))]
    if told.bar is not None:
        o, h, low, c = (price(value, told.decimals) for value in told.bar[:4])
        facts += [("Open, close", f"{o} → {c}"), ("Low, high", f"{low} – {h}"), ("Volume", compact(told.bar[4]))]
    facts += [("From", told.source)] if told.bar is not None else []
    facts += came_facts(told.delivery) if told.delivery else []
    facts += [("Hole", told.gap)] if told.gap else []
    facts += [("Flag", badge("a wick far outside its neighbours", "warn"))] if told.flagged else []
    facts.append(("Revisions", _revised(told, now) if told.revised else "none: it is as it was first stored"))
    facts.append(("Files of this series", _files(told, now) if told.files else "none"))
    if told.updated_at:
        facts.append(("Series last changed", moment(told.updated_at, now=now)))
    title = [html.B(f"{told.name} {told.timeframe}", className="t1")]
    title += [simulated_badge(short=True)] if told.simulated else []
    title += [] if told.bar is not None else [badge("not stored", "warn")]
    link = dcc.Link("Show it in the chart", href=told.chart, className="push fs12")
    return html.Div([html.Div([*title, link], className="row-x"), key_figures(facts)], className="origin")


def came_facts(came: Delivery) -> list[tuple[Any, Any]]:
    """When it was told and stored."""
    answered = answered_words(came)
    return [*([("Answered", answered)] if answered else []), ("Stored", stored_words(came))]


def _revised(told: Origin, now: datetime) -> Component:
    lines = [
        html.Div(f"{moment(at, now=now)}, {source}: close {price(old, told.decimals)} → {price(new, told.decimals)}")
        for at, source, old, new in told.revised
    ]
    return html.Div(lines)


def _files(told: Origin, now: datetime) -> Component:
    return html.Div([html.Div(f"{name}, {moment(at, now=now)}, {count(rows)} stored") for name, at, rows in told.files])


def not_known(sentence: str) -> Component:
    """What was asked for and is not there."""
    return html.P(sentence, className="t3 origin", role="status")
