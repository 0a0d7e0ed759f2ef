"""Medians of repeated runs, and a database of their own for benchmarks that need one."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import db.engine
import db.migrate
from dashapp.embedded.postgres import Postgres
from dashapp.embedded.valkey import Valkey


def median_ms(work: Callable[[], object], repeat: int) -> float:
    """Median of `repeat` runs in milliseconds, after one that warms up."""
    work()
    took = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return sorted(took)[repeat // 2] * 1_000


def seconds(work: Callable[[], object]) -> float:
    """One run in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of an empty Redis in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Valkey(Path(folder), "bench-password-" * 3, durable=False)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


@contextmanager
def database() -> Iterator[None]:
    """An empty migrated database in a folder that is deleted afterwards; `db.engine.session()` goes to it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder), "bench-password-" * 3, durable=False)
        server.start()
        engine = db.engine.connect(server.url)
        try:
            db.migrate.upgrade(engine)
            yield
        finally:
            engine.dispose()
            server.stop()
