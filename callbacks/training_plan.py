"""What the form on the Models page says before a training starts: its size, and what a call would have to earn."""

from typing import Any

from dash import Input, Output
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

import db.engine
import db.queries.markets
import market.candles
from callbacks.guards import may
from callbacks.wiring import Wiring
from core import market_name, timeframe
from core.clock import to_ms, utc_now
from core.errors import BoltError, Refused
from core.roles import Role
from layouts import ids
from layouts.components import outlook
from layouts.components.outlook import Line
from layouts.components.training_form import FULL
from ml import config
from ml.outlook import LADDER, NEWEST, outlooks

wire = Wiring()


@wire(
    Output(ids.Models.EPOCHS, "value"),
    Output(ids.Models.SEEDS, "value"),
    Input(ids.Models.SCHEME, "value"),
    prevent_initial_call=True,
)
def size(scheme: str) -> tuple[int, int]:
    """Epochs and seeds as each kind of training usually has them; a person may change them."""
    if scheme == config.SINGLE:
        return config.EPOCHS, 1
    return config.EPOCHS if scheme == FULL else config.WALK_EPOCHS, config.FEW_SEEDS


@wire(
    Output(ids.Models.OUTLOOK, "children"),
    Input(ids.Models.MARKETS, "value"),
    Input(ids.Models.TIMEFRAME, "value"),
    Input(ids.Models.HORIZON, "value"),
    Input(ids.Models.COST, "value"),
)
def look_ahead(markets: list[str] | None, chosen: str, horizon: Any, cost: Any) -> list[Component]:
    """Barriers and break-even hit rates of the market whose barriers lie nearest, for some horizons."""
    if not may(Role.ANALYST):
        raise PreventUpdate
    if not markets or not isinstance(horizon, int) or not 1 <= horizon <= config.MAX_HORIZON or not _is_cost(cost):
        return []
    share = float(cost) / 100
    found = {name: lines for name in markets[: config.MAX_MARKETS] if (lines := _lines(name, chosen, horizon, share))}
    if not found:
        return []  # the line below the form says what is wrong

    def nearest(name: str) -> float:
        return next((line.barrier for line in found[name] if line.chosen), float("inf"))

    worst = min(found, key=nearest)
    step_s = timeframe.parse(chosen).ms / 1_000
    return outlook.draw(found[worst], market=worst.partition(":")[2], cost=share, step_s=step_s)


def _lines(name: str, chosen: str, horizon: int, cost: float) -> list[Line]:
    """What each horizon has to earn in a market; nothing where it has no such candles."""
    try:
        step = timeframe.parse(chosen)
        with db.engine.session() as session:
            found = db.queries.markets.get(session, market_name.parse(name))
            candles = market.candles.latest(session, found.id, step.name, NEWEST, now_ms=to_ms(utc_now()))
    except BoltError:
        return []
    return [
        Line(o.horizon, o.barrier, o.break_even, o.worth, o.horizon == horizon)
        for o in outlooks(candles, (*LADDER, horizon), step_ms=step.ms, span=config.SIGMA_SPAN, cost=cost)
    ]


def knobs(scheme: str | None, cost: Any, horizon: Any) -> dict[str, Any]:
    """What the form asks for beyond the least; empty for a quick look at the usual costs. Raises Refused."""
    more: dict[str, Any] = {}
    if cost is not None:
        if not _is_cost(cost):
            raise Refused("Costs of a round trip are 0 to 20 %.")
        more |= {"cost": float(cost) / 100} if round(float(cost) / 100, 6) != config.COST else {}
    if scheme in (None, config.SINGLE):
        return more
    if scheme == FULL:
        return more | {"scheme": config.ROLLING, "folds": config.FULL_FOLDS}
    stride = min(config.WALK_STRIDE, horizon) if isinstance(horizon, int) and horizon > 0 else 1
    return more | {"scheme": scheme, "folds": config.WALK_FOLDS, "stride": stride}


def _is_cost(cost: Any) -> bool:
    return isinstance(cost, int | float) and 0 <= cost <= 20
