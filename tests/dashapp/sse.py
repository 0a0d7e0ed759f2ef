"""A real server in a thread, and a client that reads server-sent events from it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from dashapp.config import session_cookie

AGENT = "sse-test"


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The address of the application, served with a thread for each request."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)


class Stream:
    """Events as they come; `text` is all that came."""

    def __init__(self, address: str, client: FlaskClient, query: str, **headers: str) -> None:
        settings = client.application.extensions["bolt_settings"]
        name = session_cookie(settings)
        cookie = client.get_cookie(name)
        self.answer = requests.get(
            f"{address}/stream?{query}",
            cookies={name: cookie.value} if cookie else {},
            # the session is bound to the browser that signed in
            headers={"User-Agent": f"Werkzeug/{_werkzeug()}", "Accept": "text/event-stream", **headers},
            stream=True,
            timeout=15,
            allow_redirects=False,
        )
        self._parts = self._read()

    def _read(self) -> Iterator[dict[str, str]]:
        fields: dict[str, str] = {}
        for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                yield fields
                fields = {}

    def next(self, kind: str = "tick") -> dict[str, str]:
        """The next event of a kind; raises StopIteration where the stream ends."""
        while True:
            fields = next(self._parts)
            if fields.get("event") == kind:
                return fields

    def tick(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.next()["data"])
        return found

    def ends_within(self, seconds: float) -> bool:
        began = time.monotonic()
        for _ in self._parts:
            if time.monotonic() - began > seconds:
                return False
        return time.monotonic() - began <= seconds

    def close(self) -> None:
        self.answer.close()


def _werkzeug() -> str:
    from importlib.metadata import version

    return version("werkzeug")
