"""Links by which somebody confirms a new address: signed, good for a day, worthless once the address has changed."""

import base64
import binascii
import hmac
from datetime import datetime
from hashlib import sha256

from core.errors import NotFound

LASTS = 86_400  # seconds
STALE = "This link is not valid any more. Ask for the change of address again."


def make(secret_key: str, user_id: int, version: int, email: str, *, now: datetime) -> str:
    """What a link carries: account, session version, end and address, signed."""
    address = base64.urlsafe_b64encode(email.encode()).decode().rstrip("=")
    words = f"{user_id}.{version}.{int(now.timestamp()) + LASTS}.{address}"
    return f"{words}.{_signature(secret_key, words)}"


def read(secret_key: str, token: str, *, now: datetime) -> tuple[int, int, str]:
    """(account, session version, new address) of a link; raises NotFound where it is forged or too old."""
    words, _, signature = token.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(signature, _signature(secret_key, words)):
        raise NotFound(STALE)
    user_id, version, end, address = words.split(".")
    if int(end) <= now.timestamp():
        raise NotFound(STALE)
    try:
        return int(user_id), int(version), base64.urlsafe_b64decode(address + "=" * (-len(address) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as fault:
        raise NotFound(STALE) from fault


def _signature(secret_key: str, words: str) -> str:
    return hmac.new(secret_key.encode(), f"bolt new address {words}".encode(), sha256).hexdigest()
