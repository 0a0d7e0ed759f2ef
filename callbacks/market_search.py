"""Finding a market of any exchange, following it and letting it go."""

from typing import Any

from dash import ALL, Input, Output, State, ctx
from dash.exceptions import PreventUpdate
from flask import current_app

import core.market_name as market_name
import db.engine
import db.queries.coin_names as coin_names
import db.queries.jobs as jobs
import db.queries.listings as listings
import db.queries.markets as markets
from callbacks.guards import current_user_id, may, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.errors import Refused
from core.jobs import BACKFILL
from core.market_name import MarketName
from core.roles import Role
from layouts import ids
from layouts.components import market_search as search
from layouts.components.market_search import Found

PAGE = 50  # markets found that are shown at once
MOST = 2_000

wire = Wiring()


@wire(
    Output(ids.Markets.FOUND, "children"),
    Input(ids.Markets.FOLLOW_NAME, "value"),
    Input(ids.Markets.TAKEN, "data"),
    Input({"type": ids.Markets.MORE, "index": ALL}, "n_clicks"),
)
def draw_found(text: str | None, _taken: Any, _more: list[int | None]) -> Any:
    """Markets whose names hold what was typed, a page at a time; nothing while nothing was typed."""
    words = (text or "").replace("\x00", "").strip()[:60]
    if not words:
        return None
    shown = 0
    if isinstance(ctx.triggered_id, dict):
        if not any(one["value"] for one in ctx.triggered):
            raise PreventUpdate  # a button that was just drawn
        shown = min(MOST, int(ctx.triggered_id["index"]))
    exchanges = _exchanges()
    with db.engine.session() as session:
        total = listings.count(session, words)
        rows = listings.search(session, words, limit=shown + PAGE)
        named = coin_names.of(session, {row.name.base for row in rows})
    found = [
        Found(
            path=row.name.path,
            symbol=row.symbol,
            exchange=row.exchange,
            market_id=row.market_id,
            followed=row.followed,
            simulated=row.simulated,
            listed=row.listed,
            can_follow=row.exchange in exchanges and not row.simulated,
            coin=named.get(row.name.base, ""),
        )
        for row in rows
    ]
    return search.found_table(found, total, analyst=may(Role.ANALYST), words=words)


@wire(
    Output(ids.Markets.FOLLOW_NAME, "value"),
    Input(ids.Markets.FOLLOW, "n_clicks"),
    State(ids.Markets.FOLLOW_NAME, "value"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def follow_market(clicks: int | None, text: str | None) -> str:
    """Have the candles of a market fetched: those of the past once, new ones every minute."""
    if not clicks:
        raise PreventUpdate
    _follow(market_name.parse(text or ""), True)
    return ""


@wire(
    Output(ids.Markets.TAKEN, "data"),
    Input({"type": ids.Markets.TAKE, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def take_market(clicks: list[int | None]) -> str:
    """Follow a market that was found, or stop."""
    if not any(clicks) or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    exchange, _, symbol = str(ctx.triggered_id["index"]).partition("/")
    name = market_name.parse_path(exchange, symbol)
    with db.engine.session() as session:
        on = name not in {MarketName(one.exchange, one.symbol) for one in markets.followed(session)}
    _follow(name, on)
    return utc_now().isoformat()


@wire(Input({"type": ids.Markets.FOLLOWED, "index": ALL}, "n_clicks"), prevent_initial_call=True, changes=True)
@needs(Role.ANALYST)
def switch_followed(clicks: list[int | None]) -> None:
    """Follow a market that is stored, or stop."""
    if not any(clicks) or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    with db.engine.session() as session:
        market = markets.by_id(session, int(ctx.triggered_id["index"]))
        name, on = MarketName(market.exchange, market.symbol), not market.followed
    _follow(name, on)


def _follow(name: MarketName, on: bool) -> None:
    """Write it down, have the past fetched, say so."""
    known = _exchanges()
    if on and name.exchange not in known:
        raise Refused(f"Bolt asks {', '.join(known)} for candles, not {name.exchange}. Set EXCHANGES to change that.")
    with db.engine.session() as session:
        market_id = markets.get_or_create(session, name).id
        markets.set_followed(session, market_id, on)
        note(session, "market_followed" if on else "market_unfollowed", str(name))
    if on:
        dedupe = f"{BACKFILL.name}:{market_id}"
        jobs.submit(BACKFILL, {"market_id": market_id}, owner_id=current_user_id(), dedupe=dedupe)
        say(f"Following {name}", "Its candles are being fetched; the table below grows with them.")
    else:
        say(f"{name} is no longer followed", "Its candles stay.")


def _exchanges() -> tuple[str, ...]:
    found: tuple[str, ...] = current_app.extensions["bolt_settings"].exchanges
    return found
