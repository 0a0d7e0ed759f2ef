"""The sheet of keyboard shortcuts. The browser reads the keys from this sheet, so that every one it lists exists."""

from dataclasses import dataclass

from dash import html

from layouts.site_map import in_menu


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`keys` as typed, with spaces between; `action` is a word of `assets/shell.js`, or an address beginning with /."""

    keys: str
    about: str
    action: str


ACTIONS = (
    Shortcut("Ctrl K", "Search markets and pages", "palette"),
    Shortcut("/", "Search markets and pages", "palette"),
    Shortcut("Shift T", "Switch between dark and light", "theme"),
    Shortcut("?", "Show this list", "shortcuts"),
)


def shortcuts(role: str) -> tuple[Shortcut, ...]:
    """All of the shell's: actions and the pages there are for this role."""
    pages = (Shortcut(page.keys, f"Go to {page.title.lower()}", page.path) for page in in_menu(role) if page.keys)
    return (*ACTIONS, *pages)


def sheet(role: str) -> html.Dialog:
    """The dialog; a page adds its own keys where it draws them with `row`."""
    rows = [row(shortcut) for shortcut in shortcuts(role)]
    close = html.Button("Close", className="btn btn-secondary btn-sm", **{"data-action": "close"})
    head = html.Div([html.H2("Keyboard shortcuts"), close], className="dialog-head")
    note = html.P("They rest while you type in a field.", className="t3 fs12")
    switch = html.Button(
        [html.Span(className="knob", **{"aria-hidden": "true"}), "Keys of a single character"],
        className="switch",
        role="switch",
        **{"data-action": "single-keys", "aria-checked": "true"},
    )
    return html.Dialog(
        [head, html.Div(rows, className="shortcuts"), note, switch],
        id="shortcuts",
        className="floating dialog",
        **{"aria-label": "Keyboard shortcuts"},
    )


def row(shortcut: Shortcut) -> html.Div:
    keys = [html.Kbd(key.upper() if len(key) == 1 else key) for key in shortcut.keys.split(" ")]
    data = {"data-keys": shortcut.keys, "data-run": shortcut.action}
    return html.Div([html.Span(shortcut.about), html.Span(keys, className="keys")], className="shortcut", **data)
