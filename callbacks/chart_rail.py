"""What stands beside the chart: the latest call on this market, and key figures."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component
from sqlalchemy.orm import Session

import db.queries.predictions as predictions
import market.candles
from callbacks.chart_view import Place
from callbacks.overview_frame import last_ticks
from core.clock import from_ms, to_ms
from core.timeframe import TIMEFRAMES
from db.queries.predictions import CallRow
from db.queries.watch_figures import spans as spans_of
from layouts.components.call_table import WHY
from layouts.components.feedback import key_figures as pairs
from layouts.components.feedback import pane, simulated_badge
from layouts.components.numbers import ago, change, compact, moment, percent, points, price, tone, until, whole_percents
from layouts.components.probability import call as said
from layouts.components.probability import leading, probability_panel
from market.key_figures import KeyFigures
from market.summary import Point, choose_timeframes, newest_of


@dataclass(frozen=True, slots=True)
class Basis:
    """What key figures are counted from: candles of a timeframe up to the newest that has closed."""

    timeframe: str
    closed: datetime


def latest_call(session: Session, stands: Place) -> CallRow | None:
    """The newest call on this market: one at the timeframe shown before any other."""
    calls = predictions.latest(session, market_id=stands.market.id)
    here = [one for one in calls if one.timeframe == stands.timeframe.name]
    return max(here or calls, key=lambda one: one.made_at, default=None)


def last_price(session: Session, stands: Place) -> float:
    """What was paid last: the last tick, or the close of the newest candle stored."""
    spans = spans_of(session, [stands.market.id])[stands.market.id]
    frame = TIMEFRAMES[choose_timeframes(spans)[0]]
    newest = market.candles.latest(session, stands.market.id, frame.name, 1)
    closed = Point(int(newest.time[-1]) + frame.ms, float(newest.close[-1]))
    name = f"{stands.market.exchange}:{stands.market.symbol}"
    return newest_of(closed, last_ticks([name]).get(name) if stands.market.followed else None).price


def forecast(call: CallRow | None, stands: Place) -> dict[str, Any] | None:
    """A call to draw right of the newest candle: shares, barriers as prices, when it settles; None once it has."""
    if call is None or call.timeframe != stands.timeframe.name or to_ms(call.due_at) <= stands.end_ms:
        return None
    entry = call.entry or call.close
    return {
        "shares": list(call.probabilities),
        "percents": whole_percents(list(call.probabilities)),
        "abstains": call.abstained,
        "upper": entry * call.upper_factor,
        "lower": entry * call.lower_factor,
        "due": to_ms(call.due_at),
        "horizon": call.horizon,
    }


def rail(session: Session, stands: Place, figures: KeyFigures, *, basis: Basis, now: datetime) -> list[Component]:
    """Latest call first, then the figures."""
    call = latest_call(session, stands)
    decimals = stands.market.price_decimals
    first = call_pane(call, decimals, now=now) if call else no_call()
    return [first, figures_pane(stands, figures, basis=basis, now=now)]


def no_call() -> Component:
    body = [
        html.P("No model has called this market yet.", className="t3 fs12"),
        dcc.Link("See models", href="/models", className="fs12"),
    ]
    return pane("Latest call", body)


def call_pane(call: CallRow, decimals: int | None, *, now: datetime) -> Component:
    """Three probabilities, how sure, when it settles, and what it means."""
    top = leading(call.probabilities)
    edge = points(call.probabilities[top] - call.base_rates[top], 0)
    entry, why = call.entry or call.close, WHY.get(call.abstain_reason or "", "")
    facts: list[tuple[Any, Any]] = [
        ("Call", said(None if call.abstained else call.call)),
        ("Confidence", f"{percent(call.confidence)}, {edge} on its base rate"),
        ("Bullish from", price(entry * call.upper_factor, decimals)),
        ("Bearish from", price(entry * call.lower_factor, decimals)),
        ("Settles", f"{moment(call.due_at, now=now)}, {_left(call, now)}"),
        ("Model", f"{call.model} v{call.version}"),
    ]
    body = [
        probability_panel(call.probabilities, base_rates=call.base_rates, abstains=call.abstained),
        html.P(f"{why} Notches: base rates of the training data.".strip(), className="t4 fs11 notches"),
        pairs(facts),
        dcc.Link("All calls", href="/predictions", className="fs12"),
    ]
    end = html.Span(ago(call.made_at, now=now), className="t3 fs12")
    return pane(f"Latest call, {call.horizon} × {call.timeframe}", body, end=[_badge(call), end])


def _badge(call: CallRow) -> Component | None:
    return simulated_badge(short=True) if call.simulated else None


def _left(call: CallRow, now: datetime) -> str:
    if call.right is not None:
        return "abstained" if call.abstained else "right" if call.right else "wrong"
    left = until(call.due_at, now=now)
    return left if left == "due" else f"in {left}"


def figures_pane(stands: Place, figures: KeyFigures, *, basis: Basis, now: datetime) -> Component:
    """Range, changes, volume and volatility of the newest closed candles; the live price is in the chart."""
    decimals = stands.market.price_decimals
    low, high = (price(value, decimals) for value in (figures.low_day, figures.high_day))
    first = min(row.first_ms for row in stands.series.values())
    source = "Demo exchange" if stands.market.simulated else stands.name.exchange.capitalize()
    return pane(
        "Key figures",
        pairs(
            [
                (f"Last {basis.timeframe} close, {moment(basis.closed, now=now)}", price(figures.last, decimals)),
                ("24 h range", f"{low} – {high}" if figures.low_day is not None else price(None)),
                ("Change, 24 h", _changed(figures.change_day)),
                ("Change, 7 d", _changed(figures.change_week)),
                (f"Volume, 24 h, {stands.name.base}", compact(figures.volume_day)),
                ("Volatility, 30 d", _yearly(figures.volatility)),
                ("Candles since", moment(from_ms(first), now=now)),
                ("Source", source),
            ]
        ),
    )


def _changed(share: float | None) -> Component:
    return html.Span(change(share), className=tone(share))


def _yearly(share: float | None) -> str:
    return percent(share) if share is None else f"{percent(share)} a year"
