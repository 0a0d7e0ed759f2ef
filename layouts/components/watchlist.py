"""Around the watch-list: the finding, the strip of figures, what is stale, the lists' menu, markets to add."""

from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.feedback import headline, note_strip, simulated_badge, stat, strip
from layouts.components.icons import icon
from layouts.components.venues import venue
from market.summary import Breadth


@dataclass(frozen=True, slots=True)
class Listed:
    """A market that could be added. `stored`: there is one here; others must be followed first."""

    path: str
    symbol: str
    exchange: str
    simulated: bool
    stored: bool
    on_list: bool
    coin: str = ""


def finding(told: Breadth | None, *, simulated: bool) -> Component:
    """How many rose, in one sentence."""
    if told is None:
        words = "Changes over 24 hours appear when a day of candles is stored."
        return headline("No market here has a day of prices yet", words)
    made_up = "simulated " if simulated else ""
    markets = f"{made_up}market" if told.n == 1 else f"{made_up}markets"
    rose = "None" if told.up == 0 else "All" if told.up == told.n and told.n > 1 else str(told.up)
    sentence = f"{rose} of {told.n} {markets} rose over 24 hours" if rose != "All" else f"All {told.n} {markets} rose"
    sentence += " over 24 hours" if rose == "All" else ""
    small = "Changes run from the candle that closed 24 hours before the last price to that price."
    if simulated:
        small += " Nothing here is real: these prices are made up."
    return headline(sentence, small)


def figures(told: Breadth | None, largest: str) -> Component | None:
    """The strip under the finding; `largest` names the market that moved most."""
    if told is None:
        return None
    of = f"of {told.n}"
    return strip(
        [
            stat("Up over 24 h", _share(told.up, of), _bar(told.up, told.n - told.up - told.down, told.down)),
            stat("Median change, 24 h", _change(told.median), ["mean ", _change(told.mean)]),
            stat("Largest move, 24 h", largest.partition(" ")[0], _change_of(largest)),
            stat("Up over 7 d", _share(told.week_up, f"of {told.week_n}"), "markets with a week of candles"),
            stat("Above 7-day average", _share(told.above, f"of {told.average_n}"), "of hourly closes"),
            stat(
                "Fresh prices",
                _share(told.fresh, f"of {told.of}"),
                "not older than two intervals",
                note_tone="warn" if told.fresh < told.of else "",
            ),
        ],
        "breadth",
    )


def _share(count: int, of: str) -> list[Any]:
    return [f"{count} ", html.Small(of)]


def _change(share: float) -> html.Span:
    return html.Span(numbers.change(share), className=numbers.tone(share))


def _change_of(largest: str) -> html.Span:
    words = largest.partition(" ")[2]
    return html.Span(words, className="up" if words.startswith("+") else "down" if words else "")


def _bar(up: int, flat: int, down: int) -> html.Div:
    counts = {"u": up, "f": flat, "d": down}
    parts = [html.I(className=f"{kind} is-top", style={"flex": str(n)}) for kind, n in counts.items() if n]
    words = {"aria-label": f"{up} rose, {flat} stood still, {down} fell"}
    return html.Div(parts, className="prob-bar thin", role="img", **words)


def stale_strips(stale: dict[str, tuple[str, list[str]]]) -> list[Component]:
    """A strip for each exchange whose prices are old: {exchange: (age of the newest, symbols)}."""
    found: list[Component] = []
    for exchange, (age, symbols) in stale.items():
        named = _named(symbols)
        shows = "shows its last known price" if len(symbols) == 1 else "show their last known prices"
        words = [
            html.B(f"{venue(exchange)} is stale.", className="t1"),
            f" Last price {age} ago; {named} {shows}.",
        ]
        link = dcc.Link("Details", href="/data-quality", className="btn btn-ghost btn-sm")
        found.append(note_strip(html.Span(words), action=link))
    return found


def _named(symbols: list[str]) -> str:
    return ", ".join(symbols[:3]) + (f" and {len(symbols) - 3} more" if len(symbols) > 3 else "")


def lists_menu(name: str, chosen: int | None, lists: tuple[tuple[int, str], ...]) -> Component:
    """Which list is shown, and what can be done with lists; a dialog asks for names."""
    rows: list[Component] = [
        html.Button(
            [icon("check-lg") if key == chosen else html.I(className="icon"), title],
            className="item",
            **{"data-watch": "choose", "data-list": str(key)},
        )
        for key, title in lists
    ]
    rows += [html.Hr()] if rows else []
    rows.append(_item("plus-lg", "create", "New list"))
    rows.append(_item("pencil", "rename", "Rename this list"))
    rows += [_item("trash", "delete", "Delete this list")] if len(lists) > 1 else []
    button = html.Summary([name, icon("chevron-down", small=True)], className="btn btn-ghost btn-sm")
    return html.Details([button, html.Div(rows, className="menu")], className="drop watch-lists")


def _item(name: str, action: str, label: str) -> html.Button:
    return html.Button([icon(name), label], className="item", **{"data-watch": action})


def hits(found: list[Listed], *, may_follow: bool, words: str) -> list[Component]:
    """Markets to add, those that are stored first."""
    if not found:
        text = (
            f"No market is called “{words}”, nor a coin."
            if words
            else "No market is stored yet. Type to search the exchanges."
        )
        return [html.P(text, className="none t3")]
    return [_hit(one, may_follow) for one in found]


def _hit(one: Listed, may_follow: bool) -> Component:
    if one.on_list:
        told, off = [icon("check-lg", small=True), "On the list"], True
    elif one.stored:
        told, off = ["Add"], False
    elif may_follow:
        told, off = ["Follow and add"], False
    else:
        told, off = [icon("lock", small=True), "Analysts can follow it"], True
    badge = [simulated_badge(short=True)] if one.simulated else []
    return html.Button(
        [
            html.B(one.symbol),
            *([html.Span(one.coin, className="t3")] if one.coin else []),
            html.Span(one.exchange, className="t4"),
            *badge,
            html.Span(told, className="end t3 fs12"),
        ],
        className="it",
        disabled=off,
        **{"data-watch": "add", "data-market": one.path, "role": "option"},
    )
