"""What passes for an e-mail address: one @ with something on both sides, and nothing that can't be seen."""

import re

from core.errors import Refused

SHAPE = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,190}")


def check_email(email: str) -> None:
    """Raise Refused for what is no address."""
    if not SHAPE.fullmatch(email.strip()):
        raise Refused("That is not an e-mail address. Write it like mara@example.org.")
