"""The Predictions page: the board, one call in detail, test periods of series that have ended, what settled lately."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from dash import Input, Output, State, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from sqlalchemy.orm import Session

import db.engine
import db.queries.jobs
import db.queries.predictions
import db.queries.tallies
import db.queries.trained_models
from callbacks import prediction_detail
from callbacks.wiring import Wiring
from core import market_name
from core.clock import utc_now
from core.jobs import PREDICT_DUE
from core.market_name import MarketName
from db.queries.predictions import CallRow
from db.queries.tallies import Score
from db.queries.trained_models import CHAMPION, ModelRow
from layouts import ids
from layouts.components import call_table
from layouts.components.call_table import Call, Settled, Tested
from layouts.components.feedback import empty, headline, note_strip
from layouts.components.forms import button
from layouts.theme import read_look
from ml.card import SKILLED

LATELY = timedelta(hours=24)
SETTLED_SHOWN = 40
HONEST = "Every call is stored before its outcome exists and scored after it. Not financial advice."

wire = Wiring()


@wire(
    Output(ids.Predictions.SEEN, "data"),
    Output(ids.Predictions.HEADLINE, "children"),
    Output(ids.Predictions.BOARD, "children"),
    Output(ids.Predictions.DETAIL, "children"),
    Output(ids.Predictions.RAIL, "children"),
    Output(ids.Predictions.SETTLED, "children"),
    Input(ids.Predictions.TICK, "n_intervals"),
    Input(ids.Shell.LOCATION, "search"),
    Input(ids.Shell.LOOK, "data"),
    State(ids.Predictions.SEEN, "data"),
)
def follow(_ticks: int | None, search: str | None, look: dict[str, Any] | None, seen: Any) -> tuple[Any, ...]:
    """Draw all of the page when a call was made or settled, or a minute has passed."""
    now, (dark, updown) = utc_now(), read_look(look)
    with db.engine.session() as session:
        rows = db.queries.predictions.latest(session)
        lately = db.queries.predictions.settled_since(session, now - LATELY, limit=SETTLED_SHOWN)
        newest = [max((r.id for r in rows), default=0), max((r.id for r in lately), default=0), len(lately)]
        damaged = _damaged(session)
        models_count = db.queries.trained_models.count(session)
        stamp = [search, dark, updown, newest, models_count, damaged, now.strftime("%H:%M")]
        if stamp == seen:
            raise PreventUpdate
        models = {m.id: m for m in db.queries.trained_models.table(session)}
        calls = _calls(session, rows, models, now)
        tested = _tested(models.values(), {c.market_path for c in calls})
        chosen = _chosen(search, calls, tested)
        detail, rail = _detail(session, chosen, now=now, dark=dark, updown=updown)
    faults = [note_strip(f"No new calls. {sentence}", kind="bad") for sentence in damaged]
    if chosen is None:
        return stamp, [*faults, _nothing(models)], None, None, None, None
    return (
        stamp,
        [*faults, _finding(calls, tested)],
        _board(calls, tested, chosen, now),
        detail,
        rail,
        _settled(lately, now),
    )


def _damaged(session: Session) -> list[str]:
    """Why models are silent whose files are not whole: what the latest round of calls met."""
    rounds = db.queries.jobs.latest(session, name=PREDICT_DUE.name, limit=5)
    found = next((job.result for job in rounds if job.result is not None), {})
    return [str(sentence) for sentence in found.get("damaged", [])]


def _calls(session: Session, rows: list[CallRow], models: dict[int, ModelRow], now: datetime) -> list[Call]:
    """The board's rows: real markets before simulated ones, most evidence first."""
    scores: dict[tuple[int, int], Score] = {}
    for simulated in (False, True):
        found = db.queries.tallies.scorecard(session, simulated=simulated)
        scores |= {(s.model_id, s.market_id): s for s in found}
    calls = [_call(row, scores.get((row.model_id, row.market_id)), models[row.model_id], now) for row in rows]
    return sorted(calls, key=lambda c: (c.simulated, not c.skilled, -c.n, c.symbol))


