"""Signing in and out, and the owner's creation. What a person changes about the own account is in `profile`."""

from typing import Any

from flask import Blueprint, Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import db.engine
from core import locales
from core.browsers import browser
from core.clock import utc_now
from core.errors import Conflict, Refused, WeakPassword
from dashapp import gate, security
from dashapp.auth import (
    accounts,
    by_mail,
    own_data,
    passkeys,
    profile,
    register,
    second_step,
    sessions,
    setup,
    two_factor,
    words,
)
from dashapp.auth.answers import address, begin, farewell, paused, show_form
from dashapp.auth.example_call import drawing
from dashapp.auth.forms import ConfirmForm, OwnerForm, SignInForm
from dashapp.auth.sign_in import sign_in as try_password
from dashapp.auth.turns import turn
from dashapp.version import version
from db.queries import throttles
from db.tables import User

WRONG = "E-mail and password do not belong together."
WRONG_CODE = "That is not the code. On the server, python -m dashapp setup-code prints it again."

blueprint = Blueprint("auth", __name__, static_folder="static", static_url_path="/assets/auth")


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.register_blueprint(profile.blueprint)
    app.register_blueprint(register.blueprint)
    for part in (second_step, two_factor, passkeys, by_mail, own_data):
        app.register_blueprint(part.blueprint)
    app.context_processor(_for_templates)
    app.jinja_env.filters.update(browser=browser, utc=words.utc, words=words.words)


def _for_templates() -> dict[str, Any]:
    from dashapp.dash_ui import look  # late: it imports pages and callbacks

    writing = locales.as_attribute(locales.current())
    return {**look(), "writing": writing, "version": version(), "drawing": drawing}


@blueprint.route("/login", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    target = gate.safe_next(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target)
    form = SignInForm()
    if not form.validate_on_submit():
        return show_sign_in(form)
    now = utc_now()
    attempt = try_password(form.email.data or "", form.password.data or "", address=address(), now=now)
    if attempt.retry_at is not None:
        return paused("sign_in.html", form, attempt.retry_at, now, open_to_all=open_to_all())
    if attempt.user is None:
        form.password.errors = [WRONG]
        return show_sign_in(form, 401)
    if attempt.needs_code:
        return second_step.ask(attempt.user, target, now)
    return begin(attempt.user, target, now)


def show_sign_in(form: SignInForm, status: int | None = None) -> ResponseReturnValue:
    return show_form("sign_in.html", form, status, open_to_all=open_to_all())


def open_to_all() -> bool:
    """Whether strangers may make an account."""
    return security.settings().registration == "open"


@blueprint.route("/setup", methods=["GET", "POST"])
def create_owner() -> ResponseReturnValue:
    form = OwnerForm()
    if not form.validate_on_submit():
        return show_form("create_owner.html", form)
    now, key = utc_now(), throttles.address_key(address())
    with db.engine.session() as session:
        retry_at = throttles.claim(session, key, throttles.ADDRESS, now=now)
    if retry_at is not None:
        return paused("create_owner.html", form, retry_at, now)
    try:
        owner = _claim_desk(form, key)
    except Conflict:  # somebody was faster
        return redirect(url_for("auth.sign_in"))
    except WeakPassword as weak:
        form.password.errors = [weak.sentence]
    except Refused as refused:
        form.email.errors = [refused.sentence]
    else:
        if owner is not None:
            return begin(owner, "/", now)
        form.code.errors = [WRONG_CODE]
    return show_form("create_owner.html", form, 422)


def _claim_desk(form: OwnerForm, key: str) -> User | None:
    """The new owner, or None where the code is wrong. A right code costs no attempt, whatever else is wrong."""
    with db.engine.session() as session:
        if not setup.fits(session, security.settings(), form.code.data or ""):
            return None
        throttles.give_back(session, key)
    with turn(), db.engine.session() as session:
        return accounts.create_owner(
            session, form.email.data or "", form.password.data or "", form.display_name.data or "", ip=address()
        )


@blueprint.route("/logout", methods=["GET", "POST"])
def sign_out() -> ResponseReturnValue:
    form = ConfirmForm()
    if not form.validate_on_submit():
        return show_form("sign_out.html", form)
    sessions.end(now=utc_now())
    return farewell()
