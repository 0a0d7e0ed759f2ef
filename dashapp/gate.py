"""The gate: every request is refused unless it is on the short public list or its caller is signed in.

Dash answers any path to anybody; so the gate stands before all of it, and before the CSRF check. Roles and owners are
checked again in callbacks and queries.
"""

from urllib.parse import unquote, urlsplit

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import MethodNotAllowed

import core.log
import db.engine
from core import locales
from dashapp import security
from dashapp.api import guard as api
from dashapp.config import CALLBACK_BYTES, FORM_BYTES
from db.queries import users
from layouts import site_map

SIGN_IN, SETUP = "auth.sign_in", "auth.create_owner"

# What a stranger may reach. Style sheets, fonts and icons hold nothing that the repository does not show to everybody.
PUBLIC = frozenset(
    {
        SIGN_IN,
        SETUP,
        "register.create",  # 404 unless REGISTRATION opens it
        "register.reset",  # only with a signed link
        "second_step.enter",  # only after a right password
        "by_mail.forgot",
        "by_mail.confirm",  # only with a signed link
        "passkeys.ask",
        "passkeys.enter",  # checks the answer of a device
        "auth.static",
        "api.login",
        "api.refresh",
        "api.register",  # 403 unless REGISTRATION opens it
        "api.show_description",
        "api.show_docs",
        "api_docs.static",
        "health.summary",
        "health.live",
        "health.ready",
        "health.startup",
        "metrics.show",  # has its own lock: a token or an admin's session, otherwise 404
        "_dash_assets.static",
        "static_files.serve",
        "/_favicon.ico",
    }
)
# Where an admin who has yet to set up the second factor may go.
WITHOUT_FACTOR = frozenset(
    {"two_factor.show", "two_factor.confirm", "auth.sign_out", "static_files.serve", "auth.static"}
)
FACTOR_FIRST = "This desk asks its admins for two-factor sign-in. Set it up under Security first."
WITHOUT_DATABASE = frozenset({"auth.static", "health.live"})
JSON_PATHS = ("/_dash-", "/_reload-hash", "/health", "/metrics", "/api/", "/stream")
CALLBACKS = "/_dash-update-component"


def install(app: Flask) -> None:
    """Register before everything else that looks at requests."""
    app.before_request(guard)


def guard() -> ResponseReturnValue | None:
    """None lets the request pass; anything else is the answer."""
    security.name_request()
    locales.use(None)  # the thread may have answered somebody else before
    security.refuse_strange_host()
    if request.method not in security.METHODS:
        raise MethodNotAllowed(sorted(api.methods(request.path) or security.METHODS))
    security.refuse_foreign()
    if api.is_api(request.path):
        api.guard(public=request.endpoint in PUBLIC)
        return None
    if request.endpoint in PUBLIC:
        return _at_the_door()
    if request.routing_exception is not None:
        raise request.routing_exception
    unknown = request.endpoint in security.DASH_PAGES and site_map.page_of(request.path) is None
    if not current_user.is_authenticated:
        if unknown:
            abort(404)
        return stranger()
    core.log.user_id.set(current_user.id)
    locales.use(current_user.preferences.get("locale"))
    if current_user.lacks_totp and request.endpoint not in WITHOUT_FACTOR:
        return _to_factor()
    if request.endpoint == CALLBACKS and request.mimetype != "application/json":
        abort(415)
    request.max_content_length = _largest()
    return None


def _to_factor() -> ResponseReturnValue:
    if wants_json() or request.method not in {"GET", "HEAD"}:
        abort(403, FACTOR_FIRST)
    return redirect(url_for("two_factor.show"))


def _largest() -> int:
    """Forms are small, callbacks carry stores; a page that takes files says so on its view: `takes_files = True`."""
    if request.endpoint == CALLBACKS:
        return CALLBACK_BYTES
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "takes_files", False):
        return current_app.config["MAX_CONTENT_LENGTH"] or FORM_BYTES
    return FORM_BYTES


def _at_the_door() -> ResponseReturnValue | None:
    request.max_content_length = FORM_BYTES
    if request.endpoint == SIGN_IN and not owner_exists():
        return redirect(url_for(SETUP))
    if request.endpoint == SETUP and owner_exists():
        return redirect(url_for(SIGN_IN))
    return None


def stranger() -> ResponseReturnValue:
    """Pages lead to the sign-in (or, on a new desk, to the owner's creation); programs get 401."""
    if wants_json() or request.method not in {"GET", "HEAD"}:
        abort(401, "Sign in first; your session may have ended.")
    if not owner_exists():
        return redirect(url_for(SETUP))
    asked = request.full_path.removesuffix("?")
    return redirect(url_for(SIGN_IN, next=safe_next(asked)) if asked != "/" else url_for(SIGN_IN))


def owner_exists() -> bool:
    """Whether this desk was claimed. Asked until it is so; an owner cannot be removed."""
    store = current_app.extensions
    if not store.get("bolt_owner_exists"):
        with db.engine.session() as session:
            store["bolt_owner_exists"] = users.owner_exists(session)
    return bool(store["bolt_owner_exists"])


def wants_json() -> bool:
    """True for a program: by the path, by what it sent, or by what it prefers."""
    if request.path.startswith(JSON_PATHS) or api.is_api(request.path) or request.is_json:
        return True
    accept = request.accept_mimetypes
    return accept["application/json"] > accept["text/html"]


def safe_next(target: str | None) -> str:
    """The path to go to after signing in; `/` for anything that could leave this site."""
    plain = unquote(unquote(target or "/"))
    try:
        split = urlsplit(target or "/")
    except ValueError:  # brackets that hold no IPv6 address
        return "/"
    leaves = split.scheme or split.netloc or not plain.startswith("/") or plain.startswith("//")
    if leaves or "\\" in plain or not plain.isprintable() or "//" in plain.split("?")[0]:
        return "/"
    if split.path in {
        "/login",
        "/login/code",
        "/logout",
        "/setup",
        "/register",
        "/reset",
        "/forgot",
        "/confirm-address",
    }:
        return "/"
    return target or "/"
