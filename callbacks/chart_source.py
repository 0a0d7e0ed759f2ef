"""Where a chart's candles come from, and what else could be looked at while that exchange is silent."""

from typing import Any

from dash import dcc
from sqlalchemy.orm import Session

from callbacks.chart_view import Place
from db.queries import markets, sources
from layouts.components.feedback import note_strip

SILENT = {"down": "does not answer", "blocked": "refuses this address"}


def stand_in(session: Session, stands: Place) -> Any:
    """A strip while the exchange of a followed market is silent, None otherwise.

    It offers the same symbol of an exchange that answers. The series stay apart: no candle changes its exchange.
    """
    health = sources.get(session, stands.name.exchange)
    if not stands.market.followed or health is None or health.state not in SILENT:
        return None
    words = f"{stands.name.exchange} {SILENT[health.state]}: these are the candles it gave before. "
    other = _other(session, stands)
    if other is None:
        action = dcc.Link("Follow it on another exchange", href="/markets")
        return note_strip(words + f"No other exchange that answers has {stands.name.symbol} here.", action=action)
    action = dcc.Link(
        f"Show {other.symbol} of {other.exchange}", href=f"/charts/{other.name.path}?tf={stands.timeframe}"
    )
    return note_strip(words + f"{other.exchange} answers, and its series is kept apart.", action=action)


def _other(session: Session, stands: Place) -> markets.MarketRow | None:
    """The same symbol of an exchange that answers, followed ones first."""
    answers = {row.exchange for row in sources.all_of_them(session) if row.state == "ok"}
    same = [
        row
        for row in markets.table(session)
        if row.symbol == stands.name.symbol and row.exchange in answers and row.series and not row.simulated
    ]
    return min(same, key=lambda row: (not row.followed, row.exchange), default=None)
