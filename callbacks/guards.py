"""Who is asking, and whether the role allows it. Put `@needs(role)` under `@wire(...)`."""

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask_login import current_user

from callbacks.trail import denied
from core.errors import Forbidden
from core.roles import Role, covers

log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


def current_user_id() -> int:
    """The id of the person who is signed in."""
    if not current_user.is_authenticated:
        raise Forbidden("Your session has ended. Sign in again.")
    return int(current_user.id)


def current_role() -> Role:
    """The role of the person who is signed in."""
    current_user_id()
    return Role(current_user.role)


def may(role: Role) -> bool:
    """True where the person who is signed in has this role or a higher one."""
    return bool(current_user.is_authenticated) and covers(current_user.role, role)


def preference(name: str) -> Any:
    """What the person who is signed in chose, such as their `currency`."""
    current_user_id()
    return current_user.preferences.get(name)


def needs(role: Role) -> Callable[[Function], Function]:
    """Refuse callers whose role is too low: Forbidden, and a line in both logs."""

    def guard(function: Function) -> Function:
        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            held = current_role()
            if not covers(held, role):
                name = f"{function.__module__}.{function.__name__}"
                log.warning("authz_denied", extra={"action": name, "role": held})
                denied(name, held=held, needed=role)
                raise Forbidden(f"This needs the role {role}; yours is {held}. Ask an admin of this desk.")
            return function(*args, **kwargs)

        guarded.needed_role = role  # type: ignore[attr-defined]
        return cast(Function, guarded)

    return guard
