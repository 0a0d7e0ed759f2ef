"""The form on the Models page that starts a training."""

from typing import Any

from dash import ALL, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate
from flask import current_app

import db.engine
import db.queries.jobs
import db.queries.markets
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
from core.timeframe import TIMEFRAMES
from db.queries.markets import MarketRow
from layouts import ids
from layouts.components.numbers import count
from layouts.components.training_form import CLOSE, train_button
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
        return train, options, [str(real[0].name)], *_usual(real[0], 24)
    first = next((m for m in rows if m.series), None)
    if first is None or _enough(first, *FIRST):
        return train, options, [o["value"] for o in options[:1]], *FIRST
    return train, options, [str(first.name)], *_usual(first, FIRST[1])


def _usual(market: MarketRow, horizon: int) -> tuple[str, int]:
    """1h where it is stored, else the shortest timeframe with enough candles, else the one with most of them."""
    stored = sorted(market.series, key=lambda name: TIMEFRAMES[name].ms)
    if "1h" in stored:
        return "1h", horizon
    most = max(stored, key=lambda name: market.series[name].rows)
    return next((name for name in stored if _enough(market, name, horizon)), most), horizon


def _enough(market: MarketRow, timeframe: str, horizon: int) -> bool:
    """Whether as many candles are stored as a quick look needs."""
    stored = market.series.get(timeframe)
    least = config.TrainingConfig((str(market.name),), timeframe, horizon).least_candles
    return stored is not None and stored.rows >= least


@wire(
    Output(ids.Models.FORM, "hidden"),
    Input({"type": ids.Models.TRAIN, "index": ALL}, "n_clicks"),
    Input(ids.Models.START, "n_clicks"),
    prevent_initial_call=True,
)
def open_form(clicks: list[int | None], _started: int | None) -> bool:
    """Hidden or not: each of its buttons opens the form but the one that closes it; asking for a training does too."""
    pressed = ctx.triggered_id
    if pressed == ids.Models.START:
        return True
    if not any(clicks) or not isinstance(pressed, dict):
        raise PreventUpdate
    return bool(pressed["index"] == CLOSE)


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
    held = _held(asked)
    if without := [name for name, n in held.items() if n is None]:
        return f"{', '.join(without)}: no candles of {timeframe} here, and no shorter ones to build them from."
    told = ", ".join(f"{name.partition(':')[2]} has {count(n)}" for name, n in held.items())
    needs = f"Each market needs at least {count(asked.least_candles)} candles of {timeframe}; stored: {told}."
    few = any(n is not None and n < asked.least_candles for n in held.values())
    return f"{needs} Choose a shorter timeframe or horizon, or import more." if few else needs


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


def _held(asked: config.TrainingConfig) -> dict[str, int | None]:
    """Candles of this timeframe in each market, stored or to be built; None where it has none it can be built of."""
    with db.engine.session() as session:
        stored = {str(m.name): m.series for m in db.queries.markets.table(session)}
    found: dict[str, int | None] = {}
    for name in asked.markets:
        fitting = [s for s in stored.get(name, {}).values() if TIMEFRAMES[s.timeframe].divides(asked.step)]
        source = max(fitting, key=lambda s: TIMEFRAMES[s.timeframe].ms, default=None)
        found[name] = source.rows * TIMEFRAMES[source.timeframe].ms // asked.step.ms if source else None
    return found


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
