"""Which schema the code needs and which the database holds, without Alembic: a web process has no other use for it."""

import re
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

VERSIONS = Path(__file__).resolve().parent.parent / "migrations" / "versions"
REVISION = re.compile(r'^revision: str = "(\w+)"', re.MULTILINE)
DOWN = re.compile(r'^down_revision: str \| None = "(\w+)"', re.MULTILINE)


def newest() -> str:
    """The revision no other one builds on."""
    sources = [path.read_text(encoding="utf-8") for path in VERSIONS.glob("*.py")]
    made: set[str] = {name for source in sources for name in REVISION.findall(source)}
    built_on = {name for source in sources for name in DOWN.findall(source)}
    (head,) = made - built_on
    return head


def current(engine: Engine) -> str | None:
    """The revision the database is at; None before the first migration."""
    with engine.connect() as connection:
        try:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        except ProgrammingError:  # there is no such table yet
            return None
