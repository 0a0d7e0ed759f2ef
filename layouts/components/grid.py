"""Long tables that are searched, sorted and paged on the server: AG Grid with rows on demand."""

from dataclasses import dataclass, field
from typing import Any

import dash_ag_grid as dag
from dash import dcc, html
from dash.development.base_component import Component

BLOCK = 50  # rows fetched at once


@dataclass(frozen=True, slots=True)
class Cell:
    """A column: the rows' `key`, its title, and how wide it is. `rules` maps classes to AG Grid expressions.

    A `wide` one is left out on phones (`assets/66-admin.js`).
    """

    key: str
    title: str
    flex: int = 0
    least: int = 100
    number: bool = False
    sort: bool = True
    words: str = ""
    wide: bool = False
    rules: dict[str, str] = field(default_factory=dict)


def grid(id: str, cells: tuple[Cell, ...], *, height: str, chosen: bool = True) -> Component:  # noqa: A002
    """Answers come from a callback on `getRowsRequest`; rows need an `id`.

    With `chosen` one row can be chosen, by mouse or keys.
    """
    choosing = {"rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}}
    return dag.AgGrid(
        id=id,
        className="ag-theme-quartz",
        rowModelType="infinite",
        columnDefs=[_column(cell) for cell in cells],
        defaultColDef={
            "resizable": True,
            "suppressMovable": True,
            "suppressHeaderMenuButton": True,
            "sortingOrder": ["asc", "desc"],
        },
        getRowId="params.data.id",
        dashGridOptions={
            "rowHeight": 38,
            "headerHeight": 32,
            "cacheBlockSize": BLOCK,
            "maxBlocksInCache": 20,
            "infiniteInitialRowCount": 1,
            **(choosing if chosen else {}),
            "animateRows": False,
            "localeText": {"noRowsToShow": "Nothing fits what was asked for.", "loadingOoo": "Loading"},
            "suppressCellFocus": False,
            "tabToNextCell": {"function": "leaveGrid(params)"},  # Tab goes on; arrows move in the table
            "enableCellTextSelection": True,
        },
        style={"height": height, "width": "100%"},
    )


def _column(cell: Cell) -> dict[str, Any]:
    made: dict[str, Any] = {
        "field": cell.key,
        "headerName": cell.title,
        "minWidth": cell.least,
        "sortable": cell.sort,
        "tooltipField": cell.key,
    }
    made |= {"flex": cell.flex} if cell.flex else {"width": cell.least}
    if cell.number:
        made["type"] = "rightAligned"
    if cell.wide:
        made["context"] = {"wide": True}
    if cell.words:
        made["cellClass"] = cell.words
    if cell.rules:
        made["cellClassRules"] = cell.rules
    return made


def search_field(id: str, label: str) -> Component:  # noqa: A002
    """What the rows must hold; asked when typing rests."""
    box = dcc.Input(id=id, type="search", placeholder=label, debounce=0.3, maxLength=80, autoComplete="off")
    return html.Label([html.Span(label, className="visually-hidden"), box], className="search-field", htmlFor=id)
