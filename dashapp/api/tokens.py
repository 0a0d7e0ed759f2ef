"""Tokens of the API: what they say, how they are signed, when they are believed.

An access token serves 30 minutes, a refresh token 7 days and once. Both are JWTs (HS256); everything that came from
one sign-in is a family, which ends as a whole: with a sign-out, with a refresh token used twice, with a new password.
"""

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from db.queries import audit, tokens
from db.tables import User

log = logging.getLogger("bolt.api")

ACCESS, REFRESH = "access", "refresh"
LIFETIME = {ACCESS: 1_800, REFRESH: 604_800}  # seconds
FAMILY = timedelta(days=30)  # then the password is asked for again, however often tokens were refreshed
LEEWAY = 20  # seconds another host's clock may be ahead of ours
ISSUER, AUDIENCE, ALGORITHM = "bolt", "bolt-api", "HS256"
CLAIMS = ["exp", "iat", "nbf", "iss", "aud", "sub", "jti", "typ", "ver", "fam"]
HEADER = {"alg", "typ"}  # a token that brings a key or names one is not ours
PERSONAL = "bolt_"  # what personal tokens begin with, so that scanners of leaked secrets know them


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says that has not run out; whether it was revoked only the database knows."""

    user_id: int
    version: int
    family: str
    jti: str
    expires: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Tokens to hand out; each refresh gives new ones."""

    access: str
    refresh: str


def hkdf(key: bytes, purpose: bytes, length: int = 32) -> bytes:
    """RFC 5869 with SHA-256 and no salt; at most one block, so `length` up to 32."""
    extracted = hmac.new(bytes(32), key, hashlib.sha256).digest()
    return hmac.new(extracted, purpose + b"\x01", hashlib.sha256).digest()[:length]


@lru_cache
def signing_key(secret_key: str) -> bytes:
    """A key of its own, so that neither cookies nor forms can pass for tokens."""
    return hkdf(secret_key.encode(), b"bolt api tokens")


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def sign(kind: str, user: User, family: str, *, secret_key: str, now: datetime) -> str:
    import jwt  # late: it brings cryptography along, 8 MiB that a desk without callers of its API need not hold

    at = int(now.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user.id),
        "typ": kind,
        "ver": user.session_version,
        "fam": family,
        "jti": secrets.token_urlsafe(16),
        "iat": at,
        "nbf": at,
        "exp": at + LIFETIME[kind],
    }
    return jwt.encode(claims, signing_key(secret_key), algorithm=ALGORITHM)


def read(token: str, kind: str, *, secret_key: str, now: datetime) -> Claims | None:
    """What a token of this kind says; None unless every claim is there, right, and in time."""
    import jwt  # late, as above

    try:
        if not HEADER.issuperset(jwt.get_unverified_header(token)):
            return None
        found: dict[str, Any] = jwt.decode(
            token,
            signing_key(secret_key),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY,
            options={"require": CLAIMS, "enforce_minimum_key_length": True},
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None
    numbers = (found["exp"], found["iat"], found["ver"])
    words = (found["fam"], found["jti"], found["sub"])
    if not all(type(n) is int for n in numbers) or not all(isinstance(w, str) for w in words):
        return None
    if found["typ"] != kind or found["exp"] <= now.timestamp() or found["exp"] - found["iat"] != LIFETIME[kind]:
        return None
    if not found["sub"].isascii() or not found["sub"].isdigit():
        return None
    return Claims(int(found["sub"]), found["ver"], found["fam"], found["jti"], found["exp"])


def begin(session: Session, user: User, *, secret_key: str, now: datetime) -> Pair:
    """The tokens of a new sign-in."""
    family = secrets.token_urlsafe(16)
    pair = _pair(user, family, secret_key=secret_key, now=now)
    tokens.start_family(session, family, user, digest(pair.refresh), now=now, expires_at=now + FAMILY)
    return pair


def holder(session: Session, claims: Claims, *, now: datetime) -> User | None:
    """Whose token this is, if it still holds."""
    return tokens.holder(
        session, user_id=claims.user_id, family_id=claims.family, jti=claims.jti, version=claims.version, now=now
    )


def refresh(
    session: Session, token: str, claims: Claims, *, secret_key: str, now: datetime, ip: str = ""
) -> Pair | None:
    """New tokens for a refresh token; a second use of it ends the whole family, and the answer is None."""
    user = holder(session, claims, now=now)
    if user is not None:
        pair = _pair(user, claims.family, secret_key=secret_key, now=now)
        if tokens.rotate(session, claims.family, digest(token), digest(pair.refresh), now=now):
            return pair
    tokens.revoke_family(session, claims.family, now=now)  # before the log is locked: many at once go in order
    if user is not None:
        log.warning("token_reuse", extra={"account": user.id, "address": ip})
        audit.by_user(session, user, "token_reuse", object=f"user {user.email}", ip=ip, result="denied")
    return None


def end(session: Session, claims: Claims, *, now: datetime) -> None:
    """Sign out: this token, and every other one of the same sign-in, is refused from now on."""
    tokens.revoke_token(session, claims.jti, now=now, forget_at=now + timedelta(seconds=LIFETIME[ACCESS] + LEEWAY))
    tokens.revoke_family(session, claims.family, now=now)


def new_personal() -> str:
    """A personal token: 256 random bits."""
    return PERSONAL + secrets.token_urlsafe(32)


def _pair(user: User, family: str, *, secret_key: str, now: datetime) -> Pair:
    return Pair(*(sign(kind, user, family, secret_key=secret_key, now=now) for kind in (ACCESS, REFRESH)))
