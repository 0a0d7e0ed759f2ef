"""The gate: who is nobody sees nothing."""

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.roles import Role
from dashapp import gate
from tests.web import CALLBACKS, SignIn, body_of, dash_headers, post_form, router_body

# Every rule a stranger may reach, written out a second time: a new public route must be added here by hand.
PUBLIC_RULES = {
    "/login",
    "/setup",
    "/register",
    "/reset",
    "/login/code",
    "/login/passkey",
    "/forgot",
    "/confirm-address",
    "/assets/auth/<path:filename>",
    "/assets/<path:filename>",
    "/static/<fingerprint>/<path:name>",
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/auth/register",
    "/api/openapi.json",
    "/api/docs",
    "/assets/api/<path:filename>",
    "/health",
    "/health/live",
    "/health/ready",
    "/health/startup",
    "/metrics",
    "/_favicon.ico",
}


def samples(app: Flask) -> list[tuple[str, str, str]]:
    """(rule, an address that fits it, method) of every route."""
    words: dict[str, object] = {"token_id": 1, "passkey_id": 1, "model_id": 1, "job_id": UUID(int=1)}
    words |= {"filename": "x.css", "name": "x.css", "fingerprint": "0", "path": "x/y/z", "package_name": "dash"}
    found = []
    for rule in app.url_map.iter_rules():
        values = {name: words.get(name, "x") for name in rule.arguments}
        with app.test_request_context():
            address = app.url_map.bind("localhost").build(rule.endpoint, values, method=None)
        found += [(rule.rule, address, method) for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})]
    return found


@pytest.mark.parametrize("claimed", [True, False])
def test_s01_every_route_but_the_public_ones_is_closed_to_strangers(app, request, claimed: bool) -> None:
    if claimed:
        request.getfixturevalue("owner")
    tried = 0
    for rule, address, method in samples(app):
        answer = app.test_client().open(address, method=method)
        if rule not in PUBLIC_RULES:
            tried += 1
            assert answer.status_code in {401, 302, 404}, f"{method} {rule} is open to strangers"
            assert b"react-entry-point" not in answer.data
    assert tried > 5


def test_s01_the_public_list_names_only_routes_that_exist(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule in PUBLIC_RULES}
    assert endpoints == gate.PUBLIC


@pytest.mark.parametrize("path", ["/_dash-layout", "/_dash-dependencies", "/_reload-hash"])
def test_s02_what_dash_tells_everybody_it_tells_no_stranger(client: FlaskClient, owner: int, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert "props" not in answer.text
    assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]


def test_s02_component_suites_are_closed_too(client: FlaskClient, signed_in: SignIn) -> None:
    page = signed_in().get("/").text
    script = page.split('src="/_dash-component-suites')[1].split('"')[0]
    assert client.get(f"/_dash-component-suites{script}").status_code == 401
    assert signed_in().get(f"/_dash-component-suites{script}").status_code == 200


def test_s03_no_callback_answers_a_stranger(client: FlaskClient, signed_in: SignIn) -> None:
    dependencies = signed_in().get("/_dash-dependencies").get_json()
    assert any("_pages_content" in d["output"] for d in dependencies)
    for dependency in dependencies:
        answer = client.post(CALLBACKS, json=body_of(dependency))
        assert answer.status_code == 401, dependency["output"]


def test_a_page_is_drawn_for_somebody_who_is_signed_in(signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    answer = client.post(CALLBACKS, json=router_body("/"), headers=dash_headers(client))
    assert answer.status_code == 200
    assert "_pages_content" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/_mcp",
        "/_dash-ws",
        "/_dash-ws-callback",
        "/_alive_1",
        "/console",
        "/.git/config",
        "/.env",
        "/backup.sql",
        "/assets/",
        "/assets/../config.py",
        "/assets/%2e%2e/config.py",
        "/assets/auth/../../routes.py",
        "/x/y/z",
        "/charts/only-one",
        "/register",
    ],
)
def test_s07_there_is_nothing_to_find(client: FlaskClient, signed_in: SignIn, path: str) -> None:
    assert client.get(path).status_code in {404, 405}
    assert signed_in().get(path).status_code in {404, 405}


def test_s07_the_debugger_is_off(client: FlaskClient, owner: int, app: Flask) -> None:
    answer = client.get("/login?__debugger__=yes&cmd=resource&f=debugger.js")
    assert "Werkzeug" not in answer.text
    assert not app.debug
    assert not app.extensions["bolt_dash"]._dev_tools.ui


def test_s07_trace_is_refused(client: FlaskClient, owner: int) -> None:
    assert client.open("/", method="TRACE").status_code == 405
    assert client.open("/login", method="TRACE").status_code == 405


def test_an_unknown_address_shows_the_404_page_to_those_signed_in(signed_in: SignIn) -> None:
    answer = signed_in().get("/no/such/page")
    assert answer.status_code == 404
    assert "react-entry-point" in answer.text


def test_a_stranger_is_led_to_the_sign_in_and_back(client: FlaskClient, owner: int) -> None:
    answer = client.get("/charts/binance/BTC-USDT?tf=4h&ind=ema:20")
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=/charts/binance/BTC-USDT?")
    form = post_form(client, answer.location, email="owner@example.org", password="Copper-teapot-71")
    assert form.location == "/charts/binance/BTC-USDT?tf=4h&ind=ema:20"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "/%5cevil.example",
        "/%255cevil.example",
        "/%2f/evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "\\\\evil.example",
        "/login?next=//evil.example",
        "/logout",
        "\u2215\u2215evil.example",
        "/\u2028/evil.example",
        "evil.example",
        "http://[",
        "//[::1",
        "",
    ],
)
def test_s20_nobody_is_sent_to_another_site(client: FlaskClient, owner: int, target: str) -> None:
    page = client.get("/login", query_string={"next": target})
    token = page.text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    answer = client.post(
        "/login",
        query_string={"next": target},
        data={"csrf_token": token, "email": "owner@example.org", "password": "Copper-teapot-71"},
    )
    assert (answer.status_code, answer.location) == (302, "/")


@pytest.mark.parametrize("target", ["/", "/markets", "/charts/binance/BTC-USDT?tf=1h&from=2020-01-01"])
def test_s20_a_page_of_this_desk_is_kept(target: str) -> None:
    assert gate.safe_next(target) == target


def test_before_an_owner_exists_every_page_leads_to_the_setup(client: FlaskClient) -> None:
    for path in ("/", "/charts/binance/BTC-USDT", "/login", "/profile"):
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (302, "/setup"), path
    assert client.get("/_dash-layout").status_code == 401
