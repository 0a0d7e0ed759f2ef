"""Links by which somebody chooses a new password: signed, good for a day, and worthless once it was chosen."""

import hmac
from datetime import datetime
from hashlib import sha256

from core.errors import NotFound

LASTS = 86_400  # seconds
STALE = "This link is not valid any more. Ask an admin of this desk for a new one."


def make(secret_key: str, user_id: int, version: int, *, now: datetime) -> str:
    """What a link carries: account, session version and end, signed. A new password changes the version."""
    words = f"{user_id}.{version}.{int(now.timestamp()) + LASTS}"
    return f"{words}.{_signature(secret_key, words)}"


def read(secret_key: str, token: str, *, now: datetime) -> tuple[int, int]:
    """(account, session version) of a link; raises NotFound where it is forged or too old."""
    words, _, signature = token.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(signature, _signature(secret_key, words)):
        raise NotFound(STALE)
    user_id, version, end = (int(word) for word in words.split("."))
    if end <= now.timestamp():
        raise NotFound(STALE)
    return user_id, version


def _signature(secret_key: str, words: str) -> str:
    return hmac.new(secret_key.encode(), f"bolt password reset {words}".encode(), sha256).hexdigest()
