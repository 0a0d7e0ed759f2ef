"""What the admin desk asks about before it does it to an account: what shuts out, and what gives power."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

import db.engine
import db.queries.factors as factors
import db.queries.mails as mails
import db.queries.members as members
import db.queries.users as users
from callbacks.guards import current_user_id
from callbacks.toasts import say
from callbacks.trail import note
from core.clock import utc_now
from core.roles import Role


def means(word: str, user_id: int) -> str:
    """What will be so afterwards."""
    with db.engine.session() as session:
        return QUESTIONS[word].means.format(email=users.get(session, user_id).email)


def shut_out(user_id: int) -> None:
    with db.engine.session() as session:
        user = members.disable(session, user_id, by=current_user_id(), now=utc_now())
        note(session, "account_disabled", f"user {user.email}")
    say(f"{user.email} is disabled", "Their sessions end within a second.", kind="plain")


def make_admin(user_id: int) -> None:
    with db.engine.session() as session:
        tell_role(session, user_id, Role.ADMIN)


def tell_role(session: Session, user_id: int, role: Role) -> None:
    """Give a role, write it down, and let its holder know."""
    user, before = members.set_role(session, user_id, role, by=current_user_id())
    mails.put(session, user, "role_changed", now=utc_now(), role=f"{role}")
    note(session, "role_changed", f"user {user.email}", before=before, role=role)
    say(f"{user.email} is {role} now", "It holds within a second, in open sessions too.")


def turn_off_codes(user_id: int) -> None:
    """For somebody who has lost the authenticator and the backup codes."""
    with db.engine.session() as session:
        user = members.changeable(session, user_id, by=current_user_id())
        factors.remove_totp(session, user.id)
        mails.put(session, user, "factor_off", now=utc_now())
        note(session, "two_factor_off", f"user {user.email}")
    say(f"{user.email} signs in with the password alone now")


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is asked about before it is done: the button that does it, and what it means."""

    do: Callable[[int], None]
    yes: str
    means: str


QUESTIONS = {
    "disable": Question(
        shut_out,
        "Disable account",
        "{email} is signed out everywhere and can't sign in again. What they made stays, and jobs go on.",
    ),
    "admin": Question(
        make_admin,
        "Make admin",
        "{email} may then do everything here: read every account's history, shut people out, give roles, end jobs.",
    ),
    "codes": Question(
        turn_off_codes,
        "Turn off codes",
        "{email} then signs in with the password alone. Do this only if you know that they have asked for it.",
    ),
}
