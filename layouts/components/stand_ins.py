"""Which exchange is silent, who serves in its place since when, and for which markets."""

from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components.feedback import note_strip
from layouts.components.numbers import moment
from layouts.components.venues import venue

BACK = {True: "It goes back by itself", False: "They go back by themselves"}
SHOWN = 6  # markets that are named; the others are counted


def strip(
    reason: str, exchange: str, since: datetime, charts: list[tuple[str, str]], *, now: datetime, action: Any = None
) -> Component:
    """One for each pair of exchanges. `charts` are (symbol of the stand-in, address of the chart it is shown in)."""
    named: list[Any] = []
    for symbol, href in charts[:SHOWN]:
        named += [", ", dcc.Link(symbol, href=href)]
    more = f" and {len(charts) - SHOWN} more" if len(charts) > SHOWN else ""
    words = [
        html.B(f"{reason[:1].upper()}{reason[1:]}.", className="t1"),
        f" Since {moment(since, now=now)} {venue(exchange)} stands in for it: ",
        *named[1:],
        f"{more}. {BACK[len(charts) == 1]}; the candles stay apart.",
    ]
    return note_strip(html.Span(words), action=action)
