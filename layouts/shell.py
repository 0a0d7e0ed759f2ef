"""What stands around every page: top bar, side nav, status line, bottom nav, toasts, command palette, shortcuts."""

from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from core.roles import Role
from layouts import ids
from layouts.components.feedback import DOTS, simulated_badge
from layouts.components.icons import icon
from layouts.components.shortcuts import sheet
from layouts.site_map import Page, in_menu

MOST_BELOW = 4  # pages in the bottom nav; the others stand under More
REFRESH_MS = 10_000  # the status line; one cheap query


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking: a name to show, the e-mail behind it and the role."""

    name: str
    email: str
    role: str

    @property
    def initials(self) -> str:
        words = self.name.replace("@", " ").replace(".", " ").split()
        letters = words[0][:2] if len(words) == 1 else words[0][0] + words[1][0]
        return letters.upper()


def layout(viewer: Viewer, look: dict[str, str], version: str) -> Component:
    """The whole application around Dash's page container."""
    return html.Div(
        [
            html.A("Skip to the page", href="#main", className="skip"),
            _top_bar(viewer),
            _side_nav(viewer.role),
            html.Main(_page(), id="main", className="main", tabIndex=-1),
            _status_line(version),
            _bottom_nav(viewer.role),
            html.Div(id="toasts", className="toasts", role="region", **{"aria-label": "Notices"}),
            _palette(),
            sheet(viewer.role),
            _more(viewer),
            dcc.Store(id=ids.Shell.TOAST),
            dcc.Store(id=ids.Shell.LOOK, data=look),
            dcc.Interval(id=ids.Shell.TICK, interval=REFRESH_MS),
        ],
        id=ids.Shell.APP,
        className="app",
    )


def _page() -> html.Div:
    """Dash's page container, with a title from the start: its script reads one before the first page is there."""
    return html.Div(
        [
            dcc.Location(id=ids.Shell.LOCATION, refresh="callback-nav"),
            html.Div(id=ids.Shell.CONTENT, disable_n_clicks=True),
            dcc.Store(id=ids.Shell.TITLE, data={"title": "Bolt"}),
            html.Div(id=ids.Shell.TITLE_SINK, disable_n_clicks=True),
        ]
    )


def mark() -> html.Span:
    """The drawn bolt."""
    return html.Span(className="mark", **{"aria-hidden": "true"})


def _top_bar(viewer: Viewer) -> html.Header:
    return html.Header(
        [
            dcc.Link([mark(), html.Span("Bolt")], href="/", className="brand"),
            html.Button(
                [icon("search", small=True), html.Span("Search markets and pages"), html.Kbd("Ctrl K")],
                className="cmd",
                **{"data-action": "palette", "aria-label": "Search markets and pages"},
            ),
            html.Div(
                [
                    html.Span(className="clock", id="clock", **{"aria-live": "off"}),
                    _tool("search", "palette", "Search markets and pages", "only-phone"),
                    _tool("circle-half", "theme", "Switch between dark and light", "m-hide"),
                    html.Details(
                        [
                            html.Summary(viewer.initials, className="avatar", title=f"Account: {viewer.name}"),
                            html.Div([_who(viewer), *account_items()], className="menu menu-end"),
                        ],
                        className="drop m-hide",
                    ),
                ],
                className="end",
            ),
        ],
        className="topbar",
    )


def _tool(name: str, action: str, label: str, extra: str = "") -> html.Button:
    return html.Button(
        icon(name),
        className=f"btn btn-ghost btn-icon btn-sm {extra}".strip(),
        title=label,
        **{"data-action": action, "aria-label": label},
    )


def _who(viewer: Viewer) -> html.Div:
    role = {"viewer": "Viewer", "analyst": "Analyst", "admin": "Admin"}.get(viewer.role, viewer.role)
    return html.Div([html.B(viewer.name), html.Span(f"{viewer.email} · {role}")], className="who")


