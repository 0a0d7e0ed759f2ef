"""Series that broke, on the Data quality page: shown to everybody, decided by analysts and above."""

import re
from datetime import datetime
from typing import Any

from dash import ALL, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate
from sqlalchemy.orm import Session

import db.engine
import db.queries.breaks as breaks
import db.queries.coins as coins
import db.queries.jobs as jobs
import db.queries.markets as markets
from callbacks.data_quality import chart_at
from callbacks.guards import current_user_id, may, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.errors import Refused
from core.jobs import BACKFILL
from core.market_name import MarketName
from core.roles import Role
from db.tables import Market
from layouts import ids
from layouts.components import series_breaks as parts
from layouts.components.series_breaks import NEW, SAME, Broken, Compared

LISTED = 50
ASKED = re.compile(r"([0-9]{1,9})/(same|new)")

wire = Wiring()


@wire(
    Output(ids.DataQuality.BREAKS, "children"),
    Output(ids.DataQuality.PRICES, "children"),
    Input(ids.DataQuality.TICK, "n_intervals"),
    Input(ids.DataQuality.DECIDED, "data"),
)
def draw(_ticks: int | None, _decided: str | None) -> tuple[Any, Any]:
    """Breaks and price checks; nothing at all where there are none."""
    now = utc_now()
    with db.engine.session() as session:
        found, prices = broken(session), compared(session)
    return parts.breaks_pane(found, analyst=may(Role.ANALYST), now=now), parts.prices_pane(prices, now=now)


def broken(session: Session) -> list[Broken]:
    """Breaks that wait for a decision, then the newest."""
    return [
        Broken(
            market_id=row.market.id,
            symbol=row.market.symbol,
            exchange=row.market.exchange,
            timeframe=row.found.timeframe,
            href=chart_at(row.market, row.found.timeframe, row.found.old_last, 1),
            old_last=row.found.old_last,
            new_first=row.found.new_first,
            old_close=row.found.old_close,
            new_open=row.found.new_open,
            state=row.found.state,
            seen_at=row.found.seen_at,
            decided_at=row.found.decided_at,
        )
        for row in breaks.latest(session, limit=LISTED)
    ]


def compared(session: Session) -> list[Compared]:
    """Followed markets with their price beside CoinGecko's."""
    found, checks = [], coins.checks(session)
    for market in markets.followed(session):
        row = checks.get(market.id)
        if row is None:
            continue
        found.append(
            Compared(
                symbol=market.symbol,
                exchange=market.exchange,
                href=f"/charts/{MarketName(market.exchange, market.symbol).path}",
                coin=row.coin_id,
                ours=row.ours,
                theirs=row.theirs,
                difference=row.difference,
                flagged=row.flagged,
                decimals=market.price_decimals,
                at=row.checked_at,
            )
        )
    return found[:LISTED]


@wire(
    Output(ids.DataQuality.DIALOG, "is_open"),
    Output(ids.DataQuality.DIALOG_TEXT, "children"),
    Output(ids.DataQuality.ASKED, "data"),
    Output(ids.DataQuality.DECIDED, "data"),
    Input({"type": ids.DataQuality.DECIDE, "index": ALL}, "n_clicks"),
    Input(ids.DataQuality.DIALOG_YES, "n_clicks"),
    Input(ids.DataQuality.DIALOG_NO, "n_clicks"),
    State(ids.DataQuality.ASKED, "data"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def decide(_clicks: list[int | None], _yes: int | None, _no: int | None, asked: Any) -> tuple[Any, Any, Any, Any]:
    """The first click asks, the dialog's button decides."""
    if not ctx.triggered_id or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    if ctx.triggered_id == ids.DataQuality.DIALOG_NO:
        return False, no_update, None, no_update
    now = utc_now()
    if ctx.triggered_id == ids.DataQuality.DIALOG_YES:
        settle(*read(asked), now=now)
        return False, no_update, None, now.isoformat()
    told = str(ctx.triggered_id["index"])
    market_id, word = read(told)
    with db.engine.session() as session:
        name = named(markets.by_id(session, market_id))
    return True, parts.consequence(name, word), told, no_update


def read(asked: Any) -> tuple[int, str]:
    """(market id, word) of a button; raises Refused for anything a button never says."""
    found = ASKED.fullmatch(asked) if isinstance(asked, str) else None
    if found is None:
        raise Refused("Nothing was chosen. Reload the page and choose again.")
    return int(found[1]), found[2]


def settle(market_id: int, word: str, *, now: datetime) -> None:
    """Write the decision down, let the series go on, and say what became of it."""
    with db.engine.session() as session:
        name = named(markets.by_id(session, market_id))
        if word == SAME:
            breaks.join(session, market_id, now=now)
            goes_on, told = market_id, "It goes on; what is missing is being fetched."
            note(session, "series_joined", name)
        else:
            parted = breaks.part(session, market_id, now=now)
            goes_on, told = parted.market.id, f"It begins anew; the old candles are {parted.kept} now."
            if parted.stopped:
                told += f" No longer calling it: {', '.join(parted.stopped)}."
            note(session, "series_parted", name, kept_as=parted.kept, stopped=", ".join(parted.stopped))
    jobs.submit(BACKFILL, {"market_id": goes_on}, owner_id=current_user_id(), dedupe=f"{BACKFILL.name}:{goes_on}")
    say(f"{name}: {'a new coin' if word == NEW else 'one coin'}", told)


def named(market: Market) -> str:
    return str(MarketName(market.exchange, market.symbol))
