"""Series that most likely hold two coins under one name, what a person can decide, and prices beside CoinGecko's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dash import html
from dash.development.base_component import Component

from layouts import ids
from layouts.components import tables
from layouts.components.feedback import badge, pane
from layouts.components.forms import button, confirm
from layouts.components.numbers import ago, change, date, exact_moment, price
from layouts.components.tables import Column, Row

SAME, NEW = "same", "new"
STATES: dict[str, tuple[str, Literal["", "warn", "line"]]] = {
    "paused": ("paused", "warn"),
    "apart": ("two coins", "line"),
    "joined": ("one coin", ""),
}
WHY = (
    "After a hole of more than a week the price is at least eight times higher or lower: most likely another coin has "
    "taken the name. A paused series takes no new candles until somebody decides, so that no chart, model or score "
    "mixes the two."
)


@dataclass(frozen=True, slots=True)
class Broken:
    """A break of one series. `decided_at` is None while nobody decided."""

    market_id: int
    symbol: str
    exchange: str
    timeframe: str
    href: str
    old_last: datetime
    new_first: datetime
    old_close: float
    new_open: float
    state: str
    seen_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Our newest price of a market beside CoinGecko's; `difference` is ours / theirs - 1."""

    symbol: str
    exchange: str
    href: str
    coin: str
    ours: float
    theirs: float
    difference: float
    flagged: bool
    decimals: int | None
    at: datetime


def breaks_pane(found: list[Broken], *, analyst: bool, now: datetime) -> Component | None:
    """Those that wait for a decision first, each market with its buttons once; nothing where no series broke."""
    if not found:
        return None
    columns = [
        Column("Series"),
        Column("State"),
        Column("Before"),
        Column("After"),
        Column("Seen", words="m-drop"),
        Column("", words="full"),
    ]
    rows, offered = [], set[int]()
    for one in found:
        ask = one.state == "paused" and analyst and one.market_id not in offered
        offered |= {one.market_id} if ask else set()
        rows.append(_row(one, ask=ask, now=now))
    table = html.Div(tables.table(columns, rows, label="Series breaks", dense=True), className="tbl-scroll")
    waits = any(one.state == "paused" for one in found)
    small = "" if analyst or not waits else " An analyst or an admin decides."
    body = html.Div([html.P(WHY + small, className="t3 fs12 pane-text"), table])
    return pane("Series breaks", body, flush=True, label="Series breaks")


def _row(one: Broken, *, ask: bool, now: datetime) -> Row:
    words, kind = STATES[one.state]
    decided = one.decided_at or one.seen_at
    seen = html.Span(ago(decided, now=now), title=exact_moment(decided))
    return Row(
        [
            tables.market(one.symbol, f"{one.timeframe} {one.exchange}", href=one.href),
            badge(words, kind),
            _side(one.old_close, "until", one.old_last),
            _side(one.new_open, "from", one.new_first),
            seen,
            _buttons(one) if ask else "",
        ]
    )


def _side(value: float, word: str, at: datetime) -> html.Span:
    """A price in its own decimals: those of the market are of one of the two coins."""
    day = date(at)
    return html.Span([price(value), html.Span(f" {word} {day}", className="t3")], title=exact_moment(at))


def _buttons(one: Broken) -> html.Div:
    return html.Div([_button(one, "Same coin", SAME), _button(one, "A new coin", NEW)], className="row-x decide")


def _button(one: Broken, words: str, word: str) -> html.Button:
    return html.Button(
        words,
        id={"type": ids.DataQuality.DECIDE, "index": f"{one.market_id}/{word}"},
        className="btn btn-secondary btn-sm",
        n_clicks=0,
        **{"aria-label": f"{words}: {one.symbol} on {one.exchange}"},
    )


def dialog() -> Component:
    """What a decision does, before it is made."""
    return confirm(
        ids.DataQuality.DIALOG,
        "One coin or two",
        html.Div(id=ids.DataQuality.DIALOG_TEXT),
        yes=button("Decide", id=ids.DataQuality.DIALOG_YES, kind="danger"),
        no=button("Leave it paused", id=ids.DataQuality.DIALOG_NO),
    )


def consequence(name: str, word: str) -> list[Component]:
    """In sentences: what happens to candles, calls and models."""
    if word == SAME:
        told = [
            f"{name} is one coin: the price really moved that far while nothing was traded, or was counted anew.",
            "The series goes on over the hole and its missing candles are fetched. Models go on calling it.",
        ]
    else:
        told = [
            f"{name} is a new coin. The old one keeps its candles, calls and scores under a name of its own.",
            "The new one begins with an empty series. No model that learned from the old one calls it: a champion "
            "that knew only the old one is retired, others leave this market out. Train a new one when it has a past.",
        ]
    return [html.P(sentence) for sentence in told] + [html.P("This cannot be taken back on this page.", className="t3")]


def prices_pane(found: list[Compared], *, now: datetime) -> Component | None:
    """Prices that were compared, the farthest apart first; nothing where none was."""
    if not found:
        return None
    rows = [_compared(one, now) for one in sorted(found, key=lambda c: (not c.flagged, -abs(c.difference)))]
    columns = [
        Column("Market"),
        Column("Difference", number=True, hint="Ours beside CoinGecko's"),
        Column("Ours", number=True, words="m-drop"),
        Column("CoinGecko", number=True),
        Column("Compared", words="m-drop"),
    ]
    table = html.Div(tables.table(columns, rows, label="Price checks", dense=True), className="tbl-scroll")
    return pane("Prices beside CoinGecko", table, flush=True, label="Price checks")


def _compared(one: Compared, now: datetime) -> Row:
    told = change(one.difference)
    return Row(
        [
            tables.market(one.symbol, one.exchange, href=one.href),
            badge(told, "warn") if one.flagged else told,
            price(one.ours, one.decimals),
            html.Span([price(one.theirs, one.decimals), html.Span(f" {one.coin}", className="t3")]),
            html.Span(ago(one.at, now=now), title=exact_moment(one.at)),
        ]
    )
