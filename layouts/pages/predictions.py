"""The Predictions page: the latest calls, how they did, and one of them in detail (`?market=…&tf=…&model=…`)."""

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components.feedback import page_head, skeleton

REFRESH_MS = 5_000


def layout(**_query: str) -> Component:
    """The page before anything is known; callbacks fill it."""
    return html.Div(
        [
            dcc.Interval(id=ids.Predictions.TICK, interval=REFRESH_MS),
            dcc.Store(id=ids.Predictions.SEEN),
            page_head("Predictions", "Written down before their outcome exists, scored afterwards"),
            html.Div(id=ids.Predictions.HEADLINE),
            html.Section(
                html.Div(skeleton(), className="pane-body roomy"),
                id=ids.Predictions.BOARD,
                className="board",
                **{"aria-label": "Latest calls"},
            ),
            html.Div(
                [
                    html.Section(id=ids.Predictions.DETAIL, className="pane", **{"aria-label": "Past calls"}),
                    html.Aside(id=ids.Predictions.RAIL, className="pane rail", **{"aria-label": "Call and record"}),
                ],
                className="panes detail",
            ),
            html.Section(id=ids.Predictions.SETTLED, **{"aria-label": "Settled in the last 24 hours"}),
        ],
        className="page predictions-page",
    )
