"""A PostgreSQL that hangs: pages say so within two seconds, and come back with it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine

from dashapp.config import web_engine_options
from dashapp.database_watch import PATIENCE, PAUSE, Asker, Watch, start
from dashapp.embedded.postgres import Postgres
from dashapp.extensions import database as flask_database
from tests.web import SignIn


@contextmanager
def stopped(postgres: Postgres) -> Iterator[None]:
    """The server and all it has forked stand still, their sockets stay open."""
    assert postgres.pid is not None
    parent = psutil.Process(postgres.pid)
    held = [parent, *parent.children()]
    try:
        for process in held:
            os.kill(process.pid, signal.SIGSTOP)
        yield
    finally:
        for process in held:
            if process.is_running():
                os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
def watch(app: Flask, owner: int) -> Iterator[Watch]:
    with app.app_context():
        made = Watch(flask_database.engine)
    yield made
    made.asker.close()


def test_r13_a_page_answers_within_two_seconds_while_postgres_hangs(
    signed_in: SignIn, watch: Watch, postgres: Postgres
) -> None:
    client = signed_in()
    assert client.get("/profile").status_code == 200
    watch.look()
    time.sleep(1)  # until the session's answer is not believed any more
    with stopped(postgres):
        threading.Timer(PAUSE, watch.look).start()
        began = time.monotonic()
        answer = client.get("/profile")
        first = time.monotonic() - began
        again = client.get("/profile")
        assert (answer.status_code, again.status_code) == (503, 503)
        assert answer.headers["Retry-After"]
        assert first < 2
        assert time.monotonic() - began - first < 0.5, "new connections are refused at once"
    watch.look()
    assert client.get("/profile").status_code == 200


def test_r13_a_server_that_refuses_is_no_server_that_hangs(postgres: Postgres) -> None:
    nobody = replace(postgres, port=1, process=None)
    asker = Asker(nobody.url.replace("+psycopg2", ""))
    assert asker.answers(PATIENCE)
    assert asker.connection is None


def test_r13_one_connection_is_asked_again_and_again(engine: Engine) -> None:
    watch = Watch(engine)
    watch.look()
    first = watch.asker.connection
    assert first is not None
    watch.look()
    assert watch.asker.connection is first
    assert not watch.hangs
    watch.asker.close()


def test_r13_the_watch_runs_by_itself(postgres: Postgres, engine: Engine) -> None:
    own = create_engine(engine.url, **web_engine_options())
    watch = start(own)
    with stopped(postgres):
        deadline = time.monotonic() + 20
        while not watch.hangs and time.monotonic() < deadline:
            time.sleep(0.05)
        assert watch.hangs
    deadline = time.monotonic() + 20
    while watch.hangs and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not watch.hangs
    own.dispose()
