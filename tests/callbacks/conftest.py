"""The fixtures of `tests.web` for every test of callbacks."""

from tests.web import app, client, owner, settings, signed_in

__all__ = ["app", "client", "owner", "settings", "signed_in"]
