"""The engine and `session()`: one with-block is one transaction; nobody else commits.

A process connects once. The web binds its request session (Flask-SQLAlchemy) with `bind`; workers and commands use
`connect`, which makes a plain sessionmaker. Queries take a session and never know which it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

PSYCOPG2 = "postgresql+psycopg2://"

_open: Callable[[], Session] | None = None


def psycopg2_url(url: str) -> str:
    """Accept `postgres://` and `postgresql://`, which SQLAlchemy 2.1 would read as psycopg 3."""
    for short in ("postgresql://", "postgres://"):
        if url.startswith(short):
            return PSYCOPG2 + url.removeprefix(short)
    return url


def engine_options() -> dict[str, object]:
    """Survive a restart of the server, never wait long for a connection, and keep values out of error messages."""
    return {
        "hide_parameters": True,  # a failing statement would write hashes and whole files into the log
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
        "pool_timeout": 5,
        "pool_recycle": 1_800,
        "connect_args": {"connect_timeout": 5, "application_name": "bolt", "options": "-c timezone=UTC"},
    }


def make_engine(url: str) -> Engine:
    return create_engine(psycopg2_url(url), **engine_options())


def connect(url: str) -> Engine:
    """Make the engine of this process and bind plain sessions to it."""
    engine = make_engine(url)
    bind(sessionmaker(engine, expire_on_commit=False))
    return engine


def bind(opener: Callable[[], Session]) -> None:
    """Say how this process opens a session."""
    global _open
    _open = opener


@contextmanager
def session() -> Iterator[Session]:
    """One transaction: committed at the end of the block, rolled back when it raises."""
    if _open is None:
        raise RuntimeError("no database: call db.engine.connect or bind first")
    opened = _open()
    try:
        yield opened
        opened.commit()
    except BaseException:
        opened.rollback()
        raise
    finally:
        opened.close()
