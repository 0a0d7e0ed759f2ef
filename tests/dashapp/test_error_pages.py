"""Failures: a clear page for people, problem+json for programs, never a traceback."""

import time

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from redis.exceptions import ConnectionError as RedisConnectionError

from core.errors import Conflict, ModelUnavailable
from tests.web import OWNER, PASSWORD, SignIn, dash_headers, make_app, settings_for

NOBODY = "postgresql://bolt:secret-word@127.0.0.1:1/bolt"


def failing(app: Flask, error: Exception | int) -> FlaskClient:
    """A browser, and a page that fails: the sign-in."""

    def fail() -> str:
        if isinstance(error, int):
            abort(error)
        raise error

    app.view_functions["auth.sign_in"] = fail
    return app.test_client()


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 415, 429, 500, 503])
def test_every_status_has_a_page_in_plain_words(app: Flask, owner: int, status: int) -> None:
    answer = failing(app, status).get("/login", headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert answer.headers["X-Request-ID"] in answer.text
    assert 'class="auth"' in answer.text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 429, 500, 503])
def test_every_status_is_a_problem_for_programs(app: Flask, owner: int, status: int) -> None:
    answer = failing(app, status).get("/login", headers={"Accept": "application/json"})
    problem = answer.get_json(force=True)
    assert answer.mimetype == "application/problem+json"
    assert problem["status"] == answer.status_code == status
    assert problem["instance"] == "/login"
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert {"type", "title", "detail"} <= problem.keys()


def test_s42_an_unexpected_failure_shows_no_traceback_and_no_path(app: Flask, owner: int, caplog) -> None:
    answer = failing(app, RuntimeError("secret detail")).get("/login")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
    assert "secret detail" in caplog.text


def test_our_own_errors_keep_their_sentence(app: Flask, owner: int) -> None:
    answer = failing(app, Conflict("Somebody else saved first. Reload.")).get("/login")
    assert answer.status_code == 409
    assert "Somebody else saved first. Reload." in answer.text


def test_a_missing_model_is_a_503_with_its_sentence(app: Flask, owner: int) -> None:
    answer = failing(app, ModelUnavailable("The files of version 3 are missing.")).get("/login")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "version 3" in answer.text


def test_r11_a_missing_redis_is_a_503(app: Flask, owner: int) -> None:
    answer = failing(app, RedisConnectionError("connect to :secret@host")).get("/login")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "secret" not in answer.text


def test_r13_without_postgresql_every_page_says_so_at_once(database) -> None:
    client = make_app(settings_for(NOBODY)).test_client()
    for path in ("/login", "/", "/setup"):
        begin = time.monotonic()
        answer = client.get(path)
        assert time.monotonic() - begin < 2
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "does not answer" in answer.text
        assert "secret-word" not in answer.text


def test_r13_a_signed_in_page_without_postgresql_says_so(signed_in: SignIn, monkeypatch) -> None:
    import db.engine
    from dashapp.auth import sessions
    from tests.dashapp.test_health import NO_REDIS

    client = signed_in()
    headers = dash_headers(client)
    make_app(settings_for(NOBODY, NO_REDIS))  # from now on sessions are opened where nobody answers
    sessions.forget_answers()
    page = client.get("/profile")
    assert page.status_code == 503
    callback = client.post("/_dash-update-component", json={}, headers=headers)
    assert (callback.status_code, callback.mimetype) == (503, "application/problem+json")
    assert db.engine._open is not None


def test_r13_sign_in_without_postgresql_says_so(app: Flask, owner: int) -> None:
    client = app.test_client()
    page = client.get("/login").text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    make_app(settings_for(NOBODY))
    answer = client.post("/login", data={"csrf_token": token, "email": OWNER, "password": PASSWORD})
    assert answer.status_code == 503


def test_a_wrong_method_says_which_are_right(signed_in: SignIn) -> None:
    client = signed_in()
    answer = client.delete("/profile")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_s42_the_developer_tools_are_off(app: Flask) -> None:
    dash = app.extensions["bolt_dash"]
    assert app.debug is False
    assert dash._dev_tools.serve_dev_bundles is False
    assert dash._dev_tools.hot_reload is False
    assert dash._dev_tools.prune_errors is False
