"""Signing in and the own account."""

from datetime import datetime
from typing import Literal

from flask import abort
from pydantic import Field

import db.engine
from core import currencies, locales
from core.clock import utc_now
from core.errors import Forbidden
from dashapp import security
from dashapp.api import guard, tokens
from dashapp.api.limits import seconds_until
from dashapp.api.reauthentication import Reauthentication, reauthenticated
from dashapp.api.route import Resource
from dashapp.api.schemas import NAME, Answer, Body, Email, Password, Time
from dashapp.api.tokens import ACCESS, LIFETIME, REFRESH, Pair
from dashapp.auth import accounts, factors, sessions
from dashapp.auth.sign_in import sign_in, welcome
from db.queries import users
from db.tables import User

WRONG = "E-mail and password do not belong together."
CODE_FIRST = "This account has two-factor sign-in: send the code of its authenticator as `code` as well."
STALE = "This refresh token is not valid. Sign in again."
CLOSED = "This desk makes no accounts by itself. Ask an admin of it."
READY = "If the address was free, the account is ready. Sign in with it."
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl"

resource = Resource("Account")


class Credentials(Body):
    email: Email
    password: Password
    code: str | None = Field(
        default=None,
        max_length=40,
        examples=[None],
        description="Six digits of the authenticator, or a backup code, for accounts with two-factor sign-in.",
    )


class TokenPair(Answer):
    """`expires_in` is of the access token, in seconds; the refresh token serves once, within 7 days."""

    access_token: str = Field(examples=[JWT])
    refresh_token: str = Field(examples=[JWT])
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the word of RFC 6750
    expires_in: int = LIFETIME[ACCESS]

    @classmethod
    def of(cls, pair: Pair) -> "TokenPair":
        return cls(access_token=pair.access, refresh_token=pair.refresh)


class RefreshToken(Body):
    refresh_token: str = Field(max_length=4_096, examples=[JWT])


class Registration(Body):
    email: Email
    password: Password
    display_name: str = NAME
    invitation: str = Field(default="", max_length=200, examples=[""], description="Where the desk asks for one.")


class Registered(Answer):
    detail: str = READY


class Account(Answer):
    id: int = Field(examples=[7])
    email: str = Field(examples=["mara@example.org"])
    display_name: str = Field(examples=["Mara"])
    role: Literal["viewer", "analyst", "admin"] = Field(examples=["analyst"])
    is_owner: bool = Field(examples=[False])
    theme: str = Field(examples=["dark"])
    updown: str = Field(examples=["teal-vermillion"])
    time_zone: str = Field(examples=["Europe/Lisbon"], description="Empty: that of the browser.")
    locale: locales.Tag = Field(
        examples=["en-GB"], description="How pages write numbers and dates; the API never does."
    )
    currency: currencies.Code = Field(examples=["USD"], description="Of market capitalisations on pages.")
    notify_sign_in: bool = Field(examples=[True])
    created_at: Time

    @classmethod
    def of(cls, user: User) -> "Account":
        looks = accounts.PREFERENCES | user.preferences
        shown = {k: getattr(user, k) for k in ("id", "email", "display_name", "role", "is_owner", "created_at")}
        return cls(**{name: looks[name] for name in accounts.PREFERENCES}, **shown)


class AccountChange(Body):
    """What is left out stays as it is."""

    display_name: str | None = Field(default=None, max_length=80, examples=["Mara"])
    theme: Literal["dark", "light", "system"] | None = Field(default=None, examples=["dark"])
    updown: Literal["teal-vermillion", "blue-orange", "green-red"] | None = Field(
        default=None, examples=["teal-vermillion"]
    )
    time_zone: str | None = Field(default=None, max_length=60, examples=["Europe/Lisbon"])
    locale: locales.Tag | None = Field(default=None, examples=["en-GB"])
    currency: currencies.Code | None = Field(default=None, examples=["USD"])
    notify_sign_in: bool | None = Field(default=None, examples=[True])


class PasswordChange(Reauthentication):
    new_password: Password


@resource("POST", "/auth/login", answer=TokenPair, body=Credentials, role=None, guessing=True, problems=(401,))
def login(body: Credentials) -> TokenPair:
    """Sign in with e-mail and password."""
    guard.claim_account(body.email)
    now = utc_now()
    attempt = sign_in(body.email, body.password, address=guard.address(), now=now)
    if attempt.retry_at is not None:
        guard.pause(seconds_until(attempt.retry_at, now))
    if attempt.user is None:
        abort(401, WRONG)
    if attempt.needs_code:
        _check_code(attempt.user, body.code, now)
    with db.engine.session() as session:
        return TokenPair.of(tokens.begin(session, attempt.user, secret_key=_key(), now=now))


