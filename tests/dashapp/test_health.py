"""Health answers, with and without the servers behind Bolt."""

import socket
import time

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, text

from core import clock_offsets
from core.shared import SharedNumbers
from dashapp.health import status_of
from db import schema
from tests.web import make_app, settings_for

NOBODY = "postgresql://bolt:secret-word@127.0.0.1:1/bolt"
NO_REDIS = "redis://:secret-word@127.0.0.1:1/0"


@pytest.fixture
def lonely(database: Engine) -> FlaskClient:
    """An application without any server behind it."""
    return make_app(settings_for(NOBODY, NO_REDIS)).test_client()


@pytest.fixture
def silent() -> str:
    """The port of a server that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield listening.getsockname()[1]


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/startup"])
def test_all_is_well(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok", "clock": "ok"},
    }


def test_a_clock_that_differs_from_an_exchange_s_is_wrong_and_pages_still_read(
    client: FlaskClient, redis_url: str
) -> None:
    clock_offsets.note(SharedNumbers(Redis.from_url(redis_url)), "binance", -95.0)
    answer = client.get("/health")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")
    assert answer.get_json()["checks"]["clock"] == "wrong"


def test_live_asks_nobody(lonely: FlaskClient) -> None:
    answer = lonely.get("/health/live")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/startup"])
def test_without_postgresql_it_is_not_ready_and_says_so_at_once(lonely: FlaskClient, path: str) -> None:
    begin = time.monotonic()
    answer = lonely.get(path)
    assert time.monotonic() - begin < 2
    assert answer.status_code == 503
    assert answer.get_json() == {
        "status": "down",
        "checks": {"database": "down", "migrations": "unknown", "redis": "down", "clock": "unknown"},
    }
    assert "secret-word" not in answer.text


def test_a_server_that_hangs_is_down_within_two_seconds(database: Engine, silent: int) -> None:
    hanging = settings_for(f"postgresql://bolt:x@127.0.0.1:{silent}/bolt", f"redis://127.0.0.1:{silent}/0")
    client = make_app(hanging).test_client()
    begin = time.monotonic()
    answer = client.get("/health/ready")
    assert time.monotonic() - begin < 2
    assert answer.status_code == 503
    assert answer.get_json()["checks"]["redis"] == "down"


def test_without_redis_pages_still_read(postgres, database: Engine) -> None:
    answer = make_app(settings_for(postgres.url, NO_REDIS)).test_client().get("/health/ready")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")


def test_an_old_schema_is_not_ready(client: FlaskClient, database: Engine) -> None:
    try:
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        answer = client.get("/health/ready")
    finally:
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": schema.newest()})
    assert (answer.status_code, answer.get_json()["checks"]["migrations"]) == (503, "behind")


def test_startup_stays_done_once_it_was(app, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/health/startup").status_code == 200
    probe = app.extensions["bolt_health"]
    monkeypatch.setattr(probe, "checks", lambda: {"database": "down", "migrations": "unknown", "redis": "down"})
    assert client.get("/health/startup").status_code == 200
    assert client.get("/health/ready").status_code == 503


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ({"database": "ok", "migrations": "ok", "redis": "ok"}, "ok"),
        ({"database": "ok", "migrations": "ok", "redis": "off"}, "degraded"),
        ({"database": "ok", "migrations": "behind", "redis": "ok"}, "down"),
        ({"database": "down", "migrations": "unknown", "redis": "ok"}, "down"),
    ],
)
def test_one_word_sums_up(checks: dict, status: str) -> None:
    assert status_of(checks) == status
