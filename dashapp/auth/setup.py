"""The setup code: who can read the server's start message may create the owner.

Derived from the secret key and the installation's id, so it is the same after a restart and stored nowhere.
"""

import base64
import hashlib
import hmac

from sqlalchemy.orm import Session

from core.errors import Conflict
from core.settings import Settings
from db.queries import instance, users

GROUPS, LETTERS = 3, 4  # 60 bits, as 3 groups of 4 letters


def code(session: Session, settings: Settings) -> str:
    """The code, like `7QK4-M2XD-6OTB`; raises Conflict once an owner exists, for then none is valid."""
    if users.owner_exists(session):
        raise Conflict("An owner exists already, so no setup code is valid.")
    return _derive(settings.secret_key, instance.get(session).instance_id)


def fits(session: Session, settings: Settings, typed: str) -> bool:
    """Compare what was typed, in any case and spacing, in constant time."""
    plain = "".join(c for c in typed.upper() if c.isalnum())
    return hmac.compare_digest(plain.encode(), code(session, settings).replace("-", "").encode())


def _derive(secret_key: str, instance_id: str) -> str:
    digest = hmac.new(secret_key.encode(), f"bolt setup {instance_id}".encode(), hashlib.sha256).digest()
    letters = base64.b32encode(digest).decode()[: GROUPS * LETTERS]
    return "-".join(letters[i : i + LETTERS] for i in range(0, len(letters), LETTERS))
