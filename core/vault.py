"""Secrets at rest: AES-256-GCM under a key derived from SECRET_KEY, one key for each purpose.

A sealed text carries a random nonce and is bound to its purpose; another key or purpose, or one changed byte, and it
does not open.
"""

import base64
import os
from typing import TYPE_CHECKING

from core.errors import Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes, as SP 800-38D recommends for GCM


def seal(secret_key: str, purpose: str, text: str) -> str:
    """The text, sealed, as URL-safe base64."""
    nonce = os.urandom(NONCE)
    return base64.urlsafe_b64encode(nonce + _cipher(secret_key, purpose).encrypt(nonce, text.encode(), None)).decode()


def unseal(secret_key: str, purpose: str, sealed: str) -> str:
    """What was sealed; raises Unavailable where SECRET_KEY is not the one it was sealed with."""
    from cryptography.exceptions import InvalidTag

    raw = base64.urlsafe_b64decode(sealed)
    try:
        return _cipher(secret_key, purpose).decrypt(raw[:NONCE], raw[NONCE:], None).decode()
    except InvalidTag as fault:
        raise Unavailable("A stored secret does not open: SECRET_KEY is not the one it was sealed with.") from fault


def _cipher(secret_key: str, purpose: str) -> "AESGCM":
    """Loaded late: a web process has seldom use for it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"bolt vault {purpose}".encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret_key.encode()))
