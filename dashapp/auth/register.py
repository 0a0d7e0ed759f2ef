"""Two doors for those who are not signed in: making an account, and choosing a new password by a link of an admin."""

from datetime import datetime

from flask import Blueprint, abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

import db.engine
from core import reset_links
from core.clock import utc_now
from core.errors import NotFound, Refused, WeakPassword
from core.roles import Role
from core.settings import Settings
from dashapp import gate, security
from dashapp.auth import accounts, sessions
from dashapp.auth.answers import address, paused, show_form
from dashapp.auth.forms import RegisterForm, ResetForm
from dashapp.auth.turns import turn
from db.queries import invitations, throttles, users
from db.tables import User

WELCOME = "Your account is ready if its address was free. Sign in with it."  # the same words, whoever had the address

blueprint = Blueprint("register", __name__)


@blueprint.route("/register", methods=["GET", "POST"])
def create() -> ResponseReturnValue:
    """Make an account: with an invitation, or without one where REGISTRATION=open."""
    settings, token, now = security.settings(), request.args.get("invite", ""), utc_now()
    if settings.registration == "closed":
        abort(404)
    if current_user.is_authenticated or not gate.owner_exists():
        return redirect("/")
    role, email = _offer(settings, token, now)
    form = RegisterForm(email=email)
    if not form.validate_on_submit():
        return show_form("register.html", form, role=role, bound=bool(email))
    with db.engine.session() as session:
        retry_at = throttles.claim(session, throttles.address_key(address()), throttles.ADDRESS, now=now)
    if retry_at is not None:
        return paused("register.html", form, retry_at, now)
    try:
        with turn(), db.engine.session() as session:
            _make(session, form, token, now)
    except WeakPassword as weak:
        form.password.errors = [weak.sentence]
    except Refused as refused:
        form.email.errors = [refused.sentence]
    else:
        flash(WELCOME)
        return redirect(url_for("auth.sign_in"))
    return show_form("register.html", form, 422, role=role, bound=bool(email))


def _offer(settings: Settings, token: str, now: datetime) -> tuple[Role, str]:
    """Role and address (empty for any) on offer; raises NotFound where an invitation is needed and none is good."""
    if settings.registration == "open" and not token:
        return Role.VIEWER, ""
    if not token:
        raise NotFound("An account here needs an invitation. Ask an admin of this desk for one.")
    with db.engine.session() as session:
        found = invitations.usable(session, token, now=now)
        return Role(found.role), found.email or ""


def _make(session: Session, form: RegisterForm, token: str, now: datetime) -> None:
    """The account; an invitation is used up with it. Raises NotFound, Refused, WeakPassword."""
    words = (form.email.data or "", form.password.data or "", form.display_name.data or "")
    accounts.register(session, *words, invitation=token, now=now, ip=address())


@blueprint.route("/reset", methods=["GET", "POST"])
def reset() -> ResponseReturnValue:
    """Choose a new password with a link an admin made."""
    user = reset_target(request.args.get("token", ""), utc_now())
    form = ResetForm()
    if not form.validate_on_submit():
        return show_form("reset.html", form, email=user.email)
    try:
        with turn(), db.engine.session() as session:
            password = form.password.data or ""
            accounts.reset_password(
                session, user.email, password, now=utc_now(), ip=address(), actor=f"reset link of {user.email}"
            )
    except WeakPassword as weak:
        form.password.errors = [weak.sentence]
        return show_form("reset.html", form, 422, email=user.email)
    sessions.forget_answers()
    flash("Your new password is set, and every session has ended. Sign in with it.")
    return redirect(url_for("auth.sign_in"))


def reset_target(token: str, now: datetime) -> User:
    """The account a link is for; raises NotFound where it is forged, too old, used, or for a disabled account."""
    user_id, version = reset_links.read(str(current_app.secret_key), token, now=now)
    with db.engine.session() as session:
        user = users.get(session, user_id)
    if user.session_version != version or user.disabled_at is not None:
        raise NotFound(reset_links.STALE)
    return user