def _check_code(user: User, typed: str | None, now: datetime) -> None:
    """The second step: the code, or what to do about it."""
    if not typed:
        abort(401, CODE_FIRST)
    right = factors.check(user, typed, security.settings(), now=now, ip=guard.address())
    if isinstance(right, datetime):
        guard.pause(seconds_until(right, now))
    if not right:
        abort(401, factors.WRONG)
    welcome(user, address=guard.address(), now=now, how="password and code")


@resource(
    "POST",
    "/auth/refresh",
    answer=TokenPair,
    body=RefreshToken,
    role=None,
    guessing=True,
    hashes=False,
    problems=(401,),
)
def refresh(body: RefreshToken) -> TokenPair:
    """New tokens for a refresh token, which then is used up; using it again ends the whole sign-in."""
    now = utc_now()
    claims = tokens.read(body.refresh_token, REFRESH, secret_key=_key(), now=now)
    pair = None
    if claims is not None:
        with db.engine.session() as session:
            ip = guard.address()
            pair = tokens.refresh(session, body.refresh_token, claims, secret_key=_key(), now=now, ip=ip)
    if pair is None:
        abort(401, STALE)
    return TokenPair.of(pair)


@resource("POST", "/auth/logout", answer=None, status=204, scope=None)
def logout() -> None:
    """End this sign-in: its access and refresh tokens are refused from now on."""
    claims = guard.caller().claims
    if claims is not None:
        with db.engine.session() as session:
            tokens.end(session, claims, now=utc_now())
            guard.note(session, guard.caller(), "sign_out", how="token")


@resource(
    "POST",
    "/auth/register",
    answer=Registered,
    status=202,
    body=Registration,
    role=None,
    guessing=True,
    problems=(403, 404),
)
def register(body: Registration) -> Registered:
    """Make an account, where this desk lets people do so."""
    how = security.settings().registration
    if how == "closed" or (how == "invite" and not body.invitation):
        raise Forbidden(CLOSED if how == "closed" else "An account here needs an invitation of an admin.")
    guard.claim_account(body.email)
    with db.engine.session() as session:
        accounts.register(
            session,
            *(body.email, body.password, body.display_name),
            invitation=body.invitation,
            now=utc_now(),
            ip=guard.address(),
        )
    return Registered()


@resource("GET", "/auth/me", answer=Account)
def show_me() -> Account:
    """Whose token this is."""
    with db.engine.session() as session:
        return Account.of(users.get(session, guard.caller().id))


@resource("PATCH", "/auth/me", answer=Account, body=AccountChange, scope=None)
def change_me(body: AccountChange) -> Account:
    """Change name and looks; role and address are not for oneself to change here."""
    with db.engine.session() as session:
        user = users.get(session, guard.caller().id)
        wanted = body.model_dump(exclude_none=True)
        name = wanted.pop("display_name", user.display_name)
        accounts.change_profile(session, user.id, display_name=name, preferences=wanted, ip=guard.address())
        session.refresh(user)
        return Account.of(user)


@resource("DELETE", "/auth/me", answer=None, status=204, body=Reauthentication, scope=None, guessing=True)
def remove_me(body: Reauthentication) -> None:
    """Delete the account. The owner can't be deleted."""
    with reauthenticated(), db.engine.session() as session:
        accounts.remove(session, guard.caller().id, body.current_password, ip=guard.address())
    sessions.forget_answers()


@resource("POST", "/auth/password", answer=TokenPair, body=PasswordChange, scope=None, guessing=True)
def change_password(body: PasswordChange) -> TokenPair:
    """Change the password. Every session and token ends; the answer holds new ones."""
    me = guard.caller()
    with reauthenticated(), db.engine.session() as session:
        accounts.change_password(
            session, me.id, body.current_password, body.new_password, now=utc_now(), ip=guard.address()
        )
    sessions.forget_answers()
    with db.engine.session() as session:
        return TokenPair.of(tokens.begin(session, users.get(session, me.id), secret_key=_key(), now=utc_now()))


def _key() -> str:
    return security.settings().secret_key
