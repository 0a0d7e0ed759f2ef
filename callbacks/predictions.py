"""The Predictions page: the board, one call in detail, test periods of series that have ended, what settled lately."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

from dash import Input, Output, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import current_app
from sqlalchemy.orm import Session

import db.engine
import db.queries.audit
import db.queries.markets
import db.queries.predictions
import db.queries.scorecards
import db.queries.settled_calls
import db.queries.trained_models
from callbacks import prediction_board, prediction_detail, prediction_rows
from callbacks.prediction_board import HONEST
from callbacks.wiring import Wiring
from core import market_name
from core.clock import utc_now
from core.market_name import MarketName
from db.queries.markets import MarketRow
from db.queries.predictions import CallRow
from db.queries.trained_models import CHAMPION, ModelRow
from layouts import ids
from layouts.components import numbers, settled_list
from layouts.components.call_table import Call, Tested
from layouts.components.feedback import headline, note_strip, simulated_badge
from layouts.components.forms import button
from layouts.components.icons import icon
from layouts.components.probability import evidence
from layouts.components.settled_list import Tally
from layouts.theme import read_look
from ml.card import SKILLED
from ml.scorecard import Scorecard

LATELY = timedelta(hours=24)
NOTICE = timedelta(days=3)  # a demotion is told this long
SETTLED_SHOWN = 40

wire = Wiring()


@wire(
    Output(ids.Predictions.SEEN, "data"),
    Output(ids.Predictions.HEADLINE, "children"),
    Output(ids.Predictions.BOARD, "children"),
    Output(ids.Predictions.DETAIL, "children"),
    Output(ids.Predictions.RAIL, "children"),
    Output(ids.Predictions.JUDGED, "children"),
    Output(ids.Predictions.SETTLED, "children"),
    Input(ids.Predictions.TICK, "n_intervals"),
    Input(ids.Shell.LOCATION, "search"),
    Input(ids.Shell.LOOK, "data"),
    State(ids.Predictions.SEEN, "data"),
)
def follow(_ticks: int | None, search: str | None, look: dict[str, Any] | None, seen: Any) -> tuple[Any, ...]:
    """Draw all of the page when a call was made or settled, or a minute has passed.

    Without a market in the address it is the board of all of them, with one that market in detail.
    """
    now, (dark, updown) = utc_now(), read_look(look)
    with db.engine.session() as session:
        rows = db.queries.predictions.latest(session)
        lately = db.queries.predictions.settled_since(session, now - LATELY, limit=SETTLED_SHOWN)
        newest = [max((r.id for r in rows), default=0), max((r.id for r in lately), default=0), len(lately)]
        met = prediction_rows.last_round(session)
        damaged = [str(sentence) for sentence in met.get("damaged", [])]
        refused = prediction_rows.refusals(met)
        models_count = db.queries.trained_models.count(session)
        stamp = [search, dark, updown, newest, models_count, damaged, refused, now.strftime("%H:%M")]
        if stamp == seen:
            raise PreventUpdate
        models = {m.id: m for m in db.queries.trained_models.table(session)}
        markets = {m.id: m for m in db.queries.markets.table(session)}
        calls = _noted(_calls(session, rows, models, now), markets.values(), refused)
        tested = _tested(models.values(), {c.market_path for c in calls}, refused, now)
        champion = any(m.state == CHAMPION for m in models.values())
        shown = {c.market_path for c in calls} | {t.market_path for t in tested}
        silent = prediction_rows.uncalled(markets.values(), shown, refused, stand_in=champion)
        chosen = _chosen(search, calls, tested)
        detail, rail, judged = _detail(session, chosen, now=now, dark=dark, updown=updown)
        notices = _notices(session, now)
        counted = _counted(session, now) if chosen is None else []
    faults = [note_strip(f"No new calls. {sentence}", kind="bad") for sentence in damaged]
    if not calls and not tested:
        nothing = [*faults, *notices, prediction_board.nothing(models)]
        return stamp, nothing, prediction_board.board([], [], silent, "", now) or None, None, None, None, None
    if chosen is not None:
        return stamp, [*faults, *_verdict(chosen)], None, detail, rail, judged, None
    board = prediction_board.board(calls, tested, silent, _wanted(search, "show"), now)
    said = prediction_board.finding(calls, tested)
    return stamp, [*faults, *notices, said], board, None, None, None, prediction_board.settled(lately, counted, now)


def _counted(session: Session, now: datetime) -> list[Component]:
    """How the calls that settled in the last day came out, real and simulated ones apart."""
    wanted = db.queries.settled_calls.Wanted(since=now - LATELY)
    real, simulated = (Tally(**db.queries.settled_calls.tally(session, wanted, simulated=s)) for s in (False, True))
    return settled_list.counts(real, simulated)


def _notices(session: Session, now: datetime) -> list[Component]:
    """Champions that were demoted lately: something nobody on the page did."""
    since = db.queries.audit.Wanted(action="champion_demoted", since=now - NOTICE)
    return [
        note_strip(
            f"{event.object} was demoted to unproven {numbers.ago(event.at, now=now)}. {event.detail['because']}"
        )
        for event in db.queries.audit.page(session, since, limit=3)
    ]


def _verdict(chosen: Call | Tested) -> list[Component]:
    """What the detail opens with: back to the board, the market, and the finding in one sentence."""
    arrow = [icon("arrow-left"), html.Span("All markets", className="visually-hidden")]
    back = dcc.Link(arrow, href="/predictions", className="btn btn-ghost btn-icon btn-sm", title="All markets")
    name = f"{chosen.symbol} on {chosen.exchange}, {chosen.timeframe}, {chosen.horizon} bars ahead"
    words: list[Any] = [html.B(name, className="fs13"), html.Span(chosen.model, className="mono t3 fs12")]
    if isinstance(chosen, Call):
        words.append(evidence(chosen.level, settled=chosen.n))
    badges = [simulated_badge()] if chosen.simulated else []
    chart = button("Open chart", href=f"/charts/{chosen.market_path}?tf={chosen.timeframe}", small=True)
    listed = urlencode({"market": chosen.market_path, "model": chosen.model_id})
    settled = button("Settled calls", href=f"{prediction_board.ALL_SETTLED}?{listed}", small=True)
    bar = html.Div([back, *words, *badges, html.Div([settled, chart], className="end acts")], className="detail-bar")
    if isinstance(chosen, Tested):
        return [bar, headline("Nothing to call: this is how it did in its test period.", HONEST)]
    if chosen.card is None:
        told = "No call of this model in this market has settled yet."
        return [bar, headline(told, f"The first one settles at {numbers.exact_moment(chosen.due_at)}. {HONEST}")]
    more = " On a simulated market: it proves nothing about a real one." if chosen.simulated else ""
    return [bar, headline(chosen.card.finding, f"{chosen.card.detail}{more}{_too_good(chosen.card)}")]


def _too_good(card: Scorecard) -> str:
    """A record no liquid market allows asks for a look at the leak report."""
    far = card.level is not None and ((card.model.hit_rate or 0) > 0.6 or (card.model.mcc or 0) > 0.2)
    return " Better than is plausible: treat it as a leak until its model's leak report clears it." if far else ""


def _noted(calls: list[Call], markets: Iterable[MarketRow], refused: dict[str, str]) -> list[Call]:
    """The calls, each with the reason why no newer one stands in its place."""
    known = {market.name.path: market for market in markets}
    return [replace(c, note=_why(c, known.get(c.market_path), refused)) for c in calls]


def _why(call: Call, market: MarketRow | None, refused: dict[str, str]) -> str:
    if told := refused.get(f"{call.exchange}:{call.symbol} {call.timeframe}"):
        return told
    return prediction_rows.no_newer(market, call.timeframe) if call.stale else ""


def _stale_days(model: ModelRow, now: datetime) -> int | None:
    most = current_app.extensions["bolt_settings"].model_max_age_days
    return prediction_rows.stale_days(model.created_at, now=now, most=most)


def _calls(session: Session, rows: list[CallRow], models: dict[int, ModelRow], now: datetime) -> list[Call]:
    """The board's rows: real markets before simulated ones, most evidence first."""
    cards = {(r.model_id, r.market_id): Scorecard.from_dict(r.card) for r in db.queries.scorecards.records(session)}
    calls = [_call(row, cards.get((row.model_id, row.market_id)), models[row.model_id], now) for row in rows]
    return sorted(calls, key=lambda c: (c.simulated, -(c.level if c.level is not None else -1), -c.n, c.symbol))


