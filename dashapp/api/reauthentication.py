"""The current password, asked for before what can't be undone."""

from collections.abc import Iterator
from contextlib import contextmanager

import db.engine
from core.clock import utc_now
from dashapp.api import guard
from dashapp.api.limits import seconds_until
from dashapp.api.schemas import Body, Password
from dashapp.auth.passwords import WrongPassword
from dashapp.auth.sign_in import claim, note_wrong
from db.queries import throttles


class Reauthentication(Body):
    current_password: Password


@contextmanager
def reauthenticated() -> Iterator[None]:
    """Count a try of the current password as the sign-in page does; a right one is given back."""
    me, now = guard.caller(), utc_now()
    guard.claim_account(me.email)
    retry_at = claim(guard.address(), me.email, now)
    if retry_at is not None:
        guard.pause(seconds_until(retry_at, now))
    try:
        yield
    except WrongPassword:
        note_wrong(me.id, guard.address())
        raise
    with db.engine.session() as session:
        throttles.proved(session, guard.address(), me.email)
