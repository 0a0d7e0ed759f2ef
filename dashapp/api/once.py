"""Idempotency-Key: a request sent again has its effect once and gets the same answer.

Answers may hold a token and requests a password, so that what is kept of them is sealed, or a hash under a key.
"""

import hmac
import re
from collections.abc import Callable

from flask import Response, request

import db.engine
from core import vault
from core.clock import utc_now
from core.errors import Conflict, Refused
from dashapp import security
from dashapp.api import guard
from db.queries import tokens

KEY = re.compile(r"[\x21-\x7e]{8,100}")
HEADER = "Idempotency-Key"
PURPOSE = "idempotent answers"


def once(answer: Callable[[], Response]) -> Response:
    """`answer()`, unless this caller has sent this key before: then the answer of that time, marked as replayed."""
    key = request.headers.get(HEADER)
    if key is None:
        return answer()
    if not KEY.fullmatch(key):
        raise Refused(f"{HEADER} takes 8 to 100 printable characters without spaces.")
    me = guard.caller().id
    body = _mark(f"{request.method} {_address()}\n".encode() + request.get_data())
    with db.engine.session() as session:
        kept = tokens.claim_key(session, me, key, body, now=utc_now())
    if kept is not None:
        return _replay(kept)
    done = False
    try:
        response = answer()
        if response.status_code < 300:
            _keep(me, key, response)
            done = True
        return response
    finally:
        if not done:
            with db.engine.session() as session:
                tokens.give_key_back(session, me, key)


def refuse() -> None:
    """For a POST whose answer can't be given again: say so, rather than to have its effect twice."""
    if request.method == "POST" and HEADER in request.headers:
        raise Refused(
            f"This request takes no {HEADER}: it is about signing in, and its answer is given once. "
            "Send it without; if the answer was lost, sign in again."
        )


def _mark(content: bytes) -> str:
    """What tells one request from another, and lets nobody who reads it try passwords."""
    return hmac.digest(security.settings().secret_key.encode(), PURPOSE.encode() + b"\n" + content, "sha256").hex()


def _address() -> str:
    """Path and query: another timeframe is another request."""
    return f"{request.path}?{words}" if (words := request.query_string.decode("latin-1")) else request.path


def _keep(user_id: int, key: str, response: Response) -> None:
    text, location = response.get_data(as_text=True), response.headers.get("Location")
    text = vault.seal(security.settings().secret_key, PURPOSE, text)
    with db.engine.session() as session:
        tokens.keep_answer(session, user_id, key, status=response.status_code, body=text, location=location)


def _replay(kept: tokens.Kept) -> Response:
    if not kept.same:
        raise Refused(f"This {HEADER} was sent with another request. Take a new one.")
    if kept.status is None:
        raise Conflict("The same request is being answered at this moment. Send it again in a few seconds.")
    text = vault.unseal(security.settings().secret_key, PURPOSE, kept.body or "")
    response = Response(text, kept.status, content_type="application/json")
    response.headers["Idempotency-Replayed"] = "true"
    if kept.location:
        response.headers["Location"] = kept.location
    return response
