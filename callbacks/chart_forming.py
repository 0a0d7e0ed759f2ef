"""Indicators at the bar that still forms: the browser asks every few seconds while somebody looks at it.

What goes out is drawn and forgotten: nothing here is stored, and nothing but the chart has it.
"""

import json
import math
from typing import Any

from dash import Input, Output, State
from dash.exceptions import PreventUpdate
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

import core.job_queue
import db.engine
import market.candles
from callbacks import chart_view
from callbacks.chart_keep import filled
from callbacks.chart_source import switched
from callbacks.chart_view import Place, View
from callbacks.wiring import Wiring
from core import ticks
from core.clock import utc_now
from core.errors import NotFound, Refused
from layouts import ids
from market.indicators.unfinished import Values, able, back, read_bar, unfinished

UNKNOWN_VOLUME = "ticks"  # the source of bars that are made of prices alone
DIGITS = 12

wire = Wiring()
wire.clientside("charts.formed", Input(ids.Charts.FORMED, "data"))


@wire(
    Output(ids.Charts.FORMED, "data"),
    Input(ids.Charts.FORMING, "data"),
    State(ids.Charts.VIEW, "data"),
    prevent_initial_call=True,
)
def tell(asked: Any, raw: Any) -> dict[str, Any]:
    """{"n": of the question, "key", "ind", "time": of the bar, "after": of the one before, "values", "steps"}.

    Values by line as the frame names it, "ema:20/ema"; without a bar that fits the stored candles there are none.
    """
    if not isinstance(asked, dict) or not isinstance(asked.get("n"), int):
        raise PreventUpdate
    with db.engine.session() as session:
        view = chart_view.read(filled(session, raw), now=utc_now())
        try:
            place = chart_view.place(session, view)
            stands = switched(session, place) if place else None
            told = values(session, view, stands) if stands else {}
        except (NotFound, Refused):  # a tick that does not fit is no fault of who looks; the next one will
            told = {}
    return {"n": asked["n"], **told}


def values(session: Session, view: View, stands: Place) -> dict[str, Any]:
    """What the chart draws at the forming bar of the last tick; nothing where there is none.

    Raises Refused where the bar is not the one after the newest closed candle, or cannot be.
    """
    name, step = stands.timeframe.name, stands.timeframe.ms
    tick = last_tick(f"{stands.name.exchange}:{stands.name.symbol}")
    chosen = able(view.drawn, volume_known=tick.get("source") != UNKNOWN_VOLUME)
    if not tick or not chosen:
        return {}
    closed = market.candles.latest(session, stands.market.id, name, back(chosen, step))
    if not len(closed):
        return {}
    bars = tick.get("bars")
    bar = read_bar(bars.get(name) if isinstance(bars, dict) else None, int(closed.time[-1]), stands.timeframe)
    found = unfinished(closed, bar, chosen)
    return {
        "key": f"{stands.shown.path}@{name}",
        "ind": view.words,
        "time": int(bar.time[0]),
        "after": int(closed.time[-1]),
        "values": _by_line(found.values),
        "steps": _by_line(found.steps),
    }


def last_tick(name: str) -> dict[str, Any]:
    """The last tick of a market, `exchange:symbol`; empty where there is none or Redis does not answer."""
    try:
        told = ticks.last(core.job_queue.redis(), [name])
    except (RedisError, RuntimeError):
        return {}
    found = json.loads(told[0].text) if told else {}
    return found if isinstance(found, dict) else {}


def _by_line(found: Values) -> dict[str, float]:
    """Under the ids of the frame's lines, without those that have no value."""
    return {
        f"{key}/{name}": float(f"{value:.{DIGITS}g}")
        for key, outputs in found.items()
        for name, value in outputs.items()
        if math.isfinite(value)
    }
