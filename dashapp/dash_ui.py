"""Dash on Flask: pages from the site map, callbacks from their modules, an index that knows the theme."""

import importlib
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import dash
from dash import Dash
from dash.development.base_component import Component
from flask import Flask, request
from flask_login import current_user

from callbacks import attach, errors
from core import locales
from core.errors import BoltError
from core.roles import Role, covers
from core.settings import Settings
from dashapp.config import CSRF_COOKIE, CSRF_HEADER, THEME_COOKIE
from dashapp.static_files import ASSETS, static_files
from dashapp.version import version
from layouts import shell
from layouts.components.feedback import broken, no_permission
from layouts.pages import not_found_404
from layouts.site_map import PAGES, Page, hidden, page_of
from layouts.theme import THEMES, UPDOWNS

INDEX = """<!doctype html>
<html lang="en" data-bs-theme="{theme}" data-updown="{updown}" data-tz="{tz}" data-writing="{writing}"
 data-keys="{keys}">
<head>
{metas}
<meta name="color-scheme" content="{theme}">
<meta name="theme-color" content="{ground}">
<title>{title}</title>
{early}
<link rel="icon" href="{logo}" type="image/svg+xml">
<link rel="manifest" href="{manifest}">
{font}
{css}
</head>
<body>
{app_entry}
<div hidden>
{config}
{scripts}
{renderer}
</div>
</body>
</html>
"""

# What the browser paints before the first script has run: the frame of the page, at its final size.
ENTRY = """<div id="react-entry-point"><div class="app boot" aria-busy="true">
<div class="topbar"><span class="brand"><span class="mark"></span><span>Bolt</span></span></div>
<div class="sidenav"></div><div class="main"><p class="visually-hidden" role="status">Loading Bolt</p></div>
<div class="statusbar"></div><div class="bottomnav"></div>
</div></div>"""

# What Dash asks for once all its scripts have run; asked for beside them, a round trip and the server's time are saved.
EARLY = "\n".join(
    f'<link rel="preload" href="/_dash-{word}" as="fetch" crossorigin>' for word in ("layout", "dependencies")
)
TABLE_SCRIPT = re.compile(r'<script src="[^"]*/dash_ag_grid/[^"]*"></script>')  # a third of all scripts
# Never needed: Dash's own table, which no page has, and what teaches old browsers the language of 2015. Those that can
# read Bolt's own script know it; `regeneratorRuntime`, which Dash takes from there, Bootstrap's components bring too.
NEEDLESS_SCRIPTS = re.compile(r'<script src="[^"]*/(?:dash_table/|dash/deps/polyfill@)[^"]*"></script>')
TEXT_FONT = "fonts/plex-sans.woff2"
GROUND = {"dark": "#0c0f12", "light": "#eef1f3"}


class BoltDash(Dash):
    """Dash with an index of our own, and the status 404 for addresses that no page answers."""

    def index(self, *args: Any, **kwargs: Any) -> Any:
        found = super().index(*args, **kwargs)
        return found if _page_for_caller(request.path) else (found, 404)

    def interpolate_index(self, **parts: str) -> str:
        files = static_files()
        theme = look()
        known = _page_for_caller(request.path)
        scripts = NEEDLESS_SCRIPTS.sub("", parts["scripts"])
        if known is None or known.role is not Role.ADMIN:  # who goes there later loads the page anew: 12-grid-pages.js
            scripts = TABLE_SCRIPT.sub("", scripts)
        return INDEX.format(
            **{key: parts[key] for key in ("metas", "css", "config", "renderer")},
            scripts=scripts,
            theme=theme["theme"],
            updown=theme["updown"],
            tz=escape(theme["tz"]),
            keys=theme["keys"],
            writing=escape(locales.as_attribute(locales.current())),
            ground=GROUND[theme["theme"]],
            title=escape(titled(known.title if known else not_found_404.TITLE)),
            logo=files.url("logo.svg"),
            manifest=files.url("bolt.webmanifest"),
            font=_early_font(),
            app_entry=ENTRY,
            early=EARLY,
        )


