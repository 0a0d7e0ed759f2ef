"""What a pane shows when it has nothing ordinary to show, and strips that say something about all of a page."""

from typing import Any, Literal

from dash import dcc, html
from dash.development.base_component import Component

from core.roles import Role
from layouts.components.icons import icon

Children = Any  # what Dash takes as children: a component, a string, or a list of them
WHO = {Role.VIEWER: "everybody with an account", Role.ANALYST: "analysts and admins", Role.ADMIN: "admins"}

DOTS = {"ok": "dot", "warn": "dot w", "bad": "dot b", "off": "dot n", "sim": "dot s"}  # round, diamond, square, ring


def empty(title: str, text: Children, actions: list[Component] | None = None) -> html.Div:
    """Nothing here yet: what will be here in one sentence, and at most one primary action."""
    return html.Div([html.H2(title), html.P(text), *_actions(actions)], className="empty")


def failed(title: str, text: Children, actions: list[Component] | None = None) -> html.Div:
    """What failed, since when, what is still shown and when the next try is."""
    head = html.H2([html.Span(icon("plug"), className="bad"), title], className="with-icon")
    return html.Div([head, html.P(text), *_actions(actions)], className="empty", role="alert")


def no_permission(title: str, role: Role) -> html.Div:
    """A whole page for those who may not open it."""
    words = f"{title} is for {WHO[role]}. Ask an admin of this desk for the role {role}."
    return html.Div([page_head(title), html.Div(locked(words), className="pane-body roomy")], className="page")


def broken(title: str, what: str, sentence: str) -> html.Div:
    """A whole page that cannot be drawn as it was asked for."""
    return html.Div([page_head(title), html.Div(failed(what, sentence), className="pane-body roomy")], className="page")


def locked(text: str) -> html.P:
    """One line, with a lock, in place of a control that is not drawn."""
    return html.P([html.Span(icon("lock"), className="t4"), text], className="locked")


def skeleton(rows: int = 4) -> html.Div:
    """Lines that stand for text or rows to come; CSS shows them after 200 ms."""
    widths = ("64%", "100%", "86%", "92%")
    lines = [html.Span(className="skel", style={"width": widths[k % 4]}) for k in range(rows)]
    return html.Div(lines, className="skels", role="status", **{"aria-label": "Loading"})


def page_head(title: str, sub: Children = None, end: list[Component] | None = None) -> html.Div:
    """Title, context, and at the right at most one primary button."""
    parts: list[Component] = [html.H1(title)]
    if sub is not None:
        parts.append(html.Span(sub, className="sub"))
    if end:
        parts.append(html.Div(end, className="end"))
    return html.Div(parts, className="page-head")


def headline(sentence: Children, small: Children = None) -> html.Div:
    """The finding of a page in one sentence, and what it means in another."""
    return html.Div([sentence, html.Small(small)] if small is not None else [sentence], className="headline")


def pane(
    title: Children,
    body: Children,
    *,
    sub: Children = None,
    end: Children = None,
    label: str | None = None,
    className: str = "",  # noqa: N803  Dash's own word
    flush: bool = False,
) -> html.Section:
    """A region with a head. `flush` bodies (tables, charts) reach the edges."""
    head: list[Any] = [html.H2(title)]
    if sub is not None:
        head.append(html.Span(sub, className="t3 fs12 m-hide"))
    if end is not None:
        head.append(html.Div(end, className="end"))
    inner = body if flush else html.Div(body, className="pane-body")
    named = {"aria-label": label} if label else {}
    return html.Section([html.Div(head, className="pane-head"), inner], className=f"pane {className}".strip(), **named)


def strip(cells: list[Component], className: str = "") -> html.Div:  # noqa: N803
    """Equal cells beside each other; on phones two columns."""
    return html.Div(cells, className=f"strip {className}".strip())


def stat(label: Children, value: Children, note: Children = None, *, tone: str = "", note_tone: str = "") -> html.Div:
    """A figure of a strip. `tone` is t4 (stale, missing), up or down; `note_tone` is warn."""
    return html.Div(
        [
            html.Div(label, className="label"),
            html.Div(value, className=f"v {tone}".strip()),
            html.Div(note, className=f"n {note_tone}".strip()),
        ],
        className="stat",
    )


def key_figures(pairs: list[tuple[Children, Children]]) -> html.Dl:
    """Names left, values right, a hairline between."""
    return html.Dl([part for name, value in pairs for part in (html.Dt(name), html.Dd(value))], className="kv")


def simulated_strip(text: Children, action: Component | None = None) -> html.Div:
    """The violet strip: nothing on this page is real."""
    parts: list[Any] = [simulated_badge(), html.Span(text), action]
    return html.Div([part for part in parts if part is not None], className="sim-strip", role="note")


def note_strip(text: Children, *, kind: Literal["warn", "bad"] = "warn", action: Component | None = None) -> html.Div:
    """A stale source or an error that concerns the whole page."""
    name = "exclamation-triangle" if kind == "warn" else "exclamation-circle"
    parts: list[Any] = [icon(name), html.Span(text), action]
    return html.Div(
        [part for part in parts if part is not None],
        className="note-strip" if kind == "warn" else "note-strip bad",
        role="status" if kind == "warn" else "alert",
    )


def simulated_badge(*, short: bool = False) -> html.Span:
    """Beside every title and call that comes from simulated candles."""
    return html.Span("SIM" if short else "SIMULATED", className="badge-sim short" if short else "badge-sim")


def badge(text: Children, kind: Literal["", "up", "down", "warn", "bad", "acc", "line"] = "") -> html.Span:
    """A state (filled) or a kind (`line`, outlined)."""
    return html.Span(text, className=f"badge {kind}".strip())


def freshness(text: str, kind: Literal["ok", "warn", "bad", "off", "sim"] = "ok") -> html.Span:
    """A source and its age; shape and colour of the dot tell how fresh."""
    tone = {"ok": "", "warn": "warn", "bad": "bad", "off": "", "sim": "simc"}[kind]
    return html.Span(
        [html.Span(className=DOTS[kind], **{"aria-hidden": "true"}), text], className=f"fresh {tone}".strip()
    )


def loading(child: Component) -> dcc.Loading:
    """Keeps the old drawing at half strength until the new one is there; nothing for the first 200 ms."""
    return dcc.Loading(
        child,
        delay_show=200,
        overlay_style={"visibility": "visible", "opacity": 0.5},
        custom_spinner=html.Span(className="skel-wait", **{"aria-hidden": "true"}),
        parent_className="loading",
    )


def _actions(actions: list[Component] | None) -> list[Component]:
    return [html.Div(actions, className="act")] if actions else []
