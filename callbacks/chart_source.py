"""Where a chart's candles come from: the market's own exchange, or who serves in its place while that is silent."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dash import dcc
from dash.development.base_component import Component
from sqlalchemy.orm import Session

import market.candles
from callbacks.chart_view import Place
from core.timeframe import TIMEFRAMES
from db.queries import coin_names, markets, sources
from db.queries.sources import WORDS, StandIn
from layouts.components import stand_ins
from layouts.components.feedback import note_strip
from layouts.components.numbers import exact_moment
from layouts.components.venues import venue


def switched(session: Session, stands: Place) -> Place:
    """The place of the stand-in while one serves and has candles of the timeframe; else the place itself.

    The series stay apart: nothing of one exchange is ever drawn beside the other's.
    """
    serving = sources.stand_ins(session).get(stands.market.id)
    if serving is None:
        return stands
    possible = tuple(market.candles.timeframes(session, serving.stand_in_id))
    if stands.timeframe.name not in possible:
        return stands
    other = markets.by_id(session, serving.stand_in_id)
    series = markets.series_of(session, other.id)
    return Place(other, serving.name, series, possible, TIMEFRAMES[stands.timeframe.name], stands.name)


def charted(session: Session) -> list[dict[str, Any]]:
    """Every market that has a chart, for the search of the page."""
    rows = [row for row in markets.table(session) if row.series]
    coins = coin_names.of(session, {row.name.base for row in rows})
    return [
        {
            "path": row.name.path,
            "symbol": row.symbol,
            "coin": coins.get(row.name.base, ""),
            "exchange": row.exchange,
            "simulated": row.simulated,
        }
        for row in rows
    ]


def stand_in(session: Session, stands: Place) -> Any:
    """A strip while the exchange of a followed market is silent or served by another, None otherwise."""
    serving = sources.stand_ins(session).get(stands.market.id)
    if serving is not None:
        shown = switched(session, stands).market.id == serving.stand_in_id
        return note_strip(served(serving, shown=shown) + (" The chart goes back by itself." if shown else ""))
    health = sources.get(session, stands.name.exchange)
    if not stands.market.followed or health is None or health.state not in WORDS or health.state == "waiting":
        return None
    words = f"{stands.name.exchange} {WORDS[health.state]}: these are the candles it gave before. "
    other = _other(session, stands)
    if other is None:
        action = dcc.Link("Follow it on another exchange", href="/markets")
        return note_strip(words + f"No other exchange that answers has {stands.name.symbol} here.", action=action)
    action = dcc.Link(
        f"Show {other.symbol} of {other.exchange}", href=f"/charts/{other.name.path}?tf={stands.timeframe}"
    )
    return note_strip(words + f"{other.exchange} answers, and its series is kept apart.", action=action)


def served(serving: StandIn, *, shown: bool = True) -> str:
    """Who serves, why, since when, and what is not the same about it."""
    since, other = exact_moment(serving.since), venue(serving.name.exchange)
    words = f"{serving.reason[:1].upper()}{serving.reason[1:]}. "
    words += f"Since {since} {other} serves {serving.name.symbol} in its place"
    if not shown:
        return words + "; its candles are being fetched, these are older."
    if not serving.same_symbol:
        words += f": {serving.name.quote} is near {serving.own.quote}, but not the same price"
    return words + "."


def strips(serving: Iterable[StandIn], *, now: datetime, action: Any = None) -> list[Component]:
    """A strip for each exchange that is silent and each that serves in its place."""
    pairs: dict[tuple[str, str, str], list[StandIn]] = {}
    for one in serving:
        pairs.setdefault((one.own.exchange, one.name.exchange, one.reason), []).append(one)
    return [
        stand_ins.strip(
            reason,
            other,
            min(one.since for one in found),
            [(one.name.symbol, f"/charts/{one.own.path}") for one in found],
            now=now,
            action=action,
        )
        for (_, other, reason), found in pairs.items()
    ]


def _other(session: Session, stands: Place) -> markets.MarketRow | None:
    """The same symbol of an exchange that answers, followed ones first."""
    answers = {row.exchange for row in sources.all_of_them(session) if row.state == "ok"}
    same = [
        row
        for row in markets.table(session)
        if row.symbol == stands.name.symbol and row.exchange in answers and row.series and not row.simulated
    ]
    return min(same, key=lambda row: (not row.followed, row.exchange), default=None)