def mount(app: Flask, settings: Settings) -> Dash:
    """Put Dash on the app. Flask-Login and the static files must be there already.

    The first request is played here, so that no two real ones race for Dash's own setup.
    """
    del settings  # nothing of the interface depends on the environment yet
    files = static_files()
    hooks = len(app.before_request_funcs.get(None, []))
    ui = BoltDash(
        "dashapp",
        server=app,
        use_pages=True,
        pages_folder="",
        include_pages_meta=False,
        suppress_callback_exceptions=True,
        title="Bolt",
        update_title=None,
        assets_folder=str(Path(ASSETS)),
        include_assets_files=False,
        external_stylesheets=[files.url("bootstrap.css"), files.url("bolt.css")],
        external_scripts=[files.url("bolt.js")],
        csrf_token_name=CSRF_COOKIE,
        csrf_header_name=CSRF_HEADER,
        on_error=errors.explain,
        enable_mcp=False,
        websocket_callbacks=False,
        add_log_handler=False,
    )
    _register_pages()
    ui.layout = _layout
    attach.attach(ui)
    with app.test_request_context("/"):
        for hook in app.before_request_funcs[None][hooks:]:
            hook()
    return ui


def titled(words: str) -> str:
    """A page's title as the browser's tab shows it."""
    return f"{words} · Bolt"


def look() -> dict[str, str]:
    """Theme and pair of colours: the cookie `theme.updown` of this browser, else the person's preference, else dark.

    Signing in and saving the profile set the cookie from the preference, switching sets both; the cookie is never late.
    `keys`: whether keys of a single character act, as the person chose.
    """
    preferences = getattr(current_user, "preferences", None) or {}
    kept = (request.cookies.get(THEME_COOKIE, "") + ".").split(".")
    theme = kept[0] or preferences.get("theme")
    if theme == "system":  # what the browser says of its system, where it says anything
        theme = request.headers.get("Sec-CH-Prefers-Color-Scheme")
    updown = kept[1] or preferences.get("updown")
    return {
        "theme": theme if theme in THEMES else THEMES[0],
        "updown": updown if updown in UPDOWNS else UPDOWNS[0],
        "tz": preferences.get("time_zone", ""),
        "keys": "off" if preferences.get("keys") == "off" else "on",
    }


def _early_font() -> str:
    """Fetch the text font with the styles, so that nothing moves when it comes; empty where none was built."""
    files = static_files()
    if TEXT_FONT not in files.files:
        return ""
    return f'<link rel="preload" href="{files.url(TEXT_FONT)}" as="font" type="font/woff2" crossorigin>'


def _viewer() -> shell.Viewer:
    if not current_user.is_authenticated:
        return shell.Viewer("Nobody", "", "viewer")
    return shell.Viewer(current_user.display_name or current_user.email, current_user.email, current_user.role)


def _layout() -> Component:
    """The shell for whoever asks; Dash calls it for each page load."""
    return shell.layout(_viewer(), look(), version())


def _register_pages() -> None:
    dash.page_registry.clear()
    for order, page in enumerate(PAGES):
        module = importlib.import_module(f"layouts.pages.{page.module}")
        dash.register_page(
            module.__name__,
            path=page.path,
            path_template=page.path_template,
            title=_title(page, module),
            name=page.title,
            order=order,
            layout=_guarded(page, module.layout),
        )
    dash.register_page(
        not_found_404.__name__, path="/404", title=titled(not_found_404.TITLE), layout=not_found_404.layout
    )


def _page_for_caller(path: str) -> Page | None:
    """The page at an address, None where there is none for whoever asks."""
    page = page_of(path)
    return None if page is None or _is_hidden(page) else page


def _is_hidden(page: Page) -> bool:
    return hidden(page, current_user.role if current_user.is_authenticated else Role.VIEWER)


def _title(page: Page, module: Any) -> Any:
    """What the tab says: words, or a function that gives them; a hidden page has the title of no page."""
    own = getattr(module, "title", titled(page.title))
    if page.role is not Role.ADMIN:
        return own
    return lambda **_words: titled(not_found_404.TITLE) if _is_hidden(page) else own


def _guarded(page: Page, layout: Callable[..., Component]) -> Callable[..., Component]:
    """The page for those whose role covers it; others read who may open it."""

    def draw(**words: str) -> Component:
        if _is_hidden(page):
            return not_found_404.layout()
        if not (current_user.is_authenticated and covers(current_user.role, page.role)):
            return no_permission(page.title, page.role)
        try:
            return layout(**words)
        except BoltError as error:
            return broken(page.title, error.title, error.sentence)

    return draw
