"""Two doors for those who are not signed in: making an account, and choosing a new password by a link of an admin."""

from datetime import datetime

from flask import Blueprint, abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.orm import Session

import db.engine
from core.clock import utc_now
from core.errors import Conflict, NotFound, Refused, WeakPassword
from core.roles import Role
from core.settings import Settings
from dashapp import gate, security
from dashapp.auth import accounts, passwords
from dashapp.auth.answers import address, paused, show_form
from dashapp.auth.forms import RegisterForm, ResetForm
from db.queries import audit, invitations, throttles, users
from db.tables import User

RESET_SECONDS = 86_400  # a reset link works for a day, and once
WELCOME = "Your account is ready if its address was free. Sign in with it."  # the same words, whoever had the address
STALE = "This link is not valid any more. Ask an admin of this desk for a new one."

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
        with db.engine.session() as session:
            _make(session, form, token, now)
    except WeakPassword as weak:
        form.password.errors = [weak.sentence]
    except Refused as refused:
        form.email.errors = [refused.sentence]
    except Conflict:  # the address is taken; to say so would tell strangers who is here
        flash(WELCOME)
        return redirect(url_for("auth.sign_in"))
    else:
        flash(WELCOME)
        return redirect(url_for("auth.sign_in"))
    return show_form("register.html", form, 422, role=role, bound=bool(email))


def _offer(settings: Settings, token: str, now: datetime) -> tuple[Role, str]:
    """Role and address (empty for any) on offer; raises NotFound where an invitation is needed and none is good."""
    if settings.registration == "open" and not token:
        return Role.VIEWER, ""
    with db.engine.session() as session:
        found = invitations.usable(session, token, now=now)
        return Role(found.role), found.email or ""


def _make(session: Session, form: RegisterForm, token: str, now: datetime) -> User:
    """The account; an invitation is used up with it. Raises NotFound, Refused, WeakPassword, Conflict."""
    email, password = form.email.data or "", form.password.data or ""
    invitation = invitations.usable(session, token, now=now) if token else None
    accounts.check_email(email)
    accounts.check_name(form.display_name.data or "")
    if invitation and invitation.email and invitation.email != users.normal_email(email):
        raise Refused("This invitation is for another address.")
    passwords.check(password, words=(email, form.display_name.data or ""))
    user = users.add(
        session,
        email,
        display_name=form.display_name.data or "",
        password_hash=passwords.make_hash(password),
        role=Role(invitation.role) if invitation else Role.VIEWER,
        is_owner=False,
    )
    if invitation:
        invitations.use(session, invitation, user.id, now=now)
    how = f"invitation {invitation.id}" if invitation else "open registration"
    audit.by_user(session, user, "account_created", object=f"user {user.email}", ip=address(), role=user.role, how=how)
    return user


@blueprint.route("/reset", methods=["GET", "POST"])
def reset() -> ResponseReturnValue:
    """Choose a new password with a link an admin made."""
    user = reset_target(request.args.get("token", ""))
    form = ResetForm()
    if not form.validate_on_submit():
        return show_form("reset.html", form, email=user.email)
    try:
        with db.engine.session() as session:
            password = form.password.data or ""
            accounts.reset_password(session, user.email, password, ip=address(), actor=f"reset link of {user.email}")
    except WeakPassword as weak:
        form.password.errors = [weak.sentence]
        return show_form("reset.html", form, 422, email=user.email)
    flash("Your new password is set, and every session has ended. Sign in with it.")
    return redirect(url_for("auth.sign_in"))


def reset_token(user: User) -> str:
    """What a reset link carries. It ends with the account's session version, which a new password changes."""
    return _signer().dumps([user.id, user.session_version])


def reset_target(token: str) -> User:
    """The account a link is for; raises NotFound where it is forged, too old, used, or for a disabled account."""
    try:
        user_id, version = _signer().loads(token, max_age=RESET_SECONDS)
    except BadData:
        raise NotFound(STALE) from None
    with db.engine.session() as session:
        user = users.get(session, user_id)
    if user.session_version != version or user.disabled_at is not None:
        raise NotFound(STALE)
    return user


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="bolt password reset")
