"""The one place where a failing callback becomes a sentence."""

import logging
from typing import Any

from dash import ctx, no_update
from flask import request

import core.log
from callbacks.toasts import say
from core.errors import BoltError

log = logging.getLogger(__name__)

SORRY = "Bolt could not finish this. Try again; if it fails again, give an admin the number below."


def explain(error: Exception) -> Any:
    """Dash's `on_error`: a BoltError says its own sentence, anything else a general one with the request's id."""
    if isinstance(error, BoltError):
        log.info("callback_refused", extra={"sentence": error.sentence})
        say(error.title, error.sentence, kind="bad")
        return _nothing()
    log.error("callback_failed", exc_info=error)
    say(BoltError.title, SORRY, kind="bad", reference=core.log.request_id.get())
    return _nothing()


def _nothing() -> list[Any] | None:
    """Leave every output as it is: None says so to Dash, but an output that is a pattern wants a list."""
    word = request.get_json()["output"]
    if word.startswith("{"):
        return [no_update] * len(ctx.outputs_list)
    return None
