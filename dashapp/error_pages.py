"""Every failure becomes a clear page, or problem+json (RFC 9457) for a program. No traceback leaves the server."""

import logging
from collections.abc import Sequence
from http import HTTPStatus

from flask import Flask, Response, g, json, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from core.errors import BoltError
from dashapp import gate

log = logging.getLogger("bolt.web")

RETRY = 5  # seconds until a request that met a missing server or a full queue is worth another try
SENTENCES = {
    400: "The request could not be read. Go back, reload the page and try again.",
    401: "Sign in first; your session may have ended.",
    403: "This is not allowed for you. Ask an admin of this desk.",
    404: "There is nothing at this address. It may have moved, or the address has a typing error.",
    405: "This address does not take that kind of request.",
    413: "That is larger than this desk accepts.",
    415: "This address takes JSON only.",
    429: "Too many attempts. Wait a little, then try again.",
    500: "Bolt made a mistake. Try again; if it happens again, give an admin the number below.",
    503: "A server that Bolt needs does not answer. Your data is safe; this page tries again by itself.",
}


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, explain_http)
    app.register_error_handler(CSRFError, explain_stale_form)
    app.register_error_handler(BoltError, explain_bolt)
    for missing in (OperationalError, InterfaceError, PoolTimeout, RedisConnectionError, RedisTimeoutError):
        app.register_error_handler(missing, explain_missing_server)


def explain_http(error: HTTPException) -> ResponseReturnValue:
    """Errors of routing, of the gate, and (as 500) everything nobody expected; Flask has logged those."""
    if error.response is not None or (error.code or 500) < 400:  # a redirect
        return error.get_response()
    status = error.code or 500
    said = error.description if error.description != type(error).description else None
    answer = answer_with(status, sentence=said if status < 500 else None)
    if "Allow" in (headers := dict(error.get_headers())):
        answer.headers["Allow"] = headers["Allow"]
    return answer


def explain_stale_form(error: CSRFError) -> ResponseReturnValue:
    log.warning("csrf_refused", extra={"reason": error.description})
    return answer_with(400, sentence="This page was open for too long. Reload it and try again.")


def explain_bolt(error: BoltError) -> ResponseReturnValue:
    errors: list[dict[str, str]] = getattr(error, "errors", [])
    answer = answer_with(error.status, title=error.title, sentence=error.sentence, errors=errors, code=error.code)
    if (seconds := getattr(error, "retry_after", None)) is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def explain_missing_server(error: Exception) -> ResponseReturnValue:
    log.error("server_missing", extra={"kind": type(error).__name__})
    return answer_with(503)


def answer_with(
    status: int,
    *,
    title: str | None = None,
    sentence: str | None = None,
    errors: Sequence[dict[str, str]] = (),
    code: str = "",
) -> Response:
    """The page or the problem for a status; a problem also lists `errors`, the fields that were wrong, and `code`."""
    title = title or HTTPStatus(status).phrase.capitalize()
    sentence = sentence or SENTENCES.get(status) or SENTENCES[400 if status < 500 else 500]
    if gate.wants_json():
        answer = make_response(json.dumps(_problem(status, title, sentence, errors, code)), status)
        answer.mimetype = "application/problem+json"
    else:
        signed_in = _known_to_be_signed_in()
        page = render_template("error.html", status=status, title=title, sentence=sentence, signed_in=signed_in)
        answer = make_response(page, status)
    if status in {429, 503}:
        answer.headers.setdefault("Retry-After", str(RETRY))
    return answer


def _known_to_be_signed_in() -> bool:
    """Whether this request has found its user already. Asking now might meet the server that is missing."""
    if "_login_user" not in g:
        g._login_user = AnonymousUserMixin()
    return bool(g._login_user.is_authenticated)


def _problem(status: int, title: str, sentence: str, errors: Sequence[dict[str, str]], code: str) -> dict[str, object]:
    problem = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": sentence,
        "instance": request.path,
        "request_id": g.get("request_id", ""),
    }
    return problem | ({"code": code} if code else {}) | ({"errors": list(errors)} if errors else {})
