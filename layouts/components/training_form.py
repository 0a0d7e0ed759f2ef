"""The form that starts a training."""

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from core.timeframe import TIMEFRAMES
from layouts import ids
from layouts.components.forms import button, field, segments

FULL = "full"
CLOSE = "close"  # of the buttons that open the form, the one that does not
SCHEMES = [("Quick look", "single"), ("Walk-forward", "rolling"), ("Full walk-forward", FULL)]
ABOUT = (
    "A quick look tests once, on the newest candles. A walk-forward trains and tests step by step through time: "
    "a promotion needs it."
)


def form() -> html.Section:
    """Hidden until the person asks for it; options are filled by a callback."""
    timeframes = segments(ids.Models.TIMEFRAME, [(name, name) for name in TIMEFRAMES], "1h", label="Timeframe")
    scheme = segments(ids.Models.SCHEME, SCHEMES, "single", label="How it is trained and tested")
    fields = [
        html.Div(
            field("Markets", _markets(), hint="Several are learned together, on one time axis."), className="wide"
        ),
        html.Div(field("Timeframe", timeframes, hint="Length of a bar."), className="wide"),
        field("Horizon, bars", _number(ids.Models.HORIZON, 12, 1, 288), hint="How far a call looks ahead."),
        field("Costs, % a round trip", _share(ids.Models.COST, 0.2), hint="Fees and spread, there and back."),
        html.Div(field("Trained and tested", scheme, hint=ABOUT), className="wide"),
        field("Epochs at most", _number(ids.Models.EPOCHS, 60, 1, 1_000), hint="Stops earlier by itself."),
        field("Seeds", _number(ids.Models.SEEDS, 1, 1, 20), hint="Fewer than 5 are a quick look."),
    ]
    start = button("Start training", id=ids.Models.START, kind="primary")
    close = button("Close", id={"type": ids.Models.TRAIN, "index": CLOSE}, kind="ghost")
    hint = html.Span(id=ids.Models.HINT, className="t3 fs12", role="status")
    foot = html.Div([start, close, hint], className="form-foot")
    return html.Section(
        [
            html.Div(html.H2("Train a new version"), className="pane-head"),
            html.Div(
                [html.Div(fields, className="fields"), html.Div(id=ids.Models.OUTLOOK, className="outlook"), foot],
                className="pane-body",
            ),
        ],
        id=ids.Models.FORM,
        className="pane train-form",
        hidden=True,
        **{"aria-label": "Train a new version"},
    )


def train_button(text: str, *, where: str, small: bool = False) -> Component:
    """Opens the form; there may be several, told apart by `where`."""
    return button(text, id={"type": ids.Models.TRAIN, "index": where}, kind="primary", small=small)


def _markets() -> dcc.Dropdown:
    return dcc.Dropdown(id=ids.Models.MARKETS, multi=True, placeholder="Choose markets")


def _share(control: str, value: float) -> Component:
    return dbc.Input(id=control, type="number", value=value, min=0, max=20, step=0.01)


def _number(control: str, value: int, low: int, high: int) -> Component:
    return dbc.Input(id=control, type="number", value=value, min=low, max=high, step=1)
