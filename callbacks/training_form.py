"""The form on the Models page that starts a training."""

from typing import Any

from dash import ALL, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate
from flask import current_app

import db.engine
import db.queries.jobs
import db.queries.markets
import market.candles
from callbacks import training_plan
from callbacks.guards import current_user_id, may, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core import disk_space
from core.clock import to_ms, utc_now
from core.errors import Refused
from core.jobs import TRAIN_MODEL
from core.roles import Role
from layouts import ids
from layouts.components.numbers import count
from layouts.components.training_form import train_button
from ml import config, training_outlook

FIRST = ("5m", 48)  # a demo machine's first training: calls settle within hours, barriers lie beyond the costs

wire = Wiring()


@wire(
    Output(ids.Models.ACTIONS, "children"),
    Output(ids.Models.MARKETS, "options"),
    Output(ids.Models.MARKETS, "value"),
    Output(ids.Models.TIMEFRAME, "value"),
    Output(ids.Models.HORIZON, "value"),
    Input(ids.Shell.LOCATION, "pathname"),
)
def offer(_path: str | None) -> tuple[Any, ...]:
    """The button for those who may train, and what they would most likely choose."""
    if not may(Role.ANALYST):
        return None, [], [], *FIRST
    with db.engine.session() as session:
        rows = db.queries.markets.table(session)
    train = train_button("Train new version", where="head", small=True)
    options = [
        {"label": f"{m.name}{' (simulated)' if m.simulated else ''}", "value": str(m.name)} for m in rows if m.series
    ]
    real = [m for m in rows if not m.simulated and m.series]
    if real:
        stored = "1h" if "1h" in real[0].series else next(iter(real[0].series))
        return train, options, [str(real[0].name)], stored, 24
    return train, options, [o["value"] for o in options[:1]], *FIRST


@wire(
    Output(ids.Models.FORM, "hidden"),
    Input({"type": ids.Models.TRAIN, "index": ALL}, "n_clicks"),
    Input(ids.Models.START, "n_clicks"),
    State(ids.Models.FORM, "hidden"),
    prevent_initial_call=True,
)
def open_form(clicks: list[int | None], _started: int | None, hidden: bool) -> bool:
    """The form opens and closes by its button, and closes when a training was asked for."""
    if ctx.triggered_id == ids.Models.START:
        return True
    if not any(clicks):
        raise PreventUpdate
    return not hidden


@wire(
    Output(ids.Models.HINT, "children"),
    Input(ids.Models.MARKETS, "value"),
    Input(ids.Models.TIMEFRAME, "value"),
    Input(ids.Models.HORIZON, "value"),
    Input(ids.Models.EPOCHS, "value"),
    Input(ids.Models.SEEDS, "value"),
)
def check(markets: list[str] | None, timeframe: str, horizon: Any, epochs: Any, seeds: Any) -> str:
    """What would stand in the way, before it is asked for."""
    try:
        asked = _asked(markets, timeframe, horizon, epochs, seeds)
    except Refused as refusal:
        return refusal.sentence
    if without := _without_candles(asked):
        return f"{', '.join(without)}: no candles of {timeframe} here, and no shorter ones to build them from."
    return f"Each market needs at least {count(asked.least_candles)} candles of {timeframe}."


@wire(
    Output(ids.Models.START, "n_clicks"),
    Input(ids.Models.START, "n_clicks"),
    State(ids.Models.MARKETS, "value"),
    State(ids.Models.TIMEFRAME, "value"),
    State(ids.Models.HORIZON, "value"),
    State(ids.Models.EPOCHS, "value"),
    State(ids.Models.SEEDS, "value"),
    State(ids.Models.SCHEME, "value"),
    State(ids.Models.COST, "value"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ANALYST)
def start(
    clicks: int | None,
    markets: list[str],
    timeframe: str,
    horizon: Any,
    epochs: Any,
    seeds: Any,
    scheme: str | None,
    cost: Any,
) -> Any:
    if not clicks:
        raise PreventUpdate
    more = training_plan.knobs(scheme, cost, horizon)
    asked = _asked(markets, timeframe, horizon, epochs, seeds, **more)
    with db.engine.session() as session:
        training_outlook.demand(training_outlook.look(session, asked, now_ms=to_ms(utc_now())), asked)
    disk_space.demand(current_app.extensions["bolt_settings"].models)
    args = {
        "markets": list(asked.markets),
        "timeframe": asked.timeframe,
        "horizon": asked.horizon,
        "epochs": asked.epochs,
        "seeds": len(asked.seeds),
        **more,
    }
    job_id = db.queries.jobs.submit(TRAIN_MODEL, args, owner_id=current_user_id(), dedupe=asked.work)
    with db.engine.session() as session:
        note(session, "training_asked", f"job {job_id}", family=asked.family, epochs=asked.epochs)
    say("Training asked for", "It runs in the background; you can leave this page.", kind="ok")
    return no_update


def _without_candles(asked: config.TrainingConfig) -> list[str]:
    """Markets that cannot be shown, so not learned, at this timeframe."""
    with db.engine.session() as session:
        stored = {str(m.name): m.id for m in db.queries.markets.table(session)}
        shown = {name: market.candles.timeframes(session, stored[name]) for name in asked.markets if name in stored}
    return [name for name in asked.markets if asked.timeframe not in shown.get(name, [])]


def _asked(
    markets: list[str] | None, timeframe: str, horizon: Any, epochs: Any, seeds: Any, **more: Any
) -> config.TrainingConfig:
    if not all(isinstance(n, int) for n in (horizon, epochs, seeds)):
        raise Refused("Horizon, epochs and seeds must be whole numbers.")
    if not isinstance(markets or (), list | tuple):
        raise Refused("Choose the markets from the list.")
    return config.TrainingConfig(
        tuple(markets or ()), timeframe, horizon, epochs=epochs, seeds=config.first_seeds(seeds), **more
    )
