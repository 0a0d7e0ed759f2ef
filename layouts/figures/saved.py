"""Log loss saved against base rates, summed call by call: above zero a model adds information, below it costs some."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.clock import from_ms
from layouts.theme import palette, rgba, template


def draw(
    time_ms: Sequence[int], nats: Sequence[float], *, skill: bool, dark: bool = True, updown: str = "teal-vermillion"
) -> go.Figure:
    """`nats`: running sum after the call on the candle that opened at `time_ms`. Accent only where there is `skill`."""
    colours = palette(dark, updown)
    line = colours.accent if skill else colours.no_skill
    figure = go.Figure(layout={"template": template(dark, updown), "uirevision": "saved"})
    figure.add_scatter(
        x=[from_ms(ms) for ms in time_ms],
        y=list(nats),
        mode="lines",
        line={"color": line, "width": 1.5, "shape": "hv"},
        fill="tozeroy",
        fillcolor=rgba(line, 0.08),
        hovertemplate="%{y:+.3f} nats<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": colours.text_3, "width": 1})
    figure.update_yaxes(nticks=5)
    return figure
