"""What the database holds, and which one it is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.tables import Series


@dataclass(frozen=True, slots=True)
class Storage:
    """`first` is when the oldest stored candle opened; `server` is PostgreSQL's version, `revision` the schema's."""

    database_bytes: int
    candles: int
    first: datetime | None
    server: str
    revision: str


def read(session: Session) -> Storage:
    """Sizes from the server's own books: cheap, whatever is stored."""
    candles, first = session.execute(select(func.coalesce(func.sum(Series.rows), 0), func.min(Series.first_open))).one()
    size = session.scalar(text("SELECT pg_database_size(current_database())"))
    server = session.scalar(text("SELECT current_setting('server_version')"))
    there = session.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    revision = session.scalar(text("SELECT max(version_num) FROM alembic_version")) if there else None
    return Storage(int(size or 0), int(candles), first, str(server).split(" ")[0], str(revision or ""))
