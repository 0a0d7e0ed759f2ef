"""Personal tokens, for programs that act for somebody."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

import db.engine
from core.clock import utc_now
from dashapp.api import guard, tokens
from dashapp.api.reauthentication import Reauthentication, reauthenticated
from dashapp.api.route import Resource
from dashapp.api.schemas import Answer, Time
from dashapp.auth import passwords
from db.queries import audit, users
from db.queries import tokens as stored
from db.tables import ApiToken

resource = Resource("Account")


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
    """`token` is shown this once; Bolt keeps its hash, and with an `Idempotency-Key` this answer, sealed, for a day."""

    token: str = Field(examples=["bolt_EXAMPLE"])
    about: PersonalToken


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
    once=True,
)
def make_token(body: NewPersonalToken) -> MadePersonalToken:
    """Make a token for a program. It reads, and with the scope train starts and cancels jobs, as far as you may."""
    me, now, token = guard.caller(), utc_now(), tokens.new_personal()
    with reauthenticated(), db.engine.session() as session:
        user = users.get(session, me.id)
        if not passwords.matches(user.password_hash, body.current_password):
            raise passwords.WrongPassword
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
