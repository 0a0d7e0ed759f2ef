"""What a person changes about the own account: name and looks, the password, all sessions at once."""

from flask import Blueprint, flash, make_response, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import db.engine
from core.clock import utc_now
from core.errors import Forbidden, Refused, WeakPassword
from dashapp.auth import accounts, sessions
from dashapp.auth.answers import address, farewell, paused, remember_look, show_form
from dashapp.auth.forms import ConfirmForm, PasswordForm, ProfileForm
from dashapp.auth.sign_in import claim
from db.queries import throttles, users

blueprint = Blueprint("profile", __name__)


@blueprint.route("/profile", methods=["GET", "POST"])
def show() -> ResponseReturnValue:
    form = ProfileForm(
        display_name=current_user.display_name,
        theme=current_user.preferences["theme"],
        updown=current_user.preferences["updown"],
    )
    if not form.validate_on_submit():
        return show_form("profile.html", form)
    looks = {"theme": form.theme.data, "updown": form.updown.data}
    try:
        with db.engine.session() as session:
            accounts.change_profile(session, current_user.id, display_name=form.display_name.data or "", **looks)
    except Refused as refused:
        form.display_name.errors = [refused.sentence]
        return show_form("profile.html", form, 422)
    sessions.forget_answers()
    flash("Your profile is saved.")
    response = make_response(redirect(url_for("profile.show")))
    remember_look(response, looks)
    return response


@blueprint.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    form = PasswordForm()
    if not form.validate_on_submit():
        return show_form("password.html", form)
    now = utc_now()
    retry_at = claim(address(), current_user.email, now)
    if retry_at is not None:
        return paused("password.html", form, retry_at, now)
    try:
        with db.engine.session() as session:
            accounts.change_password(session, current_user.id, form.current.data or "", form.password.data or "")
            throttles.forget(session, throttles.account_key(current_user.email))
            throttles.give_back(session, throttles.address_key(address()))
            user = users.get(session, current_user.id)
    except Forbidden as wrong:
        form.current.errors = [wrong.sentence]
        return show_form("password.html", form, 403)
    except WeakPassword as weak:
        form.password.errors = [weak.sentence]
        return show_form("password.html", form, 422)
    sessions.forget_answers()
    sessions.start(user, now=now)
    flash("Your password is changed, and every other session has ended.")
    return redirect(url_for("profile.show"))


@blueprint.route("/sessions", methods=["GET", "POST"])
def end_all() -> ResponseReturnValue:
    """Sign out everywhere, here included."""
    form = ConfirmForm()
    if not form.validate_on_submit():
        return show_form("end_sessions.html", form)
    with db.engine.session() as session:
        users.end_all_sessions(session, current_user.id)
    sessions.end(now=utc_now())
    return farewell()
