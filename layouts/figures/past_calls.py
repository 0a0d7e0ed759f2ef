"""Candles with a lane of past calls under them: filled circle right, cross wrong, dash abstained, ring open.

The lane has three lines, bullish on top, neutral, bearish. Where a call is open its barriers are drawn to the right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.clock import from_ms
from core.ohlcv import Candles
from layouts.components.probability import CLASSES, WORDS
from layouts.theme import Palette, palette, rgba, template

LANE = 0.26  # share of the height
DAY_MS = 86_400_000
TICKS = [  # one line each: the date under an hour, as Plotly writes it by itself, would be cut off
    {"dtickrange": [None, DAY_MS // 4], "value": "%H:%M"},
    {"dtickrange": [DAY_MS // 4, DAY_MS - 1], "value": "%-d %b %H:%M"},
    {"dtickrange": [DAY_MS, "M1"], "value": "%-d %b"},
    {"dtickrange": ["M1", None], "value": "%b %Y"},
]


@dataclass(frozen=True, slots=True)
class Mark:
    """A call at the candle that opens at `time_ms`. Classes 0 bearish, 1 neutral, 2 bullish; outcome None: open.

    `revised`: words for candles under the outcome that were revised later.
    """

    time_ms: int
    call: int
    confidence: float
    outcome: int | None
    abstained: bool = False
    revised: str = ""

    @property
    def kind(self) -> str:
        """right, wrong, abstained or open."""
        if self.outcome is None:
            return "open"
        return "abstained" if self.abstained else "right" if self.outcome == self.call else "wrong"


@dataclass(frozen=True, slots=True)
class Zone:
    """The open call's barriers as prices, and the moment it is settled, ms."""

    from_ms: int
    until_ms: int
    upper: float
    lower: float


def draw(
    candles: Candles,
    marks: Sequence[Mark],
    *,
    zone: Zone | None = None,
    dark: bool = True,
    updown: str = "teal-vermillion",
) -> go.Figure:
    """`candles` of the same timeframe as the calls; marks outside their span are left out by the axis."""
    colours = palette(dark, updown)
    figure = go.Figure(layout={"template": template(dark, updown), "uirevision": "calls"})
    figure.add_trace(_candles(candles, colours))
    for name, look in (
        ("right", {"symbol": "circle", "color": colours.accent}),
        ("wrong", {"symbol": "x-thin", "color": colours.text_2}),
        ("abstained", {"symbol": "line-ew", "color": colours.text_3}),
        ("open", {"symbol": "circle-open", "color": colours.text_3}),
    ):
        if chosen := [m for m in marks if m.kind == name]:
            figure.add_trace(_lane(name, chosen, look))
    if zone is not None:
        _barriers(figure, zone, colours)
    _axes(figure, colours)
    return figure


def _candles(candles: Candles, colours: Palette) -> go.Candlestick:
    return go.Candlestick(
        x=[from_ms(int(t)) for t in candles.time],
        open=candles.open,
        high=candles.high,
        low=candles.low,
        close=candles.close,
        increasing={"line": {"color": colours.up_fill, "width": 1}, "fillcolor": colours.surface_1},
        decreasing={"line": {"color": colours.down_fill, "width": 1}, "fillcolor": colours.down_fill},
        whiskerwidth=0,
        name="",
        yaxis="y",
    )


def _lane(name: str, marks: Sequence[Mark], look: dict[str, str]) -> go.Scatter:
    return go.Scatter(
        x=[from_ms(m.time_ms) for m in marks],
        y=[m.call for m in marks],
        mode="markers",
        name=name,
        marker={**look, "size": 8, "line": {"width": 1.6, "color": look["color"]}},
        customdata=[
            [
                WORDS[CLASSES[m.call]],
                round(100 * m.confidence),
                _happened(m),
            ]
            for m in marks
        ],
        hovertemplate="said %{customdata[0]} %{customdata[1]}%, happened: %{customdata[2]}<extra></extra>",
        yaxis="y2",
    )


def _happened(mark: Mark) -> str:
    if mark.outcome is None:
        return "open"
    word = WORDS[CLASSES[mark.outcome]]
    return f"{word} ({mark.revised})" if mark.revised else word


def _barriers(figure: go.Figure, zone: Zone, colours: Palette) -> None:
    start, end = from_ms(zone.from_ms), from_ms(zone.until_ms)
    shade = {"fillcolor": rgba(colours.text_4, 0.07), "line": {"width": 0}, "layer": "below"}
    figure.add_shape(type="rect", x0=start, x1=end, y0=0, y1=1, xref="x", yref="y domain", **shade)
    for level, word, anchor in ((zone.upper, "Bullish above", "bottom"), (zone.lower, "Bearish below", "top")):
        line = {"color": colours.text_3, "width": 1, "dash": "dash"}
        figure.add_shape(type="line", x0=start, x1=end, y0=level, y1=level, yref="y", line=line)
        figure.add_annotation(
            x=end, y=level, yref="y", text=word, showarrow=False, xanchor="right", yanchor=anchor,
            font={"color": colours.text_3},
        )  # fmt: skip


def _axes(figure: go.Figure, colours: Palette) -> None:
    figure.update_xaxes(rangeslider_visible=False, anchor="y2", tickformatstops=TICKS)
    figure.update_layout(
        yaxis={"domain": [LANE + 0.04, 1], "fixedrange": False, "tickformat": ","},
        yaxis2={
            "domain": [0, LANE],
            "range": [-0.6, 2.6],
            "tickvals": [0, 1, 2],
            "ticktext": [WORDS[name] for name in CLASSES],
            "side": "right",
            "fixedrange": True,
            "gridcolor": colours.chart_grid,
            "zeroline": False,
        },
        hovermode="closest",
    )
