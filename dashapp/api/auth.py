"""Signing in, the own account and personal tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Literal

from flask import abort
from pydantic import Field

import db.engine
from core.clock import utc_now
from core.errors import Conflict, Forbidden
from dashapp import security
from dashapp.api import guard, tokens
from dashapp.api.limits import seconds_until
from dashapp.api.route import Resource
from dashapp.api.schemas import NAME, Answer, Body, Email, Password, Time
from dashapp.api.tokens import ACCESS, LIFETIME, REFRESH, Pair
from dashapp.auth import accounts, factors, passwords, sessions
from dashapp.auth.sign_in import claim, sign_in, welcome
from db.queries import audit, throttles, users
from db.queries import tokens as stored
from db.tables import ApiToken, User

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
    notify_sign_in: bool | None = Field(default=None, examples=[True])


class Reauthentication(Body):
    current_password: Password


class PasswordChange(Reauthentication):
    new_password: Password


class PersonalToken(Answer):
    id: int = Field(examples=[3])
    name: str = Field(examples=["nightly report"])
    scopes: list[str] = Field(examples=[["read"]])
    created_at: Time
    expires_at: Time
    used_at: Time | None

    @classmethod
    def of(cls, token: ApiToken) -> "PersonalToken":
        return cls.model_validate({k: getattr(token, k) for k in cls.model_fields if hasattr(token, k)})


class PersonalTokens(Answer):
    items: list[PersonalToken]


class NewPersonalToken(Reauthentication):
    name: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["nightly report"])
    scopes: Annotated[list[Literal["read", "train"]], Field(min_length=1, max_length=2, examples=[["read"]])]
    days: int = Field(default=90, ge=1, le=366, description="After so many days it ends by itself.")


class MadePersonalToken(Answer):
    """`token` is shown this once; Bolt keeps its hash."""

    token: str = Field(examples=["bolt_EXAMPLE"])
    about: PersonalToken


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


@resource("POST", "/auth/refresh", answer=TokenPair, body=RefreshToken, role=None, guessing=True, problems=(401,))
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
    try:
        with db.engine.session() as session:
            accounts.register(
                session,
                *(body.email, body.password, body.display_name),
                invitation=body.invitation,
                now=utc_now(),
                ip=guard.address(),
            )
    except Conflict:  # the address is taken; to say so would tell strangers who is here
        return Registered()
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
    with _reauthenticated(), db.engine.session() as session:
        accounts.remove(session, guard.caller().id, body.current_password, ip=guard.address())
    sessions.forget_answers()


@resource("POST", "/auth/password", answer=TokenPair, body=PasswordChange, scope=None, guessing=True)
def change_password(body: PasswordChange) -> TokenPair:
    """Change the password. Every session and token ends; the answer holds new ones."""
    me = guard.caller()
    with _reauthenticated(), db.engine.session() as session:
        accounts.change_password(
            session, me.id, body.current_password, body.new_password, now=utc_now(), ip=guard.address()
        )
    sessions.forget_answers()
    with db.engine.session() as session:
        return TokenPair.of(tokens.begin(session, users.get(session, me.id), secret_key=_key(), now=utc_now()))


@resource("GET", "/auth/tokens", answer=PersonalTokens, scope=None)
def list_tokens() -> PersonalTokens:
    """Your personal tokens, newest first."""
    with db.engine.session() as session:
        return PersonalTokens(items=[PersonalToken.of(t) for t in stored.personal(session, guard.caller().id)])


@resource(
    "POST",
    "/auth/tokens",
    answer=MadePersonalToken,
    status=201,
    body=NewPersonalToken,
    scope=None,
    guessing=True,
)
def make_token(body: NewPersonalToken) -> MadePersonalToken:
    """Make a token for a program. It reads, and with the scope train starts and cancels jobs, as far as you may."""
    me, now, token = guard.caller(), utc_now(), tokens.new_personal()
    with _reauthenticated(), db.engine.session() as session:
        user = users.get(session, me.id)
        if not passwords.matches(user.password_hash, body.current_password):
            raise Forbidden("That is not your current password.")
        scopes, ends = sorted(set(body.scopes)), now + timedelta(days=body.days)
        made = stored.add_personal(
            session, user, name=body.name, token_hash=tokens.digest(token), scopes=scopes, now=now, expires_at=ends
        )
        audit.by_user(session, user, "token_made", object=f"token {made.id}", ip=guard.address(), scopes=scopes)
        return MadePersonalToken(token=token, about=PersonalToken.of(made))


@resource("DELETE", "/auth/tokens/<int(max=2147483647):token_id>", answer=None, status=204, scope=None, problems=(404,))
def remove_token(token_id: int) -> None:
    """End a personal token."""
    with db.engine.session() as session:
        stored.remove_personal(session, guard.caller().id, token_id)
        me = users.get(session, guard.caller().id)
        audit.by_user(session, me, "token_removed", object=f"token {token_id}", ip=guard.address())


def _key() -> str:
    return security.settings().secret_key


@contextmanager
def _reauthenticated() -> Iterator[None]:
    """Count a try of the current password as the sign-in page does; a right one is given back."""
    me, now = guard.caller(), utc_now()
    guard.claim_account(me.email)
    retry_at = claim(guard.address(), me.email, now)
    if retry_at is not None:
        guard.pause(seconds_until(retry_at, now))
    yield
    with db.engine.session() as session:
        throttles.forget(session, throttles.account_key(me.email))
        throttles.give_back(session, throttles.address_key(guard.address()))
