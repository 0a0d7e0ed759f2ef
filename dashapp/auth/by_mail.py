"""What a letter helps with: a forgotten password, a new address."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import db.engine
from core import email_links
from core.clock import utc_now
from core.email_address import check_email
from core.errors import NotFound, Refused
from dashapp.auth import sessions
from dashapp.auth.answers import address, paused, show_form
from dashapp.auth.forms import AddressForm, ConfirmForm, ForgotForm
from dashapp.auth.proof import unproved
from db.queries import audit, mails, throttles, users
from db.queries.users import normal_email
from db.tables import User

ON_ITS_WAY = "If there is an account with this address, a letter with a link is on its way to it."
CONFIRM = "A letter with a link is on its way to the new address. Until you open it the old one stays."
NOBODY = User(email="nobody", preferences={})  # stands in where an address has no account; never stored
LETTERS = throttles.Rule(limit=3, window=timedelta(hours=1), doubling=False)

blueprint = Blueprint("by_mail", __name__)


@blueprint.route("/forgot", methods=["GET", "POST"])
def forgot() -> ResponseReturnValue:
    """Ask for a link to choose a new password: the same answer for every address."""
    form, now = ForgotForm(), utc_now()
    if not form.validate_on_submit():
        return show_form("forgot.html", form)
    with db.engine.session() as session:
        retry_at = throttles.claim(session, throttles.address_key(address()), throttles.ADDRESS, now=now)
    if retry_at is not None:
        return paused("forgot.html", form, retry_at, now)
    _ask_for_letter(normal_email(form.email.data or ""), now)
    flash(ON_ITS_WAY)
    return redirect(url_for("auth.sign_in"))


def _ask_for_letter(email: str, now: datetime) -> None:
    """At most three an hour for one account, so that nobody's mailbox can be filled from here.

    Where there is nobody to write to, a letter is written all the same and torn up: who asks cannot tell by the time.
    """
    with db.engine.session() as session:
        if throttles.claim(session, "letter:" + throttles.account_key(email), LETTERS, now=now) is not None:
            return
        user = users.by_email(session, email)
        known = user is not None and user.disabled_at is None
        letter = session.begin_nested()
        mails.put(session, user if user and known else NOBODY, "reset", now=now)
        letter.commit() if known else letter.rollback()
        told: dict[str, Any] = {"object": f"user {user.email}"} if user and known else {"result": "failed"}
        audit.record(session, actor_id=None, actor="unknown", action="reset_asked", ip=address(), **told)


@blueprint.route("/address", methods=["GET", "POST"])
def change() -> ResponseReturnValue:
    """Ask for another e-mail address; it is used once a letter to it was answered."""
    form, now = AddressForm(), utc_now()
    if not form.validate_on_submit():
        return show_form("address.html", form)
    if page := unproved("address.html", form, now):
        return page
    new = normal_email(form.email.data or "")
    try:
        check_email(new)
    except Refused as refused:
        form.email.errors = [refused.sentence]
        return show_form("address.html", form, 422)
    with db.engine.session() as session:
        user = users.get(session, current_user.id)
        mails.put(session, user, "confirm_address", now=now, address=new, new=new)
        audit.by_user(session, user, "address_change_asked", object=f"user {user.email}", ip=address())
    flash(CONFIRM)
    return redirect(url_for("profile.show"))


@blueprint.route("/confirm-address", methods=["GET", "POST"])
def confirm() -> ResponseReturnValue:
    """The link of the letter, and a button: mail programs open links by themselves."""
    now = utc_now()
    user, new = _target(request.args.get("token", ""), now)
    form = ConfirmForm()
    if not form.validate_on_submit():
        return show_form("confirm_address.html", form, old=user.email, new=new)
    with db.engine.session() as session:
        old = users.get(session, user.id).email
        users.set_email(session, user.id, new)
        stored = users.get(session, user.id)
        mails.put(session, stored, "address_changed", now=now, address=old, account=old, new=new)
        audit.by_user(session, stored, "address_changed", object=f"user {new}", ip=address(), old=old)
    sessions.forget_answers()
    flash("Your new address is set, and every session has ended. Sign in with it.")
    return redirect(url_for("auth.sign_in"))


def _target(token: str, now: datetime) -> tuple[User, str]:
    """The account and its new address; raises NotFound where the link is forged, too old or used."""
    user_id, version, new = email_links.read(str(current_app.secret_key), token, now=now)
    with db.engine.session() as session:
        user = users.get(session, user_id)
    if user.session_version != version or user.disabled_at is not None:
        raise NotFound(email_links.STALE)
    return user, new
