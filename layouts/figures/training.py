"""Loss by epoch: validation in the accent, training grey, base rates dashed, epochs to come shaded."""

from collections.abc import Sequence

import plotly.graph_objects as go

from layouts.components.numbers import fixed
from layouts.theme import palette, rgba, template


def draw(
    losses: Sequence[float],
    val_losses: Sequence[float],
    *,
    baseline: float | None = None,
    best_epoch: int | None = None,
    epochs: int | None = None,
    others: Sequence[Sequence[float]] = (),
    dark: bool = True,
    updown: str = "teal-vermillion",
) -> go.Figure:
    """Curves of one seed in nats, one value an epoch from the first on.

    `others` are validation losses of further seeds, drawn thin; `epochs` shades what is still to come.
    """
    colours, done = palette(dark, updown), len(val_losses)
    figure = go.Figure(layout={"template": template(dark, updown), "uirevision": "loss"})
    axis = list(range(1, done + 1))
    for run in others:
        figure.add_scatter(x=list(range(1, len(run) + 1)), y=list(run), mode="lines", hoverinfo="skip",
                           line={"color": colours.text_4, "width": 0.8, "dash": "dot"})  # fmt: skip
    figure.add_scatter(x=axis, y=list(losses), mode="lines+markers" if done < 3 else "lines", name="training",
                       line={"color": colours.text_4, "width": 1.25}, hovertemplate="%{y:.4f}")  # fmt: skip
    figure.add_scatter(x=axis, y=list(val_losses), mode="lines+markers" if done < 3 else "lines", name="validation",
                       line={"color": colours.accent, "width": 1.75}, hovertemplate="%{y:.4f}")  # fmt: skip
    if done:
        above = 10 if losses[-1] > val_losses[-1] else -10  # names of lines that end close together stay apart
        _name(figure, done, losses[-1], "training", colours.text_3, above)
        _name(figure, done, val_losses[-1], "validation", colours.accent, -above)
    if baseline is not None:
        _baseline(figure, baseline, colours.text_3)
    if best_epoch and best_epoch <= done:
        _best(figure, best_epoch, val_losses[best_epoch - 1], colours.text_3, colours.border_line)
    last = max(epochs or 0, done, 2)
    if epochs and epochs > done:
        figure.add_vrect(x0=max(done, 1), x1=last, fillcolor=rgba(colours.text_4, 0.07), line_width=0, layer="below")
    figure.update_xaxes(
        range=[0.7, last + 0.3],
        tickvals=list(range(1, last + 1, max(1, round(last / 6)))),
        showspikes=False,
    )
    shown = [*losses, *val_losses, *([baseline] if baseline is not None else [])]
    figure.update_yaxes(tickformat=_decimals(shown), nticks=6)
    return figure


def _decimals(values: Sequence[float]) -> str:
    """As many as tell six ticks apart."""
    spread = max(values, default=1.0) - min(values, default=0.0)
    return ".1f" if spread > 0.6 else ".2f" if spread > 0.06 else ".3f"


def _name(figure: go.Figure, x: float, y: float, text: str, colour: str, shift: int) -> None:
    figure.add_annotation(x=x, y=y, text=text, showarrow=False, xanchor="right", yshift=shift, font={"color": colour})


def _baseline(figure: go.Figure, value: float, colour: str) -> None:
    figure.add_hline(y=value, line={"color": colour, "width": 1.25, "dash": "dash"})
    figure.add_annotation(xref="paper", x=0, y=value, text=f"base rates {fixed(value, 4)}", showarrow=False,
                          xanchor="left", xshift=4, yanchor="bottom", font={"color": colour})  # fmt: skip


def _best(figure: go.Figure, epoch: int, value: float, colour: str, line: str) -> None:
    figure.add_vline(x=epoch, line={"color": line, "width": 1})
    figure.add_annotation(x=epoch, yref="paper", y=1, text=f"best, epoch {epoch}: {fixed(value, 4)}", showarrow=False,
                          xanchor="right" if epoch > 3 else "left", xshift=-6 if epoch > 3 else 6, yanchor="top",
                          font={"color": colour})  # fmt: skip
