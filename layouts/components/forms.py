"""Inputs with their label above and their hint below, and buttons."""

from typing import Any, Literal

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from layouts.components.icons import icon

Kind = Literal["primary", "secondary", "ghost", "danger", "outline-danger"]


def field(label: str, control: Component, *, hint: Any = None, error_id: str | None = None) -> html.Div:
    """A control under its label; `error_id` names the place where a callback puts what is wrong."""
    target = getattr(control, "id", None)
    parts: list[Any] = [dbc.Label(label, html_for=target, className="form-label") if target else _label(label)]
    parts.append(control)
    if hint is not None:
        parts.append(html.Div(hint, className="form-text"))
    if error_id:
        parts.append(html.Div(id=error_id, className="field-error", role="alert"))
    return html.Div(parts, className="field")


def _label(text: str) -> html.Span:
    return html.Span(text, className="form-label")


def problem(text: str | None) -> list[Component]:
    """Children of a field's place for errors: an icon and a sentence, or nothing."""
    return [icon("exclamation-circle", small=True), html.Span(text)] if text else []


def button(
    text: str,
    *,
    id: Any = None,  # noqa: A002  Dash's own word
    kind: Kind = "secondary",
    icon_name: str | None = None,
    small: bool = False,
    disabled: bool = False,
    href: str | None = None,
    title: str | None = None,
) -> dbc.Button:
    """Verb and object; at most one primary button a view, danger only inside a dialog."""
    given = {"id": id, "href": href, "title": title}
    return dbc.Button(
        [icon(icon_name, small=True), text] if icon_name else text,
        color=kind,
        size="sm" if small else None,
        disabled=disabled,
        n_clicks=0,
        **{key: value for key, value in given.items() if value is not None},
    )


def icon_button(name: str, label: str, *, id: Any) -> html.Button:  # noqa: A002
    """A quiet button without words; the label is for tooltips and screen readers."""
    return html.Button(
        icon(name), id=id, className="btn btn-ghost btn-icon btn-sm", title=label, n_clicks=0, **{"aria-label": label}
    )


def segments(id: Any, options: list[tuple[str, Any]], value: Any, *, label: str) -> html.Div:  # noqa: A002
    """Two to seven views of the same thing; `value` of the component `id` is the chosen one."""
    radio = dbc.RadioItems(
        id=id, options=[{"label": text, "value": key} for text, key in options], value=value, inline=True
    )
    return html.Div(radio, className="seg", role="group", **{"aria-label": label})


def confirm(
    id: str,  # noqa: A002
    title: str,
    text: Any,
    *,
    yes: Component,
    no: Component,
) -> dbc.Modal:
    """A dialog for a loss: what is lost and what stays. The buttons carry their own ids."""
    return dbc.Modal(
        [dbc.ModalHeader(dbc.ModalTitle(title), close_button=False), dbc.ModalBody(text), dbc.ModalFooter([no, yes])],
        id=id,
        is_open=False,
        centered=True,
    )