def _call(row: CallRow, card: Scorecard | None, model: ModelRow, now: datetime) -> Call:
    return Call(
        market_path=MarketName(row.exchange, row.symbol).path,
        exchange=row.exchange,
        symbol=row.symbol,
        timeframe=row.timeframe,
        horizon=row.horizon,
        simulated=row.simulated,
        model_id=row.model_id,
        model=f"h{row.horizon} v{row.version}",
        said=row.call,
        probabilities=row.probabilities,
        base_rates=row.base_rates,
        made_at=row.made_at,
        due_at=row.due_at,
        stale=row.due_at <= now,
        proven=model.proven,
        abstained=row.abstained,
        why=row.abstain_reason or "",
        card=card,
        stale_days=_stale_days(model, now),
    )


def _tested(models: Iterable[ModelRow], called: set[str], refused: dict[str, str], now: datetime) -> list[Tested]:
    """Markets of champions that have no calls."""
    rows = []
    for model in models:
        for market in model.markets if model.state == CHAMPION else ():
            name = market_name.parse(market)
            if name.path not in called:
                note = refused.get(f"{name} {model.timeframe}", "")
                rows.append(replace(_test_row(model, name), note=note, stale_days=_stale_days(model, now)))
    return sorted(rows, key=lambda t: (t.simulated, t.symbol))


def _test_row(model: ModelRow, name: MarketName) -> Tested:
    metrics = model.card["metrics"]
    low, high = metrics["accuracy_interval"]
    return Tested(
        market_path=name.path,
        exchange=name.exchange,
        symbol=name.symbol,
        simulated=model.simulated,
        model_id=model.id,
        model=f"h{model.horizon} v{model.version}",
        timeframe=model.timeframe,
        horizon=model.horizon,
        closed_at=prediction_detail.end_of(model.card, str(name), model.timeframe),
        n=metrics["n"],
        accuracy=metrics["accuracy"],
        interval=(low, high),
        best=max(b["metrics"]["accuracy"] for b in model.card["baselines"]),
        skilled=model.card["verdict"] == SKILLED,
    )


def _chosen(search: str | None, calls: list[Call], tested: list[Tested]) -> Call | Tested | None:
    """What the address names; None for the board."""
    wanted = tuple(_wanted(search, word) for word in ("market", "tf", "model"))
    rows: list[Call | Tested] = [*calls, *tested]
    return next((r for r in rows if (r.market_path, r.timeframe, str(r.model_id)) == wanted), None)


def _wanted(search: str | None, word: str) -> str:
    return parse_qs((search or "").lstrip("?")).get(word, [""])[0]


def _detail(session: Session, chosen: Call | Tested | None, **look: Any) -> prediction_detail.Drawn:
    if isinstance(chosen, Call):
        return prediction_detail.live(session, chosen, **look)
    if isinstance(chosen, Tested):
        return prediction_detail.period(session, chosen, **look)
    return [], [], []
