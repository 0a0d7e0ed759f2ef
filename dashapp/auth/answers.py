"""The answers the account pages share."""

from datetime import datetime
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm

from dashapp import security
from dashapp.auth import accounts, devices, sessions
from dashapp.auth.passwords import LONGEST
from dashapp.config import THEME_COOKIE
from db.tables import User

YEAR = 31_536_000  # seconds


def begin(user: User, target: str, now: datetime) -> Response:
    """Start the session and go on; the looks the person chose also hold before the next sign-in."""
    known = devices.known(user)
    sessions.start(user, now=now)
    response = make_response(redirect(target))
    remember_look(response, user.preferences)
    if not known:
        devices.remember(response, user, now=now)
    return response


def remember_look(response: Response, preferences: dict[str, Any]) -> None:
    """Keep theme and colours in a cookie, for pages that know nobody."""
    chosen = accounts.PREFERENCES | preferences
    secure = security.settings().behind_tls
    look = f"{chosen['theme']}.{chosen['updown']}"
    response.set_cookie(THEME_COOKIE, look, max_age=YEAR, samesite="Lax", secure=secure, path="/")


def farewell() -> Response:
    """To the sign-in page, and nothing of the session stays in the browser."""
    response = make_response(redirect(url_for("auth.sign_in")))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def show_form(template: str, form: FlaskForm, status: int | None = None, **more: Any) -> Response:
    """The form, new or with its faults: 422, or 400 where a field is so long that nothing was done with it."""
    if status is None:
        too_long = any(len(value) > LONGEST for value in request.form.values())
        status = 200 if not form.errors else 400 if too_long else 422
    return make_response(render_template(template, form=form, **more), status)


def paused(template: str, form: FlaskForm, until: datetime, now: datetime, **more: Any) -> Response:
    """Too many failures: when to come back, in words and as Retry-After."""
    seconds = max(1, round((until - now).total_seconds()))
    response = show_form(template, form, 429, pause=in_words(seconds), **more)
    response.headers["Retry-After"] = str(seconds)
    return response


def in_words(seconds: int) -> str:
    """`40 seconds`, `1 minute`, `15 minutes`."""
    count, unit = (seconds, "second") if seconds < 60 else (-(-seconds // 60), "minute")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def address() -> str:
    """Where the request comes from; of proxies only those in the settings are believed."""
    return request.remote_addr or "unknown"
