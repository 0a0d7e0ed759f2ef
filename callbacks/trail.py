"""Into the audit log: what the person at the page did."""

from typing import Any

from flask import request
from flask_login import current_user
from sqlalchemy.orm import Session

import db.engine
from core.roles import Role
from db.queries import audit


def note(
    session: Session,
    action: str,
    object: str = "",  # noqa: A002  the word of the log
    *,
    result: audit.Result = "ok",
    **detail: Any,
) -> None:
    """Append an event of whoever is signed in; the last thing in a transaction, and never with a secret in it."""
    ip = request.remote_addr or "unknown"
    audit.by_user(session, current_user, action, object=object, ip=ip, result=result, **detail)


def denied(name: str, *, held: Role, needed: Role) -> None:
    """Somebody called what their role does not cover; written at once, whatever happens to the call."""
    with db.engine.session() as session:
        note(session, "access_denied", name, result="denied", role=held, needs=needed)
