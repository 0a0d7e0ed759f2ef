"""What every Plotly figure has in common: the template of the theme, no legend, a name for screen readers."""

from typing import Any

import plotly.graph_objects as go
from dash import dcc, html
from dash.development.base_component import Component

from layouts.theme import CONFIG, template


def figure(*, dark: bool, updown: str, height: int | None = None, **layout: Any) -> go.Figure:
    """An empty figure in the theme; `layout` are Plotly's own words."""
    return go.Figure(layout={"template": template(dark, updown), "height": height, **layout})


def graph(id: Any, drawn: go.Figure | None = None, *, summary: str, height: int = 240) -> html.Div:  # noqa: A002
    """A place for a figure with its summary in words; Plotly is loaded only where one of these stands."""
    chart: Component = dcc.Graph(
        id=id,
        figure=drawn if drawn is not None else go.Figure(layout={"template": template(True)}),
        config=CONFIG,
        style={"height": "100%"},
        responsive=True,
    )
    return html.Div(
        [html.P(summary, className="visually-hidden"), chart],
        className="figure",
        style={"height": f"{height}px"},
        role="group",
        **{"aria-label": summary},
    )
