"""Who may do what: viewer reads; analyst also trains and imports; admin also manages."""

from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"
    ANALYST = "analyst"
    ADMIN = "admin"


RANK = {Role.VIEWER: 0, Role.ANALYST: 1, Role.ADMIN: 2}


def covers(held: str, needed: str) -> bool:
    """True where the role `held` includes everything `needed` allows."""
    return RANK[Role(held)] >= RANK[Role(needed)]
