"""Where no page is."""

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components.feedback import empty, page_head

TITLE = "Page not found"


def layout(**_: str) -> Component:
    home = dcc.Link("Go to the overview", href="/", className="btn btn-primary")
    body = empty("There is no page at this address", "It may have been moved, or the address has a slip in it.", [home])
    return html.Div([page_head(TITLE), html.Div(body, className="pane-body roomy")], className="page")
