"""The Overview page: how the market did, the watch-list, the latest calls. `assets/67-overview.js` draws the list."""

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components.feedback import skeleton
from layouts.components.forms import button, confirm, field
from layouts.components.icons import icon

REFRESH_MS = 10_000


def layout(**_query: str) -> Component:
    """The page before anything is known; callbacks fill it."""
    return html.Div(
        [
            dcc.Interval(id=ids.Overview.TICK, interval=REFRESH_MS),
            dcc.Store(id=ids.Overview.FRAME),
            dcc.Store(id=ids.Overview.DO),
            dcc.Store(id=ids.Overview.DONE),
            _head(),
            html.Div(id=ids.Overview.HEAD),
            html.Section(
                [
                    html.Div(id=ids.Overview.TABLE, className="watch"),
                    html.Div(skeleton(8), className="pane-body roomy watch-wait"),
                ],
                className="watch-pane",
                **{"aria-label": "Watch-list"},
            ),
            html.Section(id=ids.Overview.CALLS, className="watch-calls", **{"aria-label": "Latest calls"}),
            _add_dialog(),
            *_list_dialogs(),
        ],
        className="page overview-page",
    )


def _head() -> html.Div:
    add = html.Button(
        [icon("plus-lg", small=True), "Add market"],
        className="btn btn-secondary btn-sm watch-only",
        **{"data-watch": "open-add"},
    )
    lists = html.Div(id=ids.Overview.LISTS, className="watch-only")
    return html.Div([html.H1("Overview"), lists, html.Div(add, className="end")], className="page-head")


def _add_dialog() -> html.Dialog:
    query = dcc.Input(
        id=ids.Overview.QUERY, type="text", placeholder="Market to add, such as BTC/USDT", autoComplete="off"
    )
    found = html.Div(id=ids.Overview.FOUND, className="results", role="listbox", **{"aria-label": "Markets"})
    label = {"aria-label": "Add a market to the watch-list"}
    return html.Dialog([query, found], id=ids.Overview.ADD, className="floating palette", **label)


def _list_dialogs() -> tuple[Component, Component]:
    """A name for a list, and what is lost with one; `assets/68-overview-acts.js` opens and answers them."""
    name = dcc.Input(id=ids.Overview.NAME, type="text", value="", maxLength=60, autoComplete="off", className="w-100")
    return (
        confirm(
            ids.Overview.NAMING,
            "Name of the list",
            field("Name", name, hint="As you want to see it in the menu of lists."),
            yes=button("Save name", id=ids.Overview.NAME_YES, kind="primary"),
            no=button("Cancel", id=ids.Overview.NAME_NO),
        ),
        confirm(
            ids.Overview.DELETING,
            "Delete this watch-list",
            "The list and its order are lost. Its markets and their candles stay.",
            yes=button("Delete list", id=ids.Overview.DELETE_YES, kind="danger"),
            no=button("Keep it", id=ids.Overview.DELETE_NO),
        ),
    )