def _call(row: CallRow, score: Score | None, model: ModelRow, now: datetime) -> Call:
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
        n=score.n if score else 0,
        right=score.right if score else 0,
        skilled=model.card["verdict"] == SKILLED,
    )


def _tested(models: Iterable[ModelRow], called: set[str]) -> list[Tested]:
    """Markets of champions that have no calls."""
    rows = []
    for model in models:
        for market in model.markets if model.state == CHAMPION else ():
            name = market_name.parse(market)
            if name.path not in called:
                rows.append(_test_row(model, name))
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
    """What the address names, else the first row."""
    query = parse_qs((search or "").lstrip("?"))
    wanted = tuple(query.get(word, [""])[0] for word in ("market", "tf", "model"))
    rows: list[Call | Tested] = [*calls, *tested]
    named = [r for r in rows if (r.market_path, r.timeframe, str(r.model_id)) == wanted]
    return (named or rows or [None])[0]  # type: ignore[list-item]


def _detail(session: Session, chosen: Call | Tested | None, **look: Any) -> prediction_detail.Drawn:
    if isinstance(chosen, Call):
        return prediction_detail.live(session, chosen, **look)
    if isinstance(chosen, Tested):
        return prediction_detail.period(session, chosen, **look)
    return [], []


def _nothing(models: dict[int, ModelRow]) -> Component:
    if models:
        words = "A model is there; its first call is made when the next candle of its markets closes."
        return empty("No call has been made yet", words, [button("See the model", href="/models", kind="primary")])
    words = "A call is what a model says about the next bars. Train a model first; it then calls every closed candle."
    return empty("No call has been made yet", words, [button("Go to models", href="/models", kind="primary")])


def _finding(calls: list[Call], tested: list[Tested]) -> Component:
    """How many models have shown skill; simulated ones count for nothing."""
    rows: list[Call | Tested] = [*calls, *tested]
    real = {(r.market_path, r.timeframe, r.skilled) for r in rows if not r.simulated}
    if not real:
        return headline(
            "All calls here are on simulated markets: they show how Bolt keeps score and prove nothing.", HONEST
        )
    skilled = sum(has for *_, has in real)
    markets = "market has" if len(real) == 1 else "markets have"
    if not skilled:
        return headline(f"None of {len(real)} {markets} a model with demonstrated skill so far.", HONEST)
    return headline(f"{skilled} of {len(real)} {markets} a model with demonstrated skill.", HONEST)


def _board(calls: list[Call], tested: list[Tested], chosen: Call | Tested, now: datetime) -> list[Component]:
    drawn: list[Component] = []
    if calls:
        drawn.append(call_table.board(calls, chosen=chosen if isinstance(chosen, Call) else None, now=now))
    if tested:
        head = [
            html.H2("Test periods"),
            html.Span(
                "markets without live calls: their series has ended, or the next candle is awaited",
                className="t3 fs12 m-hide",
            ),
        ]
        drawn.append(html.Div(head, className="pane-head"))
        drawn.append(call_table.tested(tested, chosen=chosen if isinstance(chosen, Tested) else None, now=now))
    return drawn


def _settled(rows: list[CallRow], now: datetime) -> list[Component]:
    known = [_settled_row(row) for row in rows]
    words = call_table.tally(known) if known else "none yet"
    head = html.Div(
        [html.H2("Settled in the last 24 h"), html.Span(words, className="t3 fs12 m-hide")], className="pane-head"
    )
    return [head, call_table.settled(known, now=now)] if known else [head]


def _settled_row(row: CallRow) -> Settled:
    assert row.outcome is not None and row.log_return is not None and row.log_loss is not None
    assert row.settled_at is not None
    return Settled(
        symbol=row.symbol,
        exchange=row.exchange,
        timeframe=row.timeframe,
        simulated=row.simulated,
        said=row.call,
        confidence=row.confidence,
        outcome=row.outcome,
        log_return=row.log_return,
        ambiguous=bool(row.ambiguous),
        log_loss=row.log_loss,
        settled_at=row.settled_at,
    )
