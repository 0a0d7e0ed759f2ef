"""Accounts, ended sessions and the throttle of guesses."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Stamped


class User(Stamped, Base):
    """A person. `session_version` grows to end all sessions; the owner is the first admin and cannot be removed."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'analyst', 'admin')", name="role"),
        CheckConstraint("NOT is_owner OR (role = 'admin' AND disabled_at IS NULL)", name="owner_stays"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index("uq_users_one_owner", "is_owner", unique=True, postgresql_where=text("is_owner")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str] = mapped_column(server_default="")
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(server_default="viewer")
    is_owner: Mapped[bool] = mapped_column(server_default=text("false"))
    session_version: Mapped[int] = mapped_column(server_default="1")
    disabled_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    preferences: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class EndedSession(Base):
    """A session somebody signed out of: its cookie must not work again, though its signature still would."""

    __tablename__ = "ended_sessions"

    sid: Mapped[str] = mapped_column(primary_key=True)
    forget_at: Mapped[datetime]


class UserSession(Base):
    """A session as its holder sees it in a list. What makes it valid is the cookie, `version` and `ended_sessions`."""

    __tablename__ = "user_sessions"
    __table_args__ = (Index("ix_user_sessions_user", "user_id", "seen_at"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    sid: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    version: Mapped[int]
    ip: Mapped[str]
    user_agent: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    forget_at: Mapped[datetime]


class Invitation(Base):
    """A way in for one person: who holds the token, of which only the hash is kept, may make an account once."""

    __tablename__ = "invitations"
    __table_args__ = (CheckConstraint("role IN ('viewer', 'analyst', 'admin')", name="role"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    email: Mapped[str | None]
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    withdrawn_at: Mapped[datetime | None]


class Throttle(Base):
    """Failed guesses of one account (known or not) or one address; `key` is `account:<hash>` or `address:<ip>`."""

    __tablename__ = "throttles"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(server_default="0")
    since: Mapped[datetime]
    blocked_until: Mapped[datetime | None]


class Instance(Base):
    """The one row that says who this installation is and whether the demo exchange is part of it."""

    __tablename__ = "instance"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    instance_id: Mapped[str] = mapped_column(server_default=text("gen_random_uuid()::text"))
    demo_enabled: Mapped[bool | None]
    demo_url: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DeskSetting(Base):
    """A setting an admin chose while Bolt ran; `value` as it would stand in the environment, which it wins over."""

    __tablename__ = "desk_settings"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
