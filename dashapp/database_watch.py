"""A PostgreSQL that holds its connections and says nothing: waiting for it has an end.

libpq waits for an answer without limit, and TCP's own timeouts see nothing wrong where the machine answers and the
server does not. So one thread asks over a connection of its own; where no answer comes, every connection of the pool
is cut and new ones are refused, and whoever waits gets the page that says so. A server that is down needs none of
this: it refuses at once.
"""

import contextlib
import logging
import os
import select
import socket
import threading
import time
from typing import Any
from weakref import WeakSet

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ
from sqlalchemy import Engine, event

PATIENCE = 1.2  # seconds for an answer; with PAUSE still under the two seconds a person may wait
PAUSE = 0.3

log = logging.getLogger("bolt.web")


class Asker:
    """Asks PostgreSQL whether it is there, and never waits for longer than it was told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: Any = None

    def answers(self, seconds: float) -> bool:
        """False where nothing came back in time; a refusal is an answer."""
        deadline = time.monotonic() + seconds
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(self.url, async_=True)
            if _wait(self.connection, deadline):
                cursor = self.connection.cursor()  # must live until its answer has come
                cursor.execute("SELECT 1")
                if _wait(self.connection, deadline):
                    return True
        except psycopg2.Error:
            self.close()
            return True
        self.close()
        return False

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _wait(connection: Any, deadline: float) -> bool:
    """Let libpq go on until it has what it waits for; False at the deadline."""
    while (wants := connection.poll()) != POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if wants == POLL_READ else select.POLLOUT)
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1_000):
            return False
    return True


class Watch:
    """Follows the connections of one engine; `look` asks once and acts on what it hears."""

    def __init__(self, engine: Engine) -> None:
        self.hangs = False
        self.asker = Asker(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
        self._known: WeakSet[Any] = WeakSet()
        self._lock = threading.Lock()
        event.listen(engine, "do_connect", self._refuse)
        event.listen(engine, "connect", self._remember)

    def look(self) -> None:
        answers = self.asker.answers(PATIENCE)
        if answers == self.hangs:
            log.log(logging.INFO if answers else logging.ERROR, "database_answers" if answers else "database_hangs")
        self.hangs = not answers
        if self.hangs:
            self._cut()

    def run(self) -> None:
        """Look for ever; the thread ends with its process."""
        while True:
            self.look()
            time.sleep(PAUSE)

    def _remember(self, connection: Any, _record: object) -> None:
        with self._lock:
            self._known.add(connection)

    def _refuse(self, *_call: object) -> None:
        if self.hangs:
            raise psycopg2.OperationalError("PostgreSQL does not answer.")

    def _cut(self) -> None:
        """Shut the sockets, not the connections: those belong to the threads that wait on them."""
        with self._lock:
            known = list(self._known)
        for connection in known:
            with contextlib.suppress(psycopg2.Error, OSError):  # closed already, which will do
                _shut(connection.fileno())


def _shut(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as line:
        line.shutdown(socket.SHUT_RDWR)


def start(engine: Engine) -> Watch:
    """Watch from now on, in a thread of its own."""
    watch = Watch(engine)
    threading.Thread(target=watch.run, name="database-watch", daemon=True).start()
    return watch
