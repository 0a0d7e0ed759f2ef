"""Reliability: how often calls were right, against how sure they were; the diagonal is perfect calibration."""

from collections.abc import Sequence
from math import sqrt

import plotly.graph_objects as go

from layouts.theme import palette, template
from ml.power import wilson


def draw(bins: Sequence[tuple[float, float, int]], *, dark: bool = True, updown: str = "teal-vermillion") -> go.Figure:
    """`bins` are (mean confidence, share right, number of calls), shares as fractions of 1."""
    colours = palette(dark, updown)
    filled = [(c, r, n) for c, r, n in bins if n]
    said = [100 * c for c, _, _ in filled]
    happened = [100 * r for _, r, _ in filled]
    spans = [wilson(r, n) for _, r, n in filled]
    low, high = _span([*said, *happened])
    figure = go.Figure(layout={"template": template(dark, updown), "hovermode": "closest"})
    figure.add_scatter(x=[low, high], y=[low, high], mode="lines", hoverinfo="skip",
                       line={"color": colours.text_4, "width": 1, "dash": "dash"})  # fmt: skip
    figure.add_scatter(
        x=said,
        y=happened,
        mode="lines+markers",
        line={"color": colours.accent, "width": 1.25},
        marker={"color": colours.accent, "size": [5 + min(7, sqrt(n) / 6) for _, _, n in filled]},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [100 * b - y for (_, b), y in zip(spans, happened, strict=True)],
            "arrayminus": [y - 100 * a for (a, _), y in zip(spans, happened, strict=True)],
            "color": colours.no_skill,
            "width": 0,
            "thickness": 1.5,
        },
        customdata=[n for _, _, n in filled],
        hovertemplate="said %{x:.0f}%, right %{y:.0f}% of %{customdata} calls<extra></extra>",
    )
    figure.update_xaxes(
        range=[low, high], ticksuffix="%", nticks=6, title={"text": "said", "standoff": 4}, showspikes=False
    )
    figure.update_yaxes(
        range=[low, high], ticksuffix="%", nticks=6, side="left", title={"text": "right", "standoff": 4}
    )
    figure.update_layout(margin={"l": 48, "r": 16, "t": 8, "b": 40})
    return figure


def _span(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 30.0, 60.0
    return max(0.0, min(values) - 8), min(100.0, max(values) + 8)
