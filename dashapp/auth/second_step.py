"""The second step of signing in: a code, after the password was right.

Between the steps a cookie says whose password it was, for five minutes; it signs nobody in.
"""

from datetime import datetime, timedelta

import flask
from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

import db.engine
from core.clock import utc_now
from core.errors import NotFound
from dashapp import gate, security
from dashapp.auth import factors
from dashapp.auth.answers import address, begin, paused, show_form
from dashapp.auth.forms import CodeForm
from dashapp.auth.sign_in import welcome
from db.queries import users
from db.tables import User

WAITS = timedelta(minutes=5)
WAITING = "half_signed_in"

blueprint = Blueprint("second_step", __name__)


def ask(user: User, target: str, now: datetime) -> ResponseReturnValue:
    """Remember whose password was right, and go on to the code."""
    flask.session.clear()
    at = int(now.timestamp())
    flask.session[WAITING] = {"id": user.id, "version": user.session_version, "at": at, "target": target}
    return redirect(url_for("second_step.enter"))


@blueprint.route("/login/code", methods=["GET", "POST"])
def enter() -> ResponseReturnValue:
    now = utc_now()
    user, target = _half(now)
    if user is None:
        return redirect(url_for("auth.sign_in"))
    form = CodeForm()
    if not form.validate_on_submit():
        return show_form("code.html", form)
    right = factors.check(user, form.code.data or "", security.settings(), now=now, ip=address())
    if isinstance(right, datetime):
        return paused("code.html", form, right, now)
    if not right:
        form.code.errors = [factors.WRONG]
        return show_form("code.html", form, 401)
    return begin(welcome(user, address=address(), now=now, how="password and code"), target, now)


def _half(now: datetime) -> tuple[User | None, str]:
    """Whose password was right within the last five minutes, and where they want to go."""
    waiting = flask.session.get(WAITING)
    if not waiting or now.timestamp() - waiting["at"] > WAITS.total_seconds():
        return None, "/"
    try:
        with db.engine.session() as session:
            user = users.get(session, waiting["id"])
    except NotFound:
        return None, "/"
    if user.session_version != waiting["version"] or user.disabled_at is not None:
        return None, "/"
    return user, gate.safe_next(waiting["target"])
