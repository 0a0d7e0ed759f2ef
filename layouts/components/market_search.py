"""Markets of all exchanges: searched on the server, a page at a time, with what can be done with each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components.feedback import badge, pane, simulated_badge
from layouts.components.numbers import ago, count
from layouts.components.venues import venue


@dataclass(frozen=True, slots=True)
class Found:
    """A market of an exchange, `market_id` None where nothing of it is stored. `can_follow`: its exchange is asked."""

    path: str
    symbol: str
    exchange: str
    market_id: int | None
    followed: bool
    simulated: bool
    listed: bool
    can_follow: bool
    coin: str = ""


def listed_words(seen: dict[str, tuple[int, datetime]], *, now: datetime) -> str:
    """`Binance 1,421, Kraken 1,010 markets; asked 3 h ago`."""
    if not seen:
        return "The exchanges' lists of markets are read within minutes of the start"
    names = ", ".join(f"{venue(exchange)} {count(n)}" for exchange, (n, _) in sorted(seen.items()))
    return f"{names} markets; asked {ago(min(at for _, at in seen.values()), now=now)}"


def search_form(exchanges: tuple[str, ...], listed: str, *, analyst: bool) -> Component:
    """The pane for finding a market of any exchange, and for having its candles fetched from now on."""
    field = dcc.Input(
        id=ids.Markets.FOLLOW_NAME,
        type="text",
        placeholder=f"Symbol, coin, or exchange and symbol, such as {exchanges[0]}:BTC/USDT",
        autoComplete="off",
        maxLength=80,
        debounce=0.25,
    )
    label = html.Label(["Exchange and symbol", field], className="form-label", htmlFor=ids.Markets.FOLLOW_NAME)
    parts: list[Any] = [label]
    if analyst:
        parts.append(
            html.Button("Follow market", id=ids.Markets.FOLLOW, className="btn btn-secondary", n_clicks=0),
        )
    body = [html.Div(parts, className="follow"), html.Div(id=ids.Markets.FOUND)]
    return pane("Find a market", body, sub=listed, label="Find a market")


def found_table(rows: list[Found], total: int, *, analyst: bool, words: str) -> Component:
    """The best matches first, and a button for more of them."""
    if not rows:
        text = (
            f"No exchange lists a market or coin called “{words}”. Write exchange and symbol, such as kraken:BTC/USD."
        )
        return html.P(text, className="t3 none")
    table = html.Table(html.Tbody([_row(one, analyst) for one in rows]), className="tbl dense found", **_label(total))
    told = [html.Span(f"{count(len(rows))} of {count(total)}", className="t3 fs12")]
    if len(rows) < total:
        more = html.Button("Show 50 more", id={"type": ids.Markets.MORE, "index": len(rows)}, n_clicks=0)
        more.className = "btn btn-secondary btn-sm"
        told.append(more)
    return html.Div([html.Div(table, className="found-rows"), html.Div(told, className="row-x found-foot")])


def _label(total: int) -> dict[str, str]:
    return {"aria-label": f"{count(total)} markets found"}


def _row(one: Found, analyst: bool) -> html.Tr:
    stored = one.market_id is not None
    name: Any = dcc.Link(one.symbol, href=f"/charts/{one.path}") if stored else html.B(one.symbol)
    extra = [simulated_badge(short=True)] if one.simulated else []
    coin = [html.Span(one.coin, className="coin")] if one.coin else []
    return html.Tr(
        [
            html.Td(html.Div([name, *coin, html.Span(one.exchange), *extra], className="mk")),
            html.Td(_state(one)),
            html.Td(_button(one) if analyst and one.can_follow else None, className="num"),
        ]
    )


def _state(one: Found) -> Component:
    if one.followed:
        return badge("followed", "acc")
    if one.market_id is not None:
        return badge("stored", "line")
    return html.Span("not followed", className="t4 fs12")


def _button(one: Found) -> html.Button:
    words, label = ("Unfollow", "Stop fetching") if one.followed else ("Follow", "Fetch")
    return html.Button(
        words,
        id={"type": ids.Markets.TAKE, "index": one.path},
        className="btn btn-ghost btn-sm",
        n_clicks=0,
        **{"aria-label": f"{label} new candles of {one.symbol} from {one.exchange}"},
    )
