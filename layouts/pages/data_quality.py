"""The Data quality page: holes, refused rows, candles that were told differently later, and how late sources are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components import candle_origin, series_breaks, tables
from layouts.components.feedback import badge, empty, freshness, headline, key_figures, page_head, pane, skeleton
from layouts.components.numbers import age, ago, count, exact_moment, moment, price
from layouts.components.tables import Column, Row

REFRESH_MS = 10_000
STATES: dict[str, tuple[str, Literal["", "warn", "line"]]] = {
    "open": ("open", "warn"),
    "confirmed": ("confirmed", "line"),
    "filled": ("filled", ""),
}


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole of a series. `href` opens the chart there; `answers` is how often its exchange had nothing for it."""

    symbol: str
    exchange: str
    timeframe: str
    href: str
    first: datetime
    count: int
    state: str
    answers: int
    seen_at: datetime
    asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows of an imported file that were no candles or were overruled by other rows of it."""

    what: str
    file_name: str
    refused: int
    replaced: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RefusedOfSource:
    """How many rows of a series its exchange told that were not stored, and why."""

    symbol: str
    exchange: str
    timeframe: str
    href: str
    source: str
    reason: str
    n: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """A closed candle whose close (or more) an exchange told differently later."""

    symbol: str
    exchange: str
    timeframe: str
    href: str
    open_time: datetime
    old: float
    new: float
    decimals: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Late:
    """A source or series: its name, words for how late it is, and the kind of dot."""

    name: str
    words: str
    kind: Literal["ok", "warn", "bad", "off", "sim"]


def layout(market: str = "", tf: str = "1h", at: str = "", **_query: str) -> Component:
    """The page; callbacks fill it. `market` (as in addresses), `tf` and `at` name a candle to look at."""
    frame = tf if tf in candle_origin.TIMEFRAMES else "1h"
    asked = candle_origin.form(candle_origin.written(market[:80]), frame, candle_origin.readable(at[:40]))
    waiting = html.Div(skeleton(6), className="pane-body roomy")
    return html.Div(
        [
            dcc.Interval(id=ids.DataQuality.TICK, interval=REFRESH_MS),
            page_head("Data quality", "What is missing, refused, changed or late"),
            dcc.Store(id=ids.DataQuality.ASKED),
            dcc.Store(id=ids.DataQuality.DECIDED),
            series_breaks.dialog(),
            html.Div(id=ids.DataQuality.HEADLINE),
            html.Div(
                [
                    html.Div(
                        [
                            *([asked] if market else []),
                            html.Div(id=ids.DataQuality.BREAKS),
                            html.Div(waiting, id=ids.DataQuality.GAPS),
                            html.Div(id=ids.DataQuality.REVISIONS),
                            html.Div(id=ids.DataQuality.PRICES),
                            html.Div(id=ids.DataQuality.REFUSED),
                            *([] if market else [asked]),
                        ],
                        className="pane",
                    ),
                    html.Aside(html.Div(id=ids.DataQuality.LATENCY), className="pane rail"),
                ],
                className="panes detail",
            ),
        ],
        className="page quality-page",
    )


def summary(still: int, sure: int, late: int, paused: int = 0) -> Component:
    """The finding of the page."""
    if not still and not late and not paused:
        told = f"{count(sure)} confirmed by their exchanges" if sure else "no exchange has confirmed one"
        return headline("No open gap, and no followed series is late", f"Gaps: {told}.")
    words = [f"{count(paused)} series paused until somebody decides"] if paused else []
    words += [f"{count(still)} open {'gap' if still == 1 else 'gaps'}"] if still else []
    words += [f"{count(late)} followed series late"] if late else []
    small = "Bolt asks for open gaps again by itself, and calls one confirmed after three answers without a candle."
    return headline(", ".join(words), small)


def gaps_pane(holes: list[Hole], *, now: datetime) -> Component:
    """Open holes first. Each opens the chart where it is."""
    if not holes:
        words = "Gaps of followed markets stand here within a minute. Follow a market on the Markets page to watch it."
        return pane("Gaps", empty("No gaps", words), label="Gaps")
    columns = [
        Column("Series"),
        Column("State", hint="Confirmed: its exchange had nothing there in three answers"),
        Column("First missing candle"),
        Column("Missing", number=True),
        Column("Asked again", words="m-drop"),
        Column("Seen", words="m-drop"),
    ]
    rows = [_hole(one, now) for one in holes]
    body = html.Div(tables.table(columns, rows, label="Gaps", dense=True), className="tbl-scroll")
    return pane("Gaps", body, flush=True, label="Gaps")


def _hole(one: Hole, now: datetime) -> Row:
    words, kind = STATES[one.state]
    missing = "1 candle" if one.count == 1 else f"{count(one.count)} candles"
    asked = f"{ago(one.asked_at, now=now)}, {one.answers} of 3" if one.asked_at else "not yet"
    return Row(
        [
            _series(one.symbol, one.exchange, one.timeframe, one.href),
            badge(words, kind),
            _time(one.first, now),
            missing,
            asked if one.state == "open" else "",
            html.Span(ago(one.seen_at, now=now), title=exact_moment(one.seen_at)),
        ]
    )


def revisions_pane(revisions: list[Revision], *, now: datetime) -> Component:
    """The newest first; each opens the chart at its candle."""
    if not revisions:
        words = "A closed candle that its exchange tells differently later is replaced, and what it was is kept here."
        return pane("Revisions", empty("No candle was revised", words), label="Revisions")
    columns = [
        Column("Series"),
        Column("Close", number=True),
        Column("Candle"),
        Column("Revised", number=True),
    ]
    rows = [
        Row(
            [
                _series(one.symbol, one.exchange, one.timeframe, one.href),
                f"{price(one.old, one.decimals)} → {price(one.new, one.decimals)}",
                _time(one.open_time, now),
                html.Span(ago(one.at, now=now), title=exact_moment(one.at)),
            ]
        )
        for one in revisions
    ]
    body = html.Div(tables.table(columns, rows, label="Revisions", dense=True), className="tbl-scroll")
    return pane("Revisions", body, flush=True, label="Revisions")


def refused_pane(refused: list[Refused], told: list[RefusedOfSource], *, now: datetime) -> Component:
    """Rows of exchanges that were not stored, then files of which rows were refused; the newest first."""
    if not refused and not told:
        words = [
            "Rows of exchanges and of imported files that are no candles stand here with their reason. "
            "Import files on the ",
            dcc.Link("Markets page", href="/markets"),
            ".",
        ]
        return pane("Refused rows", empty("No row was refused", words), label="Refused rows")
    parts = ([_refused_of_sources(told, now)] if told else []) + ([_refused_files(refused, now)] if refused else [])
    return pane("Refused rows", html.Div(parts), flush=True, label="Refused rows")


def _refused_of_sources(told: list[RefusedOfSource], now: datetime) -> Component:
    columns = [
        Column("Series"),
        Column("Refused", number=True),
        Column("Reason", words="wrap full"),
        Column("Source"),
        Column("Last", number=True),
    ]
    rows = [
        Row(
            [
                _series(one.symbol, one.exchange, one.timeframe, one.href),
                f"{count(one.n)} {'row' if one.n == 1 else 'rows'}",
                one.reason,
                one.source,
                html.Span(ago(one.last_at, now=now), title=exact_moment(one.last_at)),
            ]
        )
        for one in told
    ]
    return html.Div(tables.table(columns, rows, label="Refused rows of exchanges", dense=True), className="tbl-scroll")


def _refused_files(refused: list[Refused], now: datetime) -> Component:
    columns = [
        Column("File"),
        Column("Refused", number=True),
        Column("First reason", words="wrap full"),
        Column("Overruled", number=True, words="m-drop"),
        Column("Imported", words="m-drop"),
    ]
    rows = [
        Row(
            [
                html.Div([html.B(one.what), html.Span(one.file_name)], className="mk"),
                f"{count(one.refused)} {'row' if one.refused == 1 else 'rows'}",
                one.reason,
                count(one.replaced),
                html.Span(ago(one.at, now=now), title=exact_moment(one.at)),
            ]
        )
        for one in refused
    ]
    return html.Div(tables.table(columns, rows, label="Refused rows of files", dense=True), className="tbl-scroll")


def latency_pane(sources: list[Late], series: list[Late]) -> Component:
    """How fast each source answers, and how late the newest candle of each followed market is."""
    asked = (
        _lates(sources)
        if sources
        else html.P("No exchange was asked yet. Follow a market on the Markets page.", className="t3 fs12")
    )
    followed = (
        _lates(series)
        if series
        else html.P("No market is followed. Follow one on the Markets page.", className="t3 fs12")
    )
    return html.Div([pane("Sources", asked, label="Sources"), pane("Newest candles", followed, label="Newest candles")])


def _lates(lates: list[Late]) -> html.Dl:
    pairs: list[tuple[Any, Any]] = [(one.name, freshness(one.words, one.kind)) for one in lates]
    return key_figures(pairs)


def late_words(seconds: float) -> str:
    """How long ago the newest candle closed."""
    return f"closed {age(seconds)} ago"


def _series(symbol: str, exchange: str, timeframe: str, href: str) -> html.Div:
    return tables.market(symbol, f"{timeframe} {exchange}", href=href)


def _time(at: datetime, now: datetime) -> html.Span:
    return html.Span(moment(at, now=now), title=exact_moment(at))
