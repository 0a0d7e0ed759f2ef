"""When a family of models is trained again: shown to everybody, changed by analysts."""

import dash_bootstrap_components as dbc
from dash import dcc, html

from layouts import ids
from layouts.components.forms import button, field

PRESETS = (("Weekly", "0 3 * * 0"), ("Monthly", "0 3 1 * *"))
HINT = "minute, hour, day of month, month, day of week; empty for never"


def block() -> html.Div:
    """The block of the rail; a callback fills it and says what follows."""
    cron = dbc.Input(id=ids.Models.CRON, type="text", placeholder="0 3 * * 0", debounce=False, maxlength=60)
    parts = [
        dcc.Store(id=ids.Models.PLAN_FAMILY),
        html.Div(
            [
                field("Schedule, UTC", cron, hint=HINT),
                button("Save schedule", id=ids.Models.PLAN_SAVE, small=True),
                dbc.Checkbox(id=ids.Models.ON_DRIFT, label="Also once after a demotion", value=False),
            ],
            className="schedule",
        ),
        html.Div(id=ids.Models.PLAN_HINT, className="t3 fs12 lead-in", role="status"),
    ]
    head = html.Div(html.H2("Training again"), className="pane-head")
    return html.Div([head, html.Div(parts, className="pane-body")], className="block")
