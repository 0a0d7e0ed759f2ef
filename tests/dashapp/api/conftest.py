"""The fixtures of `tests.web` and of `tests.api` for every test of the JSON API."""

from tests.api import api, tokens
from tests.web import app, client, owner, settings, signed_in

__all__ = ["api", "app", "client", "owner", "settings", "signed_in", "tokens"]
