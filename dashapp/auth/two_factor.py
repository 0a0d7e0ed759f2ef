"""One's own second factor: turning codes on and off, new backup codes, and the list of passkeys."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import db.engine
from core.clock import utc_now
from core.errors import Conflict, Forbidden, Refused
from dashapp import security
from dashapp.auth import factors, sessions
from dashapp.auth.answers import address, show_form
from dashapp.auth.forms import CodeForm, ProofForm
from dashapp.auth.proof import unproved
from db.queries import factors as stored
from db.queries import users

REQUIRED = "This desk asks its admins for two-factor sign-in, so it can't be turned off."

blueprint = Blueprint("two_factor", __name__)


@blueprint.route("/two-factor", methods=["GET", "POST"])
def show() -> ResponseReturnValue:
    """What is on; with the password, turn codes on or off, or make new backup codes."""
    form, now = ProofForm(), utc_now()
    if not form.validate_on_submit():
        return _page(form)
    if page := unproved("two_factor.html", form, now, **_state()):
        return page
    try:
        return _act(request.form.get("act", ""), now)
    except (Conflict, Refused, Forbidden) as refused:
        form.current.errors = [refused.sentence]
        return _page(form, refused.status)


def _page(form: ProofForm, status: int | None = None) -> ResponseReturnValue:
    return show_form("two_factor.html", form, status, **_state())


def _state() -> dict[str, Any]:
    with db.engine.session() as session:
        return {
            "on": stored.totp_on(session, current_user.id),
            "left": stored.codes_left(session, current_user.id),
            "passkeys": stored.passkeys(session, current_user.id),
            "required": _required(),
        }


def _required() -> bool:
    return security.settings().require_totp_for_admins and current_user.role == "admin"


def _act(act: str, now: datetime) -> ResponseReturnValue:
    with db.engine.session() as session:
        user = users.get(session, current_user.id)
        if act == "start":
            factors.offer(session, user, security.settings(), now=now)
            return redirect(url_for("two_factor.confirm"))
        if act == "renew":
            codes = factors.renew_codes(session, user, now=now, ip=address())
            return show_form("backup_codes.html", CodeForm(formdata=None), 200, codes=codes)
        if act != "stop":
            raise Refused("Choose what to do with the buttons.")
        if _required():
            raise Forbidden(REQUIRED)
        factors.turn_off(session, user, now=now, ip=address())
    sessions.forget_answers()
    flash("Two-factor sign-in is off.")
    return redirect(url_for("two_factor.show"))


@blueprint.route("/two-factor/confirm", methods=["GET", "POST"])
def confirm() -> ResponseReturnValue:
    """Scan the picture, type the code it gives; then the backup codes are shown, this once."""
    form, now, settings = CodeForm(), utc_now(), security.settings()
    with db.engine.session() as session:
        user = users.get(session, current_user.id)
        secret = factors.offered(session, user, settings)
    if secret is None:
        return redirect(url_for("two_factor.show"))
    shown: dict[str, Any] = {
        "secret": secret,
        "picture": factors.picture(factors.address_of(secret, user, request.host)),
    }
    if not form.validate_on_submit():
        return show_form("confirm_code.html", form, **shown)
    try:
        with db.engine.session() as session:
            me = users.get(session, current_user.id)
            codes = factors.turn_on(session, me, form.code.data or "", settings, now=now, ip=address())
    except Refused as refused:
        form.code.errors = [refused.sentence]
        return show_form("confirm_code.html", form, 422, **shown)
    sessions.forget_answers()
    return show_form("backup_codes.html", form, 200, codes=codes)
