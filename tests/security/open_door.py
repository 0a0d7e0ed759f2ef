"""A page with an injection, for the scanner that looks for them: it is on loopback, and gone after the step."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError


@contextmanager
def open_door(database_url: str) -> Iterator[str]:
    """The address of a page that puts `?name=` into its SQL as it comes."""
    engine = create_engine(database_url)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = parse_qs(urlsplit(self.path).query).get("name", [""])[0]
            try:
                with engine.connect() as connection:
                    rows = connection.execute(
                        text("SELECT display_name FROM users WHERE email = '" + _bare(name) + "'")
                    )
                    status, said = 200, f"{len(rows.all())} found"
            except SQLAlchemyError as fault:
                status, said = 500, str(fault)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_args: object) -> None:
            """Nothing: a thousand requests come."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        engine.dispose()


def _bare(words: str) -> str:
    """Colons would be taken for parameters of SQLAlchemy's."""
    return words.replace(":", "\\:")
