"""The second factor: codes of an authenticator (TOTP, RFC 6238) and backup codes.

A code serves once, in its half-minute or the one after. Five wrong ones pause the account's second step.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from io import BytesIO

from sqlalchemy.orm import Session

import db.engine
from core import vault
from core.errors import Refused
from core.settings import Settings
from db.queries import audit, factors, mails, throttles
from db.tables import User

PURPOSE = "totp"
STEP = 30  # seconds
CODES, LETTERS = 10, 10  # backup codes; 50 bits each
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
RULE = throttles.Rule(limit=5, window=timedelta(minutes=15), doubling=True)
WRONG = "That code is not right, or it was used before. Wait for the next one and try that."


def key_of(user_id: int) -> str:
    """The throttle's name of an account's second step."""
    return f"code:{user_id}"


def offer(session: Session, user: User, settings: Settings, *, now: datetime) -> str:
    """A new secret to scan; it counts once a code of it was typed. Raises Conflict where one is on."""
    import pyotp  # late: few requests need it

    secret = pyotp.random_base32()
    factors.offer_totp(session, user.id, vault.seal(settings.secret_key, PURPOSE, secret), now=now)
    return secret


def offered(session: Session, user: User, settings: Settings) -> str | None:
    """The secret that waits for its first code."""
    found = factors.totp(session, user.id)
    if found is None or found.confirmed_at is not None:
        return None
    return vault.unseal(settings.secret_key, PURPOSE, found.sealed)


def address_of(secret: str, user: User, host: str) -> str:
    """What an authenticator reads from the picture."""
    import pyotp

    return str(pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=f"Bolt {host}"))


def picture(address: str) -> str:
    """The address as a QR code: SVG whose colours come from the page."""
    import segno

    out = BytesIO()
    segno.make(address, error="m").save(
        out, kind="svg", scale=4, border=2, xmldecl=False, svgns=True, dark="#000", light="#fff", title="QR code"
    )
    return out.getvalue().decode()


def turn_on(session: Session, user: User, typed: str, settings: Settings, *, now: datetime, ip: str) -> list[str]:
    """Confirm the offered secret by a code of it; returns the backup codes. Raises Refused for a wrong code."""
    secret = offered(session, user, settings)
    step = None if secret is None else _step(secret, typed, now)
    if step is None or not factors.take_step(session, user.id, step):
        raise Refused(WRONG)
    factors.confirm_totp(session, user.id, now=now)
    codes = _new_codes(session, user)
    mails.put(session, user, "factor_on", now=now, ip=ip)
    audit.by_user(session, user, "two_factor_on", object=f"user {user.email}", ip=ip)
    return codes


def turn_off(session: Session, user: User, *, now: datetime, ip: str, actor: str = "") -> None:
    """Back to the password alone. `actor` is who did it where it was not the holder."""
    factors.remove_totp(session, user.id)
    mails.put(session, user, "factor_off", now=now, ip=ip)
    who = {"actor_id": None, "actor": actor} if actor else {"actor_id": user.id, "actor": user.email}
    audit.record(session, action="two_factor_off", object=f"user {user.email}", ip=ip, **who)


def renew_codes(session: Session, user: User, *, now: datetime, ip: str) -> list[str]:
    """New backup codes; the old ones end."""
    if not factors.totp_on(session, user.id):
        raise Refused("Turn on two-factor sign-in first.")
    codes = _new_codes(session, user)
    mails.put(session, user, "codes_made", now=now, ip=ip)
    audit.by_user(session, user, "backup_codes_made", object=f"user {user.email}", ip=ip)
    return codes


def check(user: User, typed: str, settings: Settings, *, now: datetime, ip: str) -> bool | datetime:
    """Whether a code of the authenticator or a backup code fits, used up if so; or when the next try is free.

    A try is counted before it is made, in a transaction of its own.
    """
    with db.engine.session() as session:
        retry_at = throttles.claim(session, key_of(user.id), RULE, now=now)
    if retry_at is not None:
        return retry_at
    with db.engine.session() as session:
        right = _use(session, user, typed, settings, now, ip)
        if right:
            throttles.forget(session, key_of(user.id))
        else:
            audit.by_user(session, user, "sign_in", ip=ip, result="failed", reason="wrong code")
    return right


def _use(session: Session, user: User, typed: str, settings: Settings, now: datetime, ip: str) -> bool:
    found = factors.totp(session, user.id)
    if found is None or found.confirmed_at is None:
        return False
    plain = "".join(typed.split()).replace("-", "").lower()
    if plain.isdecimal() and plain.isascii() and len(plain) == 6:
        step = _step(vault.unseal(settings.secret_key, PURPOSE, found.sealed), plain, now)
        return step is not None and factors.take_step(session, user.id, step)
    if not factors.use_backup_code(session, user.id, digest(plain), now=now):
        return False
    left = factors.codes_left(session, user.id)
    mails.put(session, user, "code_used", now=now, ip=ip, left=left)
    audit.by_user(session, user, "backup_code_used", ip=ip, left=left)
    return True


def _step(secret: str, typed: str, now: datetime) -> int | None:
    """The half-minute a code belongs to: this one or the one before."""
    import pyotp

    current = int(now.timestamp()) // STEP
    for step in (current, current - 1):
        if secrets.compare_digest(pyotp.TOTP(secret).generate_otp(step).encode(), typed.strip().encode()):
            return step
    return None


def _new_codes(session: Session, user: User) -> list[str]:
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(CODES)]
    factors.set_backup_codes(session, user.id, map(digest, codes))
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def digest(code: str) -> str:
    """What is kept of a backup code: with 50 random bits a plain SHA-256 can't be searched through."""
    return hashlib.sha256(code.encode()).hexdigest()
