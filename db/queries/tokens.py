"""Validity of the API's tokens. All of it stands in PostgreSQL: a flushed Redis makes no dead token live again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import NotFound, Refused
from db.queries.expired import sweep
from db.tables import ApiToken, IdempotencyKey, RevokedToken, TokenFamily, User

TOKENS_AT_MOST = 50  # of one person
USED_EVERY = timedelta(minutes=1)  # the last use is noted no more often
KEYS_KEPT = timedelta(days=1)
ABANDONED = timedelta(minutes=2)  # a request that has not been answered for so long died on its way


# Sign-ins


def start_family(
    session: Session, family_id: str, user: User, refresh_hash: str, *, now: datetime, expires_at: datetime
) -> None:
    """Record a sign-in; forgets families that have ended by themselves."""
    sweep(session, TokenFamily, TokenFamily.expires_at < now)
    session.add(
        TokenFamily(
            id=family_id,
            user_id=user.id,
            version=user.session_version,
            refresh_hash=refresh_hash,
            created_at=now,
            expires_at=expires_at,
        )
    )
    session.flush()


def rotate(session: Session, family_id: str, old_hash: str, new_hash: str, *, now: datetime) -> bool:
    """Replace the family's refresh token; False where `old_hash` is not the valid one. Of many at once, one wins."""
    valid = and_(TokenFamily.refresh_hash == old_hash, _alive(now))
    changed = update(TokenFamily).where(TokenFamily.id == family_id, valid).values(refresh_hash=new_hash)
    return session.execute(changed.returning(TokenFamily.id)).first() is not None


def revoke_family(session: Session, family_id: str, *, now: datetime) -> bool:
    """End every token of a sign-in; False where it had ended."""
    alive = and_(TokenFamily.id == family_id, TokenFamily.revoked_at.is_(None))
    changed = update(TokenFamily).where(alive).values(revoked_at=now)
    return session.execute(changed.returning(TokenFamily.id)).first() is not None


def revoke_token(session: Session, jti: str, *, now: datetime, forget_at: datetime) -> None:
    """Refuse one token from now on; `forget_at` is when it would end in any case."""
    sweep(session, RevokedToken, RevokedToken.forget_at < now)
    session.execute(insert(RevokedToken).values(jti=jti, forget_at=forget_at).on_conflict_do_nothing())


def holder(session: Session, *, user_id: int, family_id: str, jti: str, version: int, now: datetime) -> User | None:
    """Whose token this is; None where the sign-in, the token, the session version or the account has ended."""
    query = (
        select(User)
        .join(TokenFamily, TokenFamily.user_id == User.id)
        .where(
            User.id == user_id,
            User.disabled_at.is_(None),
            User.session_version == version,
            TokenFamily.id == family_id,
            TokenFamily.version == version,
            _alive(now),
            ~exists().where(RevokedToken.jti == jti),
        )
    )
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _alive(now: datetime) -> ColumnElement[bool]:
    return and_(TokenFamily.revoked_at.is_(None), TokenFamily.expires_at > now)


# Personal tokens


def add_personal(
    session: Session,
    user: User,
    *,
    name: str,
    token_hash: str,
    scopes: Sequence[str],
    now: datetime,
    expires_at: datetime,
) -> ApiToken:
    """Keep a personal token; raises Refused where the person has as many as one may."""
    session.execute(select(User.id).where(User.id == user.id).with_for_update())  # two requests count one by one
    valid = and_(ApiToken.version == user.session_version, ApiToken.expires_at > now)
    session.execute(delete(ApiToken).where(ApiToken.user_id == user.id, ~valid))
    if len(personal(session, user.id)) >= TOKENS_AT_MOST:
        raise Refused(f"You have {TOKENS_AT_MOST} tokens already. Remove one that you no longer need.")
    made = ApiToken(
        user_id=user.id,
        version=user.session_version,
        name=name,
        token_hash=token_hash,
        scopes=list(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(made)
    session.flush()
    return made


def personal(session: Session, user_id: int) -> list[ApiToken]:
    """The personal tokens of an account, newest first."""
    return list(session.scalars(select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())))


def remove_personal(session: Session, user_id: int, token_id: int) -> None:
    """End a personal token; raises NotFound, alike for those of others and for none."""
    gone = delete(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user_id)
    if session.execute(gone.returning(ApiToken.id)).first() is None:
        raise NotFound("There is no such token.")


def use_personal(session: Session, token_hash: str, *, now: datetime) -> tuple[User, ApiToken] | None:
    """Whose personal token this is, and the token; None where it does not exist or has ended."""
    query = (
        select(User, ApiToken)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(
            ApiToken.token_hash == token_hash,
            ApiToken.expires_at > now,
            ApiToken.version == User.session_version,
            User.disabled_at.is_(None),
        )
    )
    found = session.execute(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        return None
    user, token = found
    if token.used_at is None or now - token.used_at > USED_EVERY:
        token.used_at = now
    return user, token


# Requests that must have their effect once


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key: `same` request or another one, and its answer, None while it is being worked out."""

    same: bool
    status: int | None
    body: str | None
    location: str | None


def claim_key(session: Session, user_id: int, key: str, request_hash: str, *, now: datetime) -> Kept | None:
    """Take a key for this request; where it was taken before, what is known of it instead."""
    dead = and_(IdempotencyKey.status.is_(None), IdempotencyKey.created_at < now - ABANDONED)
    sweep(session, IdempotencyKey, or_(IdempotencyKey.created_at < now - KEYS_KEPT, dead))
    put = insert(IdempotencyKey).values(user_id=user_id, key=key, request_hash=request_hash, created_at=now)
    if session.execute(put.on_conflict_do_nothing().returning(IdempotencyKey.key)).first() is not None:
        return None
    row = session.get(IdempotencyKey, (user_id, key), populate_existing=True)
    if row is None:  # given back in between
        return Kept(same=True, status=None, body=None, location=None)
    return Kept(row.request_hash == request_hash, row.status, row.body, row.location)


def keep_answer(session: Session, user_id: int, key: str, *, status: int, body: str, location: str | None) -> None:
    """What the same request gets from now on."""
    mine = and_(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    session.execute(update(IdempotencyKey).where(mine).values(status=status, body=body, location=location))


def give_key_back(session: Session, user_id: int, key: str) -> None:
    """The request had no effect: it may be tried again."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key))
