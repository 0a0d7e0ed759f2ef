"""The Predictions page: the latest calls, how they did, and one of them in detail (`?market=…&tf=…&model=…`)."""

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components import settled_list
from layouts.components.feedback import empty, page_head, skeleton
from layouts.components.forms import button

REFRESH_MS = 5_000
SETTLED = "settled"


def layout(part: str | None = None, **query: str) -> Component:
    """The page before anything is known; callbacks fill it. `part` is `settled`, or nothing."""
    if part == SETTLED:
        return settled_list.layout(**query)
    if part is not None:
        back = [button("See all predictions", href="/predictions", kind="primary")]
        missing = empty("There is no page at this address", "It may have been moved, or has a slip in it.", back)
        return html.Div([page_head("Page not found"), html.Div(missing, className="pane-body roomy")], className="page")
    return html.Div(
        [
            dcc.Interval(id=ids.Predictions.TICK, interval=REFRESH_MS),
            dcc.Store(id=ids.Predictions.SEEN),
            dcc.Store(id=ids.Predictions.MOVED_SEEN),
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
                    html.Aside(
                        [
                            html.Div(id=ids.Predictions.RAIL),
                            html.Div(id=ids.Predictions.MOVED),
                            html.Div(id=ids.Predictions.JUDGED),
                        ],
                        className="pane rail",
                        **{"aria-label": "Call and record"},
                    ),
                ],
                className="panes detail",
            ),
            html.Section(id=ids.Predictions.SETTLED, **{"aria-label": "Settled in the last 24 hours"}),
        ],
        className="page predictions-page",
    )
