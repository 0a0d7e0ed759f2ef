"""What holds for every endpoint: described as served, closed to strangers, problems, headers, limits."""

import json
import re

import pytest
from flask import Flask
from pydantic import BaseModel, TypeAdapter, ValidationError

from core.roles import RANK, Role
from dashapp import gate
from dashapp.api.openapi import address, statuses
from dashapp.api.schemas import example
from tests.api import STEADY, asker, filled, is_problem, routes
from tests.web import make_app, settings_for

ROUTES = routes()
CLOSED = [r for r in ROUTES if not r.public]
IDS = [f"{r.method} {r.path}" for r in CLOSED]


def spec(app: Flask) -> dict:
    return asker(app, None)("GET", "/openapi.json").get_json()


def test_u36_every_route_is_described_and_nothing_else(app: Flask, owner: int) -> None:
    described = {(m.upper(), path) for path, methods in spec(app)["paths"].items() for m in methods}
    served = {
        (method, re.sub(r"<(?:[^:>]+:)?([a-z_]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods - {"HEAD"}
    }
    assert served == described
    assert len(served) > 20


def test_u36_operations_have_ids_words_examples_and_known_schemas(app: Flask, owner: int) -> None:
    described = spec(app)
    assert described["openapi"].startswith("3.1")
    operations = [op for methods in described["paths"].values() for op in methods.values()]
    assert len({op["operationId"] for op in operations}) == len(operations)
    assert [op["operationId"] for op in operations if not op["summary"].endswith(".")] == []
    known = {f"#/components/{kind}/{n}" for kind in ("schemas", "headers") for n in described["components"][kind]}
    assert set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(described))) <= known
    for op in operations:
        bodies = [r["content"] for r in op["responses"].values() if "content" in r]
        bodies += [op["requestBody"]["content"]] if "requestBody" in op else []
        assert all("example" in kind for content in bodies for kind in content.values()), op["operationId"]


@pytest.mark.parametrize("model", sorted({m for r in ROUTES for m in (r.body, r.query) if m}, key=lambda m: m.__name__))
def test_u36_examples_of_what_is_sent_are_valid(model: type[BaseModel]) -> None:
    assert model.model_validate_json(json.dumps(example(model)))


@pytest.mark.parametrize("model", sorted({r.answer for r in ROUTES if r.answer}, key=lambda m: m.__name__))
def test_u36_examples_of_what_is_answered_are_valid(model: type[BaseModel]) -> None:
    TypeAdapter(model).validate_json(json.dumps(example(model)))


def test_u36_the_page_needs_nothing_from_elsewhere(app: Flask, owner: int) -> None:
    page = asker(app, None)("GET", "/docs")
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [a for a in addresses if not a.startswith("/")] == []
    for found in addresses:
        assert app.test_client().get(found, follow_redirects=True).status_code == 200, found
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text


def test_the_gate_lists_exactly_the_public_endpoints() -> None:
    assert {f"api.{r.name}" for r in ROUTES if r.public} == {e for e in gate.PUBLIC if e.startswith("api.")}


@pytest.mark.parametrize("route", CLOSED, ids=IDS)
def test_s08_every_endpoint_is_closed_to_strangers_and_too_low_roles(settings, app: Flask, api, route) -> None:
    path = filled(route.path)
    stranger = asker(app, None)(route.method, path, {})
    assert is_problem(stranger, 401)
    assert stranger.headers["WWW-Authenticate"].startswith("Bearer")
    if RANK[route.role]:
        assert is_problem(api(Role.VIEWER)(route.method, path, {}), 403)


