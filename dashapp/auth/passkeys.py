"""Passkeys (WebAuthn level 3): a device's key signs in without a password, after the device has checked its holder.

The challenge waits in the signed session cookie, for five minutes and one answer.
"""

import json
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import flask
from flask import Blueprint, Response, abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import db.engine
from core.clock import utc_now
from core.errors import Conflict
from dashapp import gate, security
from dashapp.auth.answers import address, begin, show_form
from dashapp.auth.forms import PasskeyForm
from dashapp.auth.proof import unproved
from dashapp.auth.sign_in import welcome
from db.queries import audit, factors, mails, throttles, users
from db.tables import User

MOST = 10  # passkeys of an account
WAITS = 300  # seconds
CHALLENGE = "passkey_challenge"
UNKNOWN = "This passkey does not belong to an account here."
STALE = "That took too long. Try again."

blueprint = Blueprint("passkeys", __name__)


@blueprint.route("/passkeys/add", methods=["GET", "POST"])
def add() -> ResponseReturnValue:
    """Name and password first; then the page asks the device."""
    form, now = PasskeyForm(), utc_now()
    if not form.validate_on_submit():
        return show_form("passkey.html", form, options=None)
    if page := unproved("passkey.html", form, now, options=None):
        return page
    with db.engine.session() as session:
        mine = factors.passkeys(session, current_user.id)
    if len(mine) >= MOST:
        form.label.errors = [f"An account holds at most {MOST} passkeys. Remove one first."]
        return show_form("passkey.html", form, 422, options=None)
    options = _creation([key.credential_id for key in mine], name=(form.label.data or "").strip(), now=now)
    return show_form("passkey.html", form, 200, options=options)


def _creation(known: list[bytes], *, name: str, now: datetime) -> str:
    """What the browser hands to the device, as JSON; the challenge is remembered."""
    import webauthn
    from webauthn.helpers import structs

    challenge = _remember(now, user=current_user.id, name=name)
    return webauthn.options_to_json(
        webauthn.generate_registration_options(
            rp_id=_host(),
            rp_name="Bolt",
            user_id=f"{current_user.id}".encode(),
            user_name=current_user.email,
            user_display_name=current_user.display_name,
            challenge=challenge,
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
        )
    )


@blueprint.post("/passkeys/answer")
def keep() -> ResponseReturnValue:
    """The device's answer: keep its public key."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    now = utc_now()
    waiting = _recall(now)
    if waiting.get("user") != current_user.id:
        abort(422, STALE)
    try:
        made = webauthn.verify_registration_response(
            credential=_answer(),
            expected_challenge=bytes.fromhex(waiting["challenge"]),
            expected_rp_id=_host(),
            expected_origin=_origin(),
            require_user_verification=True,
        )
    except WebAuthnException:
        abort(422, "The device's answer could not be checked. Try again.")
    with db.engine.session() as session:
        user = users.get(session, current_user.id)
        try:
            factors.add_passkey(
                session,
                user.id,
                credential_id=made.credential_id,
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
                name=waiting["name"],
            )
        except Conflict as known:
            abort(409, known.sentence)
        mails.put(session, user, "passkey_added", now=now, passkey=waiting["name"], ip=address())
        audit.by_user(session, user, "passkey_added", object=f"passkey {waiting['name']}", ip=address())
    flash(f"The passkey {waiting['name']} can sign in from now on.")
    return jsonify(location=url_for("two_factor.show"))


@blueprint.route("/passkeys/<int:passkey_id>/remove", methods=["GET", "POST"])
def remove(passkey_id: int) -> ResponseReturnValue:
    form, now = PasskeyForm(label="-"), utc_now()
    with db.engine.session() as session:
        found = next((key for key in factors.passkeys(session, current_user.id) if key.id == passkey_id), None)
    if found is None:
        abort(404)
    if not form.validate_on_submit():
        return show_form("remove_passkey.html", form, passkey=found)
    if page := unproved("remove_passkey.html", form, now, passkey=found):
        return page
    with db.engine.session() as session:
        name = factors.remove_passkey(session, current_user.id, passkey_id)
        user = users.get(session, current_user.id)
        mails.put(session, user, "passkey_removed", now=now, passkey=name, ip=address())
        audit.by_user(session, user, "passkey_removed", object=f"passkey {name}", ip=address())
    flash(f"The passkey {name} no longer signs in.")
    return redirect(url_for("two_factor.show"))


@blueprint.get("/login/passkey")
def ask() -> Response:
    """What the browser hands to the device to sign in; no account is named, so none can be found out."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    challenge = _remember(utc_now(), target=gate.safe_next(request.args.get("next")))
    options = webauthn.generate_authentication_options(
        rp_id=_host(), challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return jsonify(json.loads(webauthn.options_to_json(options)))


@blueprint.post("/login/passkey")
def enter() -> ResponseReturnValue:
    """The device's answer: sign its holder in."""
    now = utc_now()
    waiting = _recall(now)
    if "target" not in waiting:
        abort(422, STALE)
    with db.engine.session() as session:
        if throttles.claim(session, throttles.address_key(address()), throttles.ADDRESS, now=now) is not None:
            abort(429, "Too many failed attempts. Try again in a few minutes.")
    user = _holder(_answer(), bytes.fromhex(waiting["challenge"]), now)
    if user is None:
        with db.engine.session() as session:
            known: dict[str, Any] = {"ip": address(), "result": "failed", "detail": {"how": "passkey"}}
            audit.record(session, actor_id=None, actor="unknown", action="sign_in", **known)
        abort(401, UNKNOWN)
    response = begin(welcome(user, address=address(), now=now, how="passkey"), waiting["target"], now)
    response.headers.pop("Location", None)
    response.status_code = 200
    response.set_data(json.dumps({"location": waiting["target"]}))
    response.mimetype = "application/json"
    return response


def _holder(answer: dict[str, Any], challenge: bytes, now: datetime) -> User | None:
    """Whose key signed the challenge; None where it is unknown, wrong, or its account is disabled."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    with db.engine.session() as session:
        try:
            found = factors.passkey_of(session, webauthn.base64url_to_bytes(str(answer.get("rawId", ""))))
            if found is None:
                return None
            proof = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=_host(),
                expected_origin=_origin(),
                credential_public_key=found.public_key,
                credential_current_sign_count=found.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError):
            return None
        user = users.get(session, found.user_id)
        if user.disabled_at is not None:
            return None
        found.sign_count, found.used_at = proof.new_sign_count, now
    return user


def _remember(now: datetime, **more: Any) -> bytes:
    challenge = secrets.token_bytes(32)
    flask.session[CHALLENGE] = {"challenge": challenge.hex(), "at": int(now.timestamp()), **more}
    return challenge


def _recall(now: datetime) -> dict[str, Any]:
    """What was remembered, this once; empty where nothing was or it is too old."""
    waiting: dict[str, Any] = flask.session.pop(CHALLENGE, None) or {}
    return waiting if now.timestamp() - waiting.get("at", 0) <= WAITS else {}


def _answer() -> dict[str, Any]:
    answer = request.get_json(silent=True)
    if not isinstance(answer, dict):
        abort(400, "A JSON object is wanted here.")
    return answer


def _origin() -> str:
    return security.settings().public_url.rstrip("/") or request.host_url.rstrip("/")


def _host() -> str:
    """The name keys are bound to: without a port, as browsers want it."""
    return urlsplit(_origin()).hostname or "localhost"
