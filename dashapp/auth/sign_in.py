"""Trying a password: counted before it is tried, and as slow for an unknown account as for a known one."""

import logging
from dataclasses import dataclass
from datetime import datetime

import db.engine
from dashapp.auth import passwords
from dashapp.auth.turns import in_turn
from db.queries import audit, factors, throttles, users
from db.tables import User

log = logging.getLogger("bolt.auth")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Either the user whose password was right, or when to come back, or neither: the pair was wrong.

    Where `needs_code` is set nobody is signed in yet: `factors.check` decides, then `welcome`.
    """

    user: User | None = None
    retry_at: datetime | None = None
    needs_code: bool = False


@in_turn
def sign_in(email: str, password: str, *, address: str, now: datetime) -> Attempt:
    """Check a pair of e-mail and password in three short steps, the slow one outside any transaction."""
    email = users.normal_email(email)
    retry_at = claim(address, email, now)
    if retry_at is not None:
        log.warning("login_paused", extra={"address": address})
        return Attempt(retry_at=retry_at)
    with db.engine.session() as session:
        user = users.by_email(session, email)
    right = passwords.matches(user.password_hash if user else None, password)
    if user is None or not right or user.disabled_at is not None:
        log.warning("login_fail", extra={"address": address, "account": user.id if user else None})
        _note_failure(user, right, address)
        return Attempt()
    fresh = passwords.make_hash(password) if passwords.outdated(user.password_hash) else None
    with db.engine.session() as session:
        needs_code = factors.totp_on(session, user.id)
        if fresh:
            users.get(session, user.id).password_hash = fresh
    if needs_code:
        return Attempt(user=user, needs_code=True)
    return Attempt(user=welcome(user, address=address, now=now))


def _note_failure(user: User | None, right: bool, address: str) -> None:
    """Into the audit log; what was typed as an address is left out, for it may be a password."""
    with db.engine.session() as session:
        if user is None:
            audit.record(session, actor_id=None, actor="unknown", action="sign_in", ip=address, result="failed")
        else:
            reason = "account disabled" if right else "wrong password"
            audit.by_user(session, user, "sign_in", ip=address, result="failed", reason=reason)


def claim(address: str, email: str, now: datetime) -> datetime | None:
    """Count an attempt of this address and this account; when to come back where either is paused."""
    with db.engine.session() as session:
        by_address = throttles.claim(session, throttles.address_key(address), throttles.ADDRESS, now=now)
    if by_address is not None:
        return by_address
    with db.engine.session() as session:
        return throttles.claim(session, throttles.account_key(email), throttles.ACCOUNT, now=now)


@in_turn
def prove(user_id: int, email: str, password: str, *, address: str, now: datetime) -> bool | datetime:
    """Whether somebody signed in knows the password, asked for before what can't be undone; counted as a sign-in is.

    When to come back where tries are paused.
    """
    retry_at = claim(address, email, now)
    if retry_at is not None:
        return retry_at
    with db.engine.session() as session:
        stored = users.get(session, user_id).password_hash
    if not passwords.matches(stored, password):
        note_wrong(user_id, address)
        return False
    with db.engine.session() as session:
        throttles.proved(session, address, email)
    return True


def note_wrong(user_id: int, address: str) -> None:
    """Into the audit log: whoever is signed in as this account did not know its password."""
    with db.engine.session() as session:
        user = users.get(session, user_id)
        audit.by_user(session, user, "reauthentication", ip=address, result="failed", reason="wrong password")


def welcome(user: User, *, address: str, now: datetime, how: str = "password") -> User:
    """Note that somebody is in: earlier failures are forgotten, the audit log says so."""
    with db.engine.session() as session:
        throttles.proved(session, address, user.email)
        stored = users.get(session, user.id)
        stored.last_login_at = now
        audit.by_user(session, stored, "sign_in", ip=address, how=how)
    log.info("login_ok", extra={"address": address, "account": stored.id})
    return stored