@pytest.mark.parametrize("route", ROUTES, ids=[f"{r.method} {r.path}" for r in ROUTES])
def test_u37_answers_are_those_that_are_described(settings, owner: int, api, route) -> None:
    """With nothing, with rubbish and with far too much: never a 5xx, never an undescribed status."""
    steady = make_app(settings_for(settings.database_url, settings.redis_url, **STEADY))
    from tests.api import login

    ask = asker(steady, login(steady, "owner@example.org")["access_token"])
    known = {route.status, *statuses(route), *([304] if route.method == "GET" else [])}
    bodies = [None, {}, {"x": 1}] if route.body else [None]
    rubbish = "?limit=0&cursor=%00&exchange=%00&timeframe=9x&names=,,&start=x"
    for words in ("", rubbish, "?limit=9999", "?cursor=W10", "?exchange=no-such-thing"):
        for body in bodies:
            if route.name == "logout":
                continue
            answer = ask(route.method, filled(route.path) + words, body)
            assert answer.status_code in known, (words, body, answer.text)
            if answer.status_code >= 400:
                assert is_problem(answer, answer.status_code)
    if route.body:
        raw = {"data": b"{", "content_type": "application/json"}
        assert is_problem(ask(route.method, filled(route.path), **raw), 400)
        assert is_problem(ask(route.method, filled(route.path), data=b"x", content_type="text/plain"), 415)
        large = {"data": b"[" * 100_000, "content_type": "application/json"}
        assert is_problem(ask(route.method, filled(route.path), **large), 413)


def test_u37_wrong_addresses_and_methods_are_problems(api) -> None:
    ask = api()
    for path in ("/nope", "/", "", "/markets/", "/models/x", "/models/99999999999999999999", "/jobs/1", "/../login"):
        assert is_problem(ask("GET", path), 404), path
    wrong = ask("GET", "/auth/login")
    assert is_problem(wrong, 405)
    assert wrong.headers["Allow"] == "POST"
    assert is_problem(ask("POST", "/markets", {}), 405)
    assert is_problem(ask("OPTIONS", "/markets"), 405)


def test_u37_a_failure_of_ours_is_a_problem_without_details(app: Flask, api, monkeypatch) -> None:
    def fail(*anything: object) -> None:
        raise RuntimeError("secret detail")

    ask = api()
    monkeypatch.setattr("db.queries.markets.page", fail)
    answer = ask("GET", "/markets")
    assert is_problem(answer, 500)
    assert "secret" not in answer.text


def test_u37_field_errors_name_the_field_and_not_its_value(app: Flask, owner: int) -> None:
    answer = asker(app, None)("POST", "/auth/login", {"email": "a@b", "password": 123456, "more": 1})
    assert is_problem(answer, 422)
    assert {e["pointer"] for e in answer.get_json()["errors"]} == {"#/password", "#/more"}
    assert "123456" not in answer.text


def test_u38_reads_carry_an_etag_and_304_follows(api) -> None:
    ask = api()
    first = ask("GET", "/auth/me")
    again = ask("GET", "/auth/me", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert ask("GET", "/auth/me", headers={"If-None-Match": '"other"'}).status_code == 200


def test_u38_the_request_id_is_echoed(api) -> None:
    assert api()("GET", "/markets", headers={"X-Request-ID": "trace-me-123"}).headers["X-Request-ID"] == "trace-me-123"


def test_u38_limits_are_told_and_kept(settings, owner: int) -> None:
    small = make_app(settings_for(settings.database_url, settings.redis_url, RATE_LIMIT_API="5/min"))
    from tests.api import login

    ask = asker(small, login(small, "owner@example.org")["access_token"])
    answers = [ask("GET", "/markets") for _ in range(12)]
    assert [a.status_code for a in answers[:5]] == [200] * 5
    assert answers[0].headers["RateLimit-Policy"] == '"api";q=5;w=60'
    assert re.fullmatch(r'"api";r=4;t=\d+', answers[0].headers["RateLimit"])
    refused = next(a for a in answers if a.status_code == 429)
    assert is_problem(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_without_redis_the_api_still_answers(settings, owner: int) -> None:
    from tests.api import login

    alone = make_app(settings_for(settings.database_url, "redis://127.0.0.1:1/0"))
    ask = asker(alone, login(alone, "owner@example.org")["access_token"])
    assert ask("GET", "/markets").status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_s31_no_other_site_may_read_an_answer(api, app: Flask, origin: str) -> None:
    ask = api()
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for method, path in (("GET", "/markets"), ("OPTIONS", "/auth/login"), ("POST", "/auth/login")):
        answer = ask(method, path, {} if method == "POST" else None, headers=headers)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]
    assert is_problem(ask("POST", "/auth/login", {}, headers=headers), 403)


def test_paths_are_written_as_openapi_wants_them() -> None:
    assert address("/models/<int(max=5):model_id>") == "/api/models/{model_id}"
    with pytest.raises(ValidationError):
        ROUTES[0].body.model_validate({})
