"""What stands beside the chart: the latest call on this market, and key figures."""

from datetime import datetime

from dash import html
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from callbacks.chart_view import Place
from core.clock import from_ms
from layouts.components.feedback import key_figures as pairs
from layouts.components.feedback import pane
from layouts.components.numbers import change, compact, moment, percent, price, tone
from market.key_figures import KeyFigures


def rail(session: Session, stands: Place, figures: KeyFigures | None, *, now: datetime) -> list[Component]:
    """Latest call first, then the figures."""
    return [figures_pane(stands, figures, now=now)] if figures else []


def figures_pane(stands: Place, figures: KeyFigures, *, now: datetime) -> Component:
    decimals = stands.market.price_decimals
    low, high = (price(value, decimals) for value in (figures.low_day, figures.high_day))
    first = min(row.first_ms for row in stands.series.values())
    source = "Demo exchange" if stands.market.simulated else stands.name.exchange.capitalize()
    return pane(
        "Key figures",
        pairs(
            [
                ("Last close", price(figures.last, decimals)),
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
