"""What is known of one candle, as a click on the chart shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from core.clock import to_ms
from layouts.components.candle_origin import came_facts
from layouts.components.delivery import NOT_NOTED, Delivery, from_words
from layouts.components.feedback import key_figures, simulated_badge
from layouts.components.icons import icon
from layouts.components.numbers import compact, exact_moment, moment, price


@dataclass(frozen=True, slots=True)
class Known:
    """A bar (open, high, low, close, volume) and the stored candles of timeframe `source` it is made of.

    `revised` are (when, close before, close after), newest first; `files` (name, when imported). `fetched` is True
    where the exchange gave it, False where only a file can have, None where either may have.
    `delivery` is how the first of the candles came, None where that was not written down.
    """

    path: str
    exchange: str
    simulated: bool
    decimals: int | None
    opened: datetime
    bar: tuple[float, float, float, float, float]
    source: str
    stored: int
    expected: int
    wick: bool
    revised: tuple[tuple[datetime, float, float], ...]
    files: tuple[tuple[str, datetime], ...]
    fetched: bool | None = True
    delivery: Delivery | None = None


def candle_note(known: Known, *, now: datetime) -> Component:
    """Prices, where they came from, and what was changed."""
    o, h, low, c = (price(value, known.decimals) for value in known.bar[:4])
    facts: list[tuple[Any, Any]] = [
        ("Open, close", f"{o} → {c}"),
        ("Low, high", f"{low} – {h}"),
        ("Volume", compact(known.bar[4])),
        ("From", _source(known)),
        *(came_facts(known.delivery) if known.delivery else [("Stored", NOT_NOTED)]),
        ("Changed since", _changes(known, now)),
    ]
    if known.wick:
        facts.append(("Flag", "A wick far outside its neighbours"))
    if known.files:
        facts.append(("Files of this series", "; ".join(f"{name}, {moment(at, now=now)}" for name, at in known.files)))
    href = f"/data-quality?market={known.path}&tf={known.source}&at={to_ms(known.opened)}"
    head = [html.H3(exact_moment(known.opened)), simulated_badge(short=True) if known.simulated else None]
    link = dcc.Link("All that is known of it", href=href, className="fs12")
    return html.Div([_head(head), key_figures(facts), link])


def no_candle(opened: datetime) -> Component:
    """A place where nothing is stored."""
    text = html.P("No candle is stored here. The gap is left open; Data quality lists whether it is confirmed.")
    return html.Div([_head([html.H3(exact_moment(opened))]), text, dcc.Link("Data quality", href="/data-quality")])


def _head(parts: list[Any]) -> html.Div:
    close = html.Button(
        icon("x-lg"),
        className="btn btn-ghost btn-icon btn-sm",
        **{"data-charts": "close", "aria-label": "Close"},
    )
    return html.Div([*parts, close], className="note-head")


def _source(known: Known) -> str:
    venue = "the demo exchange" if known.simulated else known.exchange
    words = {True: venue, False: f"an imported file of {venue}", None: f"{venue}, or an imported file of it"}
    if known.delivery is not None:
        words = {known.fetched: from_words(venue, known.delivery)}
    if known.expected <= 1:
        return f"{words[known.fetched]}, stored as a {known.source} candle"
    whole = f"{known.stored} of {known.expected}" if known.stored != known.expected else f"{known.stored}"
    return f"{words[known.fetched]}, built of {whole} {known.source} candles"


def _changes(known: Known, now: datetime) -> str:
    if not known.revised:
        return "No, as it first came"
    at, before, after = known.revised[0]
    old, new = price(before, known.decimals), price(after, known.decimals)
    often = "Once" if len(known.revised) == 1 else f"{len(known.revised)} times"
    return f"{often}, last {moment(at, now=now)}: close {old} → {new}"
