"""What makes tokens of the API valid or invalid, and answers kept for repeated requests."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base


class TokenFamily(Base):
    """Everything that came from one sign-in at the API. Only the newest refresh token, by its SHA-256, is valid.

    `version` is the account's session version at the sign-in. After `expires_at` the password is needed again.
    """

    __tablename__ = "token_families"
    __table_args__ = (Index("ix_token_families_expires", "expires_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    version: Mapped[int]
    refresh_hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RevokedToken(Base):
    """A token that was given back before its time; forgotten once its signature would be refused anyway."""

    __tablename__ = "revoked_tokens"

    jti: Mapped[str] = mapped_column(primary_key=True)
    forget_at: Mapped[datetime]


class ApiToken(Base):
    """A person's own token for programs, by its SHA-256. It ends with the session version it was made under."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    version: Mapped[int]
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """A request that must have its effect once. `status` is None while it is being answered."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("(status IS NULL) = (body IS NULL)", name="answered"),
        Index("ix_idempotency_keys_created", "created_at"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    created_at: Mapped[datetime]
    status: Mapped[int | None]
    body: Mapped[str | None]
    location: Mapped[str | None]
