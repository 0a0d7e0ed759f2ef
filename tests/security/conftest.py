"""The fixtures of `tests.web` and `tests.api` for every security test."""

from tests.api import api, tokens
from tests.web import app, client, owner, settings, signed_in

__all__ = ["api", "app", "client", "owner", "settings", "signed_in", "tokens"]
