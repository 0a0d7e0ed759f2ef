"""The Overview page: what a person watches, how it did, and what models say of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import Input, Output
from dash.exceptions import PreventUpdate
from flask import current_app
from sqlalchemy.orm import Session

import db.engine
import db.queries.predictions as predictions
import db.queries.tallies as tallies
from callbacks import overview_start
from callbacks.errors import explain
from callbacks.guards import current_user_id, may, needs, preference
from callbacks.overview_change import change
from callbacks.overview_frame import Worth, frame, last_ticks, serving_strips, worth
from callbacks.wiring import Wiring
from core import currencies
from core.clock import to_ms, utc_now
from core.errors import BoltError
from core.jobs import BACKFILL
from core.market_name import MarketName
from core.roles import Role
from core.settings import Settings
from db.queries import coin_names, coins, jobs, listings, sources, trained_models, watchlists
from db.queries.predictions import CallRow
from db.queries.sources import StandIn
from db.queries.watch_figures import markets_of
from layouts import ids
from layouts.components import watchlist, watchlist_start
from layouts.components.numbers import age, ago
from layouts.components.numbers import change as change_text
from layouts.components.watchlist import Listed
from layouts.components.watchlist_calls import Card, cards
from market import summary, watch
from market.watch import Watched
from ml.card import SKILLED

FOUND = 12  # markets the dialog lists
SHOWN_CALLS = 4

wire = Wiring()
wire.clientside("overview.draw", Output(ids.Overview.TABLE, "data-rows"), Input(ids.Overview.FRAME, "data"))
wire.clientside("overview.answered", Input(ids.Overview.DONE, "data"))


@wire(
    Output(ids.Overview.FRAME, "data"),
    Output(ids.Overview.LISTS, "children"),
    Output(ids.Overview.HEAD, "children"),
    Output(ids.Overview.CALLS, "children"),
    Input(ids.Overview.TICK, "n_intervals"),
    Input(ids.Overview.DONE, "data"),
)
def show(_ticks: int | None, _done: Any) -> tuple[Any, Any, Any, Any]:
    """The list with its figures; a desk or list without markets says how to begin."""
    now, user_id = utc_now(), current_user_id()
    with db.engine.session() as session:
        shown = watchlists.shown(session, user_id)
        menu = watchlist.lists_menu(shown.name, shown.id, shown.lists)
        serving = sources.stand_ins(session)
        rows = read(session, shown.market_ids, serving, now=now)
        if not rows:
            told = overview_start.read(session, _settings(), may_follow=may(Role.ANALYST))
            return frame([], shown, {}, {}, serving={}, now=now, unit=Worth()), menu, watchlist_start.start(told), None
        calls = [row for row in predictions.latest(session) if row.due_at > now]
        known = coins.caps(session, {row.market.symbol.partition("/")[0] for row in rows})
        wanted = currencies.named(preference("currency"))
        unit = worth(wanted, coins.rate(session, wanted.code), now=now)
        found = _cards(session, calls, now=now)
    return (
        frame(rows, shown, by_market(calls), known, serving=serving, now=now, unit=unit),
        menu,
        [*_finding(rows), *serving_strips(rows, serving, now=now), *watchlist.stale_strips(stale(rows, now=now))],
        cards(found),
    )


@wire(Output(ids.Overview.DONE, "data"), Input(ids.Overview.DO, "data"), prevent_initial_call=True, changes=True)
@needs(Role.VIEWER)
def act(wish: dict[str, Any] | None) -> Any:
    """Add, remove, move, sort, undo; make, choose, rename and delete lists.

    A refusal is an answer too: the page then shows the list as it is, and its next act may leave.
    """
    if not isinstance(wish, dict):
        raise PreventUpdate
    try:
        with db.engine.session() as session:
            fetch = change(session, current_user_id(), wish, exchanges=_settings().exchanges)
    except BoltError as refused:
        explain(refused)
        return wish.get("n")
    if fetch is not None:
        dedupe = f"{BACKFILL.name}:{fetch}"
        jobs.submit(BACKFILL, {"market_id": fetch}, owner_id=current_user_id(), dedupe=dedupe)
    return wish.get("n")


@wire(
    Output(ids.Overview.FOUND, "children"),
    Input(ids.Overview.QUERY, "value"),
    Input(ids.Overview.DONE, "data"),
)
def find(text: str | None, _done: Any) -> Any:
    """Markets to add: stored ones, and those the exchanges of the settings list."""
    words = (text or "").replace("\x00", "").strip()[:60]
    with db.engine.session() as session:
        watched = watchlists.shown(session, current_user_id()).market_ids
        rows = listings.search(session, words, limit=FOUND)
        named = coin_names.of(session, {row.name.base for row in rows})
    exchanges = _settings().exchanges
    found = [
        Listed(
            row.name.path,
            row.symbol,
            row.exchange,
            row.simulated,
            stored=row.market_id is not None,
            on_list=row.market_id in watched,
            coin=named.get(row.name.base, ""),
        )
        for row in rows
        if row.market_id is not None or row.exchange in exchanges
    ]
    return watchlist.hits(found, may_follow=may(Role.ANALYST), words=words)


def read(
    session: Session, market_ids: Sequence[int], serving: Mapping[int, StandIn], *, now: datetime
) -> list[Watched]:
    """The figures of these markets, or of those that serve in their place, with the last ticks there are."""
    others = {key: serving[key].stand_in_id for key in market_ids if key in serving}
    markets = markets_of(session, [*market_ids, *others.values()]).values()
    told = last_ticks([f"{m.exchange}:{m.symbol}" for m in markets if m.followed])
    return watch.read(session, market_ids, now_ms=to_ms(now), ticks=told, serving=others)


def by_market(calls: Sequence[CallRow]) -> dict[int, CallRow]:
    """The call that was made last for each market."""
    return {row.market_id: row for row in sorted(calls, key=lambda row: (row.made_at, row.id))}


def stale(rows: Sequence[Watched], *, now: datetime) -> dict[str, tuple[str, list[str]]]:
    """Followed markets whose price is old, by exchange: (age of the newest of them, symbols)."""
    found: dict[str, tuple[float, list[str]]] = {}
    for row in rows:
        if row.figures is None or not row.figures.stale or not row.market.followed:
            continue
        seconds = (to_ms(now) - row.figures.last.at_ms) / 1_000
        least, symbols = found.get(row.shown.exchange, (seconds, []))
        found[row.shown.exchange] = (min(least, seconds), [*symbols, row.shown.symbol])
    return {exchange: (age(seconds), symbols) for exchange, (seconds, symbols) in found.items()}


def _finding(rows: Sequence[Watched]) -> list[Any]:
    """The sentence and the strip, of real markets where there are any."""
    real = [row for row in rows if not row.market.simulated] or rows
    known = [row for row in real if row.figures is not None]
    told = summary.breadth([row.figures for row in known if row.figures is not None])
    largest = ""
    if told is not None:
        row = known[told.largest]
        largest = f"{row.market.symbol} {change_text(row.figures.changes['day'] if row.figures else None)}"
    simulated = all(row.market.simulated for row in rows)
    return [watchlist.finding(told, simulated=simulated), watchlist.figures(told, largest)]


def _cards(session: Session, calls: Sequence[CallRow], *, now: datetime) -> list[Card]:
    """The newest calls, on real markets first."""
    newest = sorted(calls, key=lambda row: (row.simulated, -row.made_at.timestamp(), row.symbol))[:SHOWN_CALLS]
    if not newest:
        return []
    models = {model.id: model for model in trained_models.table(session)}
    settled = {
        (score.model_id, score.market_id): score.n
        for simulated in {row.simulated for row in newest}
        for score in tallies.scorecard(session, simulated=simulated)
    }
    return [
        Card(
            market_path=MarketName(row.exchange, row.symbol).path,
            symbol=row.symbol,
            timeframe=row.timeframe,
            horizon=row.horizon,
            model_id=row.model_id,
            simulated=row.simulated,
            said=row.call,
            probabilities=row.probabilities,
            base_rates=row.base_rates,
            made=ago(row.made_at, now=now),
            settled=settled.get((row.model_id, row.market_id), 0),
            skilled=models[row.model_id].card["verdict"] == SKILLED,
        )
        for row in newest
    ]


def _settings() -> Settings:
    settings: Settings = current_app.extensions["bolt_settings"]
    return settings
