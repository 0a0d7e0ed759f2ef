"""The Models page: trainings, versions, and the card of the version in the address (`?version=7`)."""

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components import schedule
from layouts.components.feedback import page_head, skeleton
from layouts.components.training_form import form

REFRESH_MS = 2_000


def layout(**_query: str) -> Component:
    """The page before anything is known; callbacks fill it."""
    return html.Div(
        [
            dcc.Interval(id=ids.Models.TICK, interval=REFRESH_MS),
            dcc.Store(id=ids.Models.SEEN),
            dcc.Store(id=ids.Models.LEAKS_SEEN),
            dcc.Store(id=ids.Models.CARE_SEEN),
            page_head("Models", end=[html.Div(id=ids.Models.ACTIONS)]),
            form(),
            html.Div(id=ids.Models.HEADLINE),
            html.Div(
                [
                    html.Div(
                        [
                            html.Section(id=ids.Models.RUNNING, className="pane running", **{"aria-label": "Training"}),
                            html.Section(skeleton(), id=ids.Models.SCORES, className="pane scores"),
                            html.Section(id=ids.Models.VERSIONS, className="pane", **{"aria-label": "Versions"}),
                            html.Section(
                                [
                                    html.Div(id=ids.Models.PAST, className="care"),
                                    html.Div(schedule.block(), id=ids.Models.PLAN, hidden=True),
                                ],
                                className="pane care-pane",
                                **{"aria-label": "Drift, rebuild, history, training again"},
                            ),
                        ],
                        className="colx",
                    ),
                    html.Aside(
                        [
                            html.Div(id=ids.Models.CARD),
                            html.Div(id=ids.Models.LEAKS),
                            html.Div(id=ids.Models.CARE),
                        ],
                        className="pane rail",
                        **{"aria-label": "Model card"},
                    ),
                ],
                className="panes detail models-grid",
            ),
        ],
        className="page models-page",
    )
