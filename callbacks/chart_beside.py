"""What is drawn with the candles: a market to compare with, past calls, and what is known of holes."""

from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

import db.queries.markets as markets
import db.queries.predictions as predictions
import market.candles
from callbacks.chart_view import Place, View
from core import ohlcv
from core.clock import from_ms, to_ms
from core.errors import NotFound
from core.ohlcv import Floats, Times
from core.timeframe import offset_of
from db.queries import chart_facts
from db.queries.predictions import CLASSES, CallRow
from layouts.components.price_chart import Against
from market.candles import Window

ABSTAINED = -1  # what a mark says of a call that was none
MOST_CALLS = 600


def compare(session: Session, view: View, stands: Place, window: Window) -> tuple[Against | None, str | None]:
    """(the market asked for beside the candles, why there is none)."""
    name = view.against
    if name is None or name == stands.name or not len(window.visible):
        return None, None
    try:
        other = markets.get(session, name)
        closes = _closes(session, other.id, stands.timeframe.name, window)
    except NotFound as missing:
        return None, missing.sentence
    if not np.isfinite(closes).any():
        return None, f"Nothing of {name} is stored for this span, so there is nothing to compare with here."
    return Against(name.path, name.symbol, name.exchange, other.simulated, other.price_decimals, closes), None


def _closes(session: Session, market_id: int, timeframe: str, window: Window) -> Floats:
    """Closes of another market in bars as long as those of the window, at their times; NaN where it has none."""
    times, step = window.visible.time, window.step_ms
    asked = {"start_ms": int(times[0]), "end_ms": int(times[-1]) + step - 1, "max_bars": 10_000}
    found = market.candles.window(session, market_id, timeframe, **asked)
    bars = found.visible
    if found.step_ms != step:
        bars = ohlcv.aggregate(bars, step, offset_of(step))
    return at_times(bars.time, bars.close, times)


def at_times(known: Times, values: Floats, wanted: Times) -> Floats:
    """The values at wanted times, float64 as long as `wanted`; NaN where there is none. `known` is sorted."""
    found = np.full(len(wanted), np.nan)
    if len(known):
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        same = known[place] == wanted
        found[same] = values[place[same]]
    return found


def marks(session: Session, stands: Place, window: Window, call: CallRow | None) -> list[list[Any]]:
    """Calls on the bars drawn, oldest first: [opening of the bar, class 0 … 2, probability, right 1, wrong 0,
    abstained -1, or None while it is open].

    Those of the model family and horizon whose newest call stands beside the chart; none where bars are longer than
    the timeframe.
    """
    if call is None or window.step_ms != stands.timeframe.ms or not len(window.visible):
        return []
    first, last = (from_ms(int(window.visible.time[k])) for k in (0, -1))
    found = predictions.history(
        session,
        stands.market.id,
        stands.timeframe.name,
        horizon=call.horizon,
        limit=MOST_CALLS,
        before=(last + timedelta(milliseconds=1), 0),
    )
    mine = [one for one in found if one.model == call.model and one.open_time >= first]
    return [_mark(one) for one in reversed(mine)]


def _mark(call: CallRow) -> list[Any]:
    place = CLASSES.index(call.call)
    right = ABSTAINED if call.abstained else None if call.right is None else int(call.right)
    return [to_ms(call.open_time), place, round(call.probabilities[place], 4), right]


def holes(session: Session, stands: Place, window: Window) -> list[list[Any]]:
    """Holes of the stored series in the span drawn: [first missing ms, end ms, state]."""
    if not len(window.visible):
        return []
    first, last = int(window.visible.time[0]), int(window.visible.time[-1]) + window.step_ms
    found = chart_facts.holes(session, stands.market.id, window.source, from_ms(first), from_ms(last))
    return [[to_ms(start), to_ms(end), state] for start, end, state in found]
