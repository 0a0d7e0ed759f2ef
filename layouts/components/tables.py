"""Plain tables: text left, numbers right. On phones each row becomes a small grid."""

from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component


@dataclass(frozen=True, slots=True)
class Column:
    """`number` aligns right; `words` are classes of its cells, such as `m-drop` (left out on phones) or `full`."""

    title: Any
    number: bool = False
    words: str = ""
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Cells in the order of the columns. `words`: sel, stale."""

    cells: list[Any]
    words: str = ""
    key: Any = None


def table(columns: list[Column], rows: list[Row], *, label: str, dense: bool = False, words: str = "") -> html.Table:
    """A table with a name for screen readers."""
    kind = " ".join(["tbl", *(["dense"] if dense else []), *words.split()])
    return html.Table(
        [html.Thead(html.Tr([_head(column) for column in columns])), html.Tbody([_row(columns, row) for row in rows])],
        className=kind,
        **{"aria-label": label},
    )


def _head(column: Column) -> html.Th:
    given = {"title": column.hint} if column.hint else {}
    return html.Th(column.title, className=_classes(column), scope="col", **given)


def _row(columns: list[Column], row: Row) -> html.Tr:
    cells = [html.Td(cell, className=_classes(column)) for column, cell in zip(columns, row.cells, strict=True)]
    given = {"id": row.key} if row.key is not None else {}
    return html.Tr(cells, className=row.words, **given)


def _classes(column: Column) -> str:
    return " ".join([*(["num"] if column.number else []), *column.words.split()])


def market(symbol: str, exchange: str, *extra: Component, href: str | None = None) -> html.Div:
    """A market in a cell: symbol in bold, exchange beside it, then badges."""
    name = dcc.Link(symbol, href=href) if href else html.B(symbol)
    return html.Div([name, html.Span(exchange), *extra], className="mk")


def meter(share: float, *, kind: str = "", label: str) -> html.Div:
    """A progress bar from 0 to 1; `kind` w for amber, n for grey."""
    percent = round(max(0.0, min(1.0, share)) * 100)
    told = {"aria-valuenow": str(percent), "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": label}
    return html.Div(
        html.I(style={"width": f"{percent}%"}), className=f"prog {kind}".strip(), role="progressbar", **told
    )
