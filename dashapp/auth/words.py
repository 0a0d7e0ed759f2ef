"""How sessions and events read on the account pages."""

from datetime import datetime

from core import locales


def utc(at: datetime) -> str:
    """`5 Jan 2026, 12:00 UTC`."""
    return locales.current().exact(at)


def words(action: str) -> str:
    """`password_changed` as `Password changed`."""
    return action.replace("_", " ").capitalize()
