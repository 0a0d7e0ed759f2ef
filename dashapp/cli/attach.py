"""The servers a command works on: those that are set, those of a Bolt that runs, or our own for as long as it takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import Unavailable
from core.settings import Settings
from dashapp.cli.output import Output
from dashapp.supervisor import state

PATIENCE = 600.0  # seconds to wait for another command on the same folder


@dataclass(frozen=True, slots=True)
class Attached:
    """Completed settings; `roles` are the processes of the running Bolt, empty where none runs here.

    `temporary`: PostgreSQL was started for this command and ends with it, so nobody else works on it.
    """

    settings: Settings
    roles: dict[str, int]
    temporary: bool


@contextmanager
def attached(settings: Settings, output: Output, *, migrated: bool = True) -> Iterator[Attached]:
    """Connect this process to PostgreSQL and Redis; `migrated` brings the schema up to date first."""
    from sqlalchemy.exc import OperationalError

    from core import job_queue
    from dashapp.supervisor import database

    with _servers(settings, output) as found, _said_plainly(OperationalError):
        job_queue.connect(found.settings.redis_url)
        if migrated:
            database.migrate(found.settings)
            if found.temporary:
                database.give_back_orphans()
        else:
            database.connect(found.settings)
        yield found


@contextmanager
def _said_plainly(lost: type[Exception]) -> Iterator[None]:
    try:
        yield
    except lost as error:
        raise Unavailable("The database went away during the command. Start Bolt, then try again.") from error


@contextmanager
def _servers(settings: Settings, output: Output) -> Iterator[Attached]:
    from dashapp.supervisor import servers

    if settings.database_url and settings.redis_url:
        completed = servers.complete(settings, database_url=settings.database_url, redis_url=settings.redis_url)
        said = state.read(settings.bolt_data)
        yield Attached(completed, said.roles if said else {}, temporary=False)
        return
    deadline, told = time.monotonic() + PATIENCE, False
    while time.monotonic() < deadline:
        said = state.read(settings.bolt_data)
        if said is not None and said.kind == state.UP:
            completed = servers.complete(settings, database_url=said.database_url, redis_url=said.redis_url)
            yield Attached(completed, said.roles, temporary=False)
            return
        with state.hold(settings.bolt_data) as ours:
            if ours:
                yield from _own(settings)
                return
        if not told:
            output.note(f"Waiting for another command on {settings.bolt_data} ...")
            told = True
        time.sleep(0.2)
    raise Unavailable(f"Another command still works on {settings.bolt_data}. Try again when it has ended.")


def _own(settings: Settings) -> Iterator[Attached]:
    """Start the servers, and end them however the command ends."""
    from dashapp.supervisor import servers

    owned = servers.choose(settings)
    owned.start()
    try:
        yield Attached(owned.completed(), {}, temporary=owned.postgres is not None)
    finally:
        owned.stop()
