"""What every request and every response carries: an id, checks of host and origin, the security headers."""

import re
import secrets
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import SecurityError

import core.log
from core.settings import LOOPBACK, Settings
from dashapp.config import CSRF_COOKIE

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
DASH_PAGES = {"/", "/<path:path>"}  # Dash's endpoints that answer with its one HTML page
PRIVATE = {"text/html", "application/json", "application/problem+json", "text/plain"}
TWO_YEARS = 63_072_000

POLICY = (
    "default-src 'self'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Accept-CH": "Sec-CH-Prefers-Color-Scheme",  # for the theme “as the system”, without a flash of the other one
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
}


def settings() -> Settings:
    """The settings this application was made with."""
    found: Settings = current_app.extensions["bolt_settings"]
    return found


def name_request() -> None:
    """Give the request an id, the caller's own where it is a sane one, for the log and for error pages."""
    offered = request.headers.get("X-Request-ID", "")
    g.request_id = offered if REQUEST_ID.fullmatch(offered) else secrets.token_hex(8)
    core.log.request_id.set(g.request_id)
    core.log.user_id.set(None)


def refuse_strange_host() -> None:
    """Refuse a Host that is not this desk's: neither may a made-up name enter a link, nor another site's name lead
    here. Without PUBLIC_URL that is loopback, and on other interfaces any bare address."""
    try:
        known = is_own_host(request.host, settings())
    except SecurityError:  # no host name at all
        known = False
    if not known:
        abort(400, "This desk is not known under that name. Set PUBLIC_URL to the address people type.")


@lru_cache(maxsize=256)
def is_own_host(host: str, settings: Settings) -> bool:
    """Whether a Host header, with or without a port, names this desk."""
    if settings.public_url and host.lower() == urlsplit(settings.public_url).netloc.lower():
        return True
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:  # brackets that hold no IPv6 address
        return False
    if name in LOOPBACK or name == settings.host:
        return True
    return not settings.public_url and not settings.loopback and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def refuse_foreign() -> None:
    """Refuse changes asked for by a page of another site."""
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site", "same-origin"), request.headers.get("Origin")
    if site not in {"same-origin", "none"} or (origin is not None and not _own(origin)):
        abort(403, "This request came from a page of another site.")


def _own(origin: str) -> bool:
    try:
        host = urlsplit(origin).netloc
    except ValueError:  # brackets that hold no IPv6 address
        return False
    return bool(host) and host in {request.host, urlsplit(settings().public_url).netloc}


def finish(response: Response) -> Response:
    """Put the headers on any response, whatever made it."""
    response.headers["X-Request-ID"] = g.get("request_id", "")
    for name, value in HEADERS.items():
        response.headers[name] = value
    drawn_by_dash = request.endpoint in DASH_PAGES and response.mimetype == "text/html"
    response.headers["Content-Security-Policy"] = POLICY.format(hashes=_hashes() if drawn_by_dash else "")
    if response.mimetype in PRIVATE:
        response.headers["Cache-Control"] = "no-store"
    if settings().behind_tls:
        response.headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS}; includeSubDomains"
    if drawn_by_dash and current_user.is_authenticated:
        _hand_out_token(response)
    return response


def _hashes() -> str:
    """Those of Dash's inline scripts; known only once its first request has been set up."""
    store = current_app.extensions
    if "bolt_csp_hashes" not in store:
        store["bolt_csp_hashes"] = "".join(f" {value}" for value in store["bolt_dash"].csp_hashes())
    return str(store["bolt_csp_hashes"])


def _hand_out_token(response: Response) -> None:
    """Dash's renderer reads this cookie and sends it back as a header with each callback."""
    response.set_cookie(CSRF_COOKIE, generate_csrf(), secure=settings().behind_tls, samesite="Lax", path="/")


def install(app: Flask) -> None:
    """Register first, so that it runs last: nothing may add or drop a header after it."""
    app.after_request(finish)
