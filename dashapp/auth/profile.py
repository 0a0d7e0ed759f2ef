"""What a person sees and changes about the own account: name and looks, the password, sessions, history."""

from datetime import datetime, timedelta

import flask
from flask import Blueprint, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import db.engine
from core.clock import utc_now
from core.errors import Refused, WeakPassword
from dashapp import security
from dashapp.auth import accounts, sessions
from dashapp.auth.answers import address, farewell, paused, remember_look, show_form
from dashapp.auth.forms import ConfirmForm, PasswordForm, ProfileForm
from dashapp.auth.passwords import WrongPassword
from dashapp.auth.sign_in import claim, note_wrong
from dashapp.auth.turns import turn
from db.queries import audit, throttles, user_sessions, users
from db.tables import UserSession

HISTORY = 200  # events of one's own that are shown

blueprint = Blueprint("profile", __name__)


@blueprint.route("/profile", methods=["GET", "POST"])
def show() -> ResponseReturnValue:
    form = ProfileForm(display_name=current_user.display_name, **current_user.preferences)
    if not form.validate_on_submit():
        return show_form("profile.html", form, zones=accounts.time_zones())
    chosen = {name: form[name].data for name in accounts.PREFERENCES}
    chosen["time_zone"] = (chosen["time_zone"] or "").strip()
    try:
        with db.engine.session() as session:
            name = form.display_name.data or ""
            accounts.change_profile(session, current_user.id, display_name=name, preferences=chosen, ip=address())
    except Refused as refused:
        (form.time_zone if "time zone" in refused.sentence else form.display_name).errors = [refused.sentence]
        return show_form("profile.html", form, 422, zones=accounts.time_zones())
    sessions.forget_answers()
    flash("Your profile is saved.")
    response = make_response(redirect(url_for("profile.show")))
    remember_look(response, chosen)
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
        with turn(), db.engine.session() as session:
            throttles.proved(session, address(), current_user.email)  # undone with the rest where it was not so
            old, new = form.current.data or "", form.password.data or ""
            accounts.change_password(session, current_user.id, old, new, now=now, ip=address())
            user = users.get(session, current_user.id)
    except WrongPassword as wrong:
        note_wrong(current_user.id, address())
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
    """The open sessions: end one of them, or sign out everywhere, here included."""
    form, now = ConfirmForm(), utc_now()
    if not form.validate_on_submit():
        return show_form(
            "end_sessions.html", form, sessions=_open_sessions(now), here=flask.session.get("sid"), now=now
        )
    if chosen := request.form.get("session"):
        return _end_one(chosen, now)
    with db.engine.session() as session:
        users.end_all_sessions(session, current_user.id)
    sessions.end(now=now, action="sign_out_everywhere")
    return farewell()


def _end_one(chosen: str, now: datetime) -> ResponseReturnValue:
    """End one's own session of this number; any other number is not found."""
    number = int(chosen) if chosen.isdecimal() and len(chosen) < 10 else 0
    with db.engine.session() as session:
        ended = user_sessions.end(session, current_user.id, number, now=now)
        audit.by_user(session, users.get(session, current_user.id), "session_ended", object=ended.ip, ip=address())
    sessions.forget_answers()
    flash("The session has ended.")
    return redirect(url_for("profile.end_all"))


def _open_sessions(now: datetime) -> list[UserSession]:
    idle = timedelta(minutes=security.settings().session_idle_minutes)
    with db.engine.session() as session:
        return user_sessions.open_ones(session, current_user.id, now=now, idle=idle)


@blueprint.get("/history")
def history() -> ResponseReturnValue:
    """What the audit log holds of one's own account."""
    with db.engine.session() as session:
        events = audit.page(session, audit.Wanted(actor_id=current_user.id), limit=HISTORY)
    return show_form("history.html", ConfirmForm(), events=events)
