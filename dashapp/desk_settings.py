"""What admins choose while Bolt runs, laid over what the environment says; asked for at most once a second."""

import logging
from time import monotonic

from flask import Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError

import db.engine
from core.errors import Refused, Unavailable
from core.settings import Settings, changed
from dashapp.gate import WITHOUT_DATABASE
from db.queries import desk_settings

FRESH = 1.0  # seconds
UNCHANGED = WITHOUT_DATABASE | {"static_files.serve", "health.ready", "health.startup", "health.summary"}

log = logging.getLogger("bolt.settings")


class Overlay:
    """The environment's settings, and when the database was last asked what stands over them."""

    def __init__(self, environment: Settings) -> None:
        self.environment = environment
        self._asked = -FRESH

    def refresh(self) -> None:
        """Put the settings that hold now where everybody reads them; while PostgreSQL is away the last ones hold."""
        now = monotonic()
        if request.endpoint in UNCHANGED:
            return
        if now - self._asked < FRESH:
            return
        self._asked = now
        try:
            with db.engine.session() as session:
                chosen = desk_settings.chosen(session)
            current_app.extensions["bolt_settings"] = changed(self.environment, chosen)
        except Refused as refused:  # kept by another version of Bolt
            log.warning("desk_setting_refused", extra={"fault": refused.sentence})
        except (SQLAlchemyError, Unavailable):
            pass


def install(app: Flask, settings: Settings) -> None:
    overlay = Overlay(settings)
    app.extensions["bolt_overlay"] = overlay
    app.before_request(overlay.refresh)