def account_items() -> list[Component]:
    """Profile, password, shortcuts, theme and the way out; pages of Flask are plain links."""
    return [
        html.A([icon("person"), "Profile"], href="/profile", className="item"),
        html.A([icon("key"), "Change password"], href="/password", className="item"),
        _item("circle-half", "theme", "Switch theme"),
        _item("keyboard", "shortcuts", "Keyboard shortcuts"),
        html.Hr(),
        _item("box-arrow-right", "sign-out", "Sign out"),
    ]


def _item(name: str, action: str, label: str) -> html.Button:
    return html.Button([icon(name), label], className="item", **{"data-action": action})


def _entry(page: Page) -> dcc.Link:
    words = [f"at-{page.module}"] + (["wide"] if page.wide else []) + (["at-home"] if page.path == "/" else [])
    return dcc.Link(
        [icon(page.icon), html.Span(page.title)], href=page.path, title=page.title, className=" ".join(words)
    )


def _side_nav(role: str) -> html.Nav:
    return html.Nav([_entry(page) for page in in_menu(role)], className="sidenav", **{"aria-label": "Main"})


def _bottom_nav(role: str) -> html.Nav:
    more = html.Button([icon("list"), html.Span("More")], **{"data-action": "more"})
    entries = [*map(_entry, in_menu(role)[:MOST_BELOW]), more]
    return html.Nav(entries, className="bottomnav", **{"aria-label": "Main, small screens"})


def status(kind: str, text: str) -> list[Component]:
    """A dot whose shape tells its state (a key of DOTS), and words."""
    return [html.Span(className=DOTS[kind], **{"aria-hidden": "true"}), html.Span(text)]


def _status_line(version: str) -> html.Footer:
    places = (ids.Shell.STATUS_DATA, ids.Shell.STATUS_MODELS, ids.Shell.STATUS_JOBS)
    return html.Footer(
        [*(html.Span(id=place, className="state") for place in places), _version(version)], className="statusbar"
    )


def _version(version: str) -> html.Span:
    return html.Span(f"Bolt {version} · times in UTC", className="end")


def _palette() -> html.Dialog:
    query = dcc.Input(
        id=ids.Shell.PALETTE_QUERY, type="text", placeholder="Market or page", autoComplete="off", className="query"
    )
    results = html.Div(id=ids.Shell.PALETTE_RESULTS, className="results", role="listbox", **{"aria-label": "Found"})
    return _dialog("palette", "Search markets and pages", [query, results])


def _more(viewer: Viewer) -> html.Dialog:
    rest = [_more_entry(page) for page in in_menu(viewer.role)[MOST_BELOW:]]
    return _dialog("more", "Account", [_who(viewer), *rest, *([html.Hr()] * bool(rest)), *account_items()])


def _more_entry(page: Page) -> dcc.Link:
    return dcc.Link([icon(page.icon), page.title], href=page.path, className="item")


def _dialog(name: str, label: str, children: list[Any]) -> html.Dialog:
    return html.Dialog(children, id=name, className=f"floating {name}", **{"aria-label": label})


def page_hits(words: str, role: str = Role.VIEWER) -> list[Component]:
    """Pages for this role whose title holds the words, under a head."""
    hits = [page for page in in_menu(role) if words.lower() in page.title.lower()]
    rows = [_hit(page.path, [icon(page.icon), html.Span(page.title)], page.keys) for page in hits]
    return [html.Div("Pages", className="grp label"), *rows] if rows else []


def market_hits(markets: list[tuple[str, str, str, str, bool]]) -> list[Component]:
    """Markets as (symbol, name of the coin, exchange, address of the chart, simulated), under a head."""
    rows = [
        _hit(
            href,
            [
                html.B(symbol),
                *([html.Span(coin, className="t3")] if coin else []),
                html.Span(exchange, className="t4"),
                *([simulated_badge(short=True)] * simulated),
            ],
        )
        for symbol, coin, exchange, href, simulated in markets
    ]
    return [html.Div("Markets", className="grp label"), *rows] if rows else []


def found_nothing(words: str) -> Component:
    return html.P(f"Nothing here is called “{words}”.", className="none t3")


def _hit(href: str, children: list[Component], keys: str = "") -> dcc.Link:
    end = html.Span([html.Kbd(key.upper()) for key in keys.split()], className="end")
    return dcc.Link([*children, end], href=href, className="it")
