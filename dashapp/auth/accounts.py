"""What can be done with an account. Nothing here commits: the caller's transaction does."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from core import currencies, locales
from core.email_address import check_email
from core.errors import Conflict, Forbidden, NotFound, Refused
from core.roles import Role
from dashapp.auth import passwords
from db.queries import audit, invitations, mails, throttles, users
from db.tables import User

NAME_LENGTH = 80
THEMES = ("dark", "light", "system")
UPDOWNS = ("teal-vermillion", "blue-orange", "green-red")  # of up and down; the first is safe for colour-blind eyes
PREFERENCES: dict[str, Any] = {  # where nothing was chosen
    "theme": "dark",
    "updown": UPDOWNS[0],
    "time_zone": "",  # the browser's
    "locale": locales.DEFAULT.tag,
    "currency": currencies.DOLLAR.code,
    "notify_sign_in": True,
}


def create_owner(
    session: Session, email: str, password: str, display_name: str = "", *, ip: str = "", actor: str = ""
) -> User:
    """The first account, an admin that cannot be removed. `actor` is who made it, where not the owner did.

    Raises Conflict where an owner exists, WeakPassword or Refused where the input does not do.
    """
    if users.owner_exists(session):
        raise Conflict("This desk has an owner already. Sign in instead.")
    check_email(email)
    check_name(display_name)
    passwords.check(password, words=(email, display_name))
    owner = users.add(
        session,
        email,
        display_name=display_name,
        password_hash=passwords.make_hash(password),
        role=Role.ADMIN,
        is_owner=True,
    )
    who, name = (None, actor) if actor else (owner.id, owner.email)
    audit.record(session, actor_id=who, actor=name, action="owner_created", object=f"user {owner.email}", ip=ip)
    return owner


def register(
    session: Session,
    email: str,
    password: str,
    display_name: str = "",
    *,
    invitation: str = "",
    now: datetime,
    ip: str = "",
) -> None:
    """An account as `invitation` (its token) says, or a viewer's without one; an invitation is used up with it.

    Nobody is told that an address is taken: callers could pass it on to strangers. The same work is done, and it is
    written down. Raises NotFound for a stale invitation, Refused or WeakPassword for input that does not do.
    """
    offer = invitations.usable(session, invitation, now=now) if invitation else None
    check_email(email)
    check_name(display_name)
    if offer and offer.email and offer.email != users.normal_email(email):
        raise Refused("This invitation is for another address.")
    passwords.check(password, words=(email, display_name))
    role, how = (Role(offer.role), f"invitation {offer.id}") if offer else (Role.VIEWER, "open registration")
    wanted = f"user {users.normal_email(email)}"
    hashed = passwords.make_hash(password)
    try:
        user = users.add(session, email, display_name=display_name, password_hash=hashed, role=role, is_owner=False)
    except Conflict:
        audit.record(
            session,
            actor_id=None,
            actor="unknown",
            action="account_created",
            object=wanted,
            ip=ip,
            result="failed",
            detail={"reason": "the address is taken", "how": how},
        )
        return
    if offer:
        invitations.use(session, offer, user.id, now=now)
    audit.by_user(session, user, "account_created", object=wanted, ip=ip, role=user.role, how=how)


def remove(session: Session, user_id: int, password: str, *, ip: str = "") -> None:
    """Delete one's own account; jobs, models and calls stay, without a name. Raises Forbidden."""
    user = users.get(session, user_id)
    if not passwords.matches(user.password_hash, password):
        raise passwords.WrongPassword
    if user.is_owner:
        raise Forbidden("The owner can't be removed: somebody must always be able to let others in.")
    audit.by_user(session, user, "account_removed", object=f"user {user.email}", ip=ip)
    session.delete(user)
    session.flush()


def reset_password(
    session: Session, email: str, password: str, *, now: datetime, ip: str = "", actor: str = audit.COMMAND_LINE
) -> User:
    """Give an account a new password, end its sessions and its pauses; raises NotFound or WeakPassword.

    `actor` is who did it without being signed in: somebody at the server, or whoever held a reset link.
    """
    user = users.by_email(session, email)
    if user is None:
        raise NotFound(f"There is no account {email}.")
    passwords.check(password, words=(user.email, user.display_name))
    throttles.forget(session, throttles.account_key(user.email))  # before the account is locked, as at a sign-in
    users.set_password(session, user.id, passwords.make_hash(password))
    mails.put(session, user, "password_changed", now=now, ip=ip)
    audit.record(session, actor_id=None, actor=actor, action="password_reset", object=f"user {user.email}", ip=ip)
    return user


def change_password(session: Session, user_id: int, current: str, new: str, *, now: datetime, ip: str = "") -> int:
    """Change one's own password; every session ends. Returns the version the caller's new session carries.

    Raises Forbidden where `current` is wrong, WeakPassword where `new` does not do.
    """
    user = users.get(session, user_id)
    if not passwords.matches(user.password_hash, current):
        raise passwords.WrongPassword
    passwords.check(new, words=(user.email, user.display_name))
    version = users.set_password(session, user_id, passwords.make_hash(new))
    mails.put(session, user, "password_changed", now=now, ip=ip)
    audit.by_user(session, user, "password_changed", object=f"user {user.email}", ip=ip)
    return version


def change_profile(
    session: Session, user_id: int, *, display_name: str, preferences: Mapping[str, Any], ip: str = ""
) -> None:
    """Store the name and what of PREFERENCES is given; raises Refused for what can't be chosen."""
    check_name(display_name)
    chosen = PREFERENCES | {name: value for name, value in preferences.items() if name in PREFERENCES}
    if chosen["theme"] not in THEMES or chosen["updown"] not in UPDOWNS:
        raise Refused("Choose a theme and colours from the lists.")
    if chosen["locale"] not in locales.LOCALES or chosen["currency"] not in currencies.CURRENCIES:
        raise Refused("Choose a way of writing and a currency from the lists.")
    if chosen["time_zone"] and chosen["time_zone"] not in time_zones():
        raise Refused("That is not a time zone. Choose one of the list, such as Europe/Lisbon, or leave it empty.")
    kept = {name: chosen[name] for name in preferences}
    users.set_profile(session, user_id, display_name=display_name, preferences=kept)
    user = users.get(session, user_id)
    audit.by_user(session, user, "profile_changed", object=f"user {user.email}", ip=ip)


@cache
def time_zones() -> tuple[str, ...]:
    """The names of the IANA time zones, places only, in order."""
    return ("UTC", *sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")))


def check_name(display_name: str) -> None:
    if len(display_name.strip()) > NAME_LENGTH or not display_name.isprintable():
        raise Refused(f"Use at most {NAME_LENGTH} printable characters for the name.")
