"""The one place where a failing callback becomes a sentence."""

import logging
from typing import Any

from dash import no_update

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
        return no_update
    log.error("callback_failed", exc_info=error)
    say(BoltError.title, SORRY, kind="bad", reference=core.log.request_id.get())
    return no_update
