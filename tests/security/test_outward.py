"""S24: no address to connect to comes from a person, and those of the settings are what they should be."""

import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from dash import Input, Output
from flask import Flask, request
from flask.testing import FlaskClient
from flask_wtf import FlaskForm
from redis import Redis
from sqlalchemy import Engine
from wtforms import StringField
from wtforms.validators import URL

import core.settings
from core import market_name
from core.errors import BoltError, ConfigurationError, ExchangeUnavailable
from dashapp.api.schemas import example
from market import ccxt_gateway, coingecko
from tests.api import STEADY, asker, login, routes
from tests.api import filled as path_of
from tests.security.outward import filled, form_fields, forms, suspects, watched
from tests.security.trespass import server_callbacks
from tests.web import CALLBACKS, OWNER, SignIn, body_of, dash_headers, make_app, settings_for, sign_in, token_of

AIMED = (
    "http://127.0.0.1:6379",
    "http://[::1]",
    "http://169.254.169.254/latest/meta-data/",
    "http://0x7f.1",
    "http://2130706433",
    "http://localhost.",
    "http://[::ffff:10.0.0.1]",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_PING",
    "https://bolt.example.org@127.0.0.1/",
)


@pytest.fixture
def roomy(settings: Any, app: Flask, owner: int) -> Flask:
    return make_app(settings_for(settings.database_url, settings.redis_url, **STEADY))


@pytest.fixture
def own(settings: Any) -> set[Any]:
    """The ports of Bolt's own servers."""
    return {Redis.from_url(settings.redis_url).connection_pool.connection_kwargs.get("port")}


def places(client: FlaskClient, app: Flask) -> list[str]:
    """`id.property` of everything that a callback on the server is sent."""
    found = {
        f"{one['id']}.{one['property']}" for c in server_callbacks(app, client) for one in c["inputs"] + c["state"]
    }
    return sorted(found)


def test_s24_no_field_takes_an_address_to_connect_to(app: Flask, signed_in: SignIn) -> None:
    """One that does must come with the guard that SECURITY.md describes under Connections, and with its own tests."""
    client = signed_in()
    description = client.get("/api/openapi.json").get_json()
    assert suspects(app, description, places(client, app)) == set()
    assert len(forms()) > 10


def test_s24_a_field_that_takes_one_is_found_out(app: Flask, signed_in: SignIn) -> None:
    class HookForm(FlaskForm):
        webhook_url = StringField()
        somewhere = StringField(validators=[URL()])

    description = signed_in().get("/api/openapi.json").get_json()
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Planted"}}}}
    description["components"]["schemas"]["Planted"] = {
        "properties": {"callbackUrl": {"type": "string"}, "where": {"anyOf": [{"type": "string", "format": "uri"}]}}
    }
    description["paths"]["/planted"] = {
        "post": {"requestBody": body, "parameters": [{"name": "host", "in": "query", "schema": {"type": "string"}}]}
    }
    found = suspects(app, description, ["alerts-webhook.value", "alerts-name.value"])
    del HookForm
    assert found == {
        ("HookForm", "webhook_url"),
        ("HookForm", "somewhere"),
        ("POST /planted", "callbackUrl"),
        ("POST /planted", "where"),
        ("POST /planted", "host"),
        ("callback", "alerts-webhook.value"),
    }


def aim_everywhere(app: Flask, client: FlaskClient, value: str) -> None:
    """Send an address in every place a person can write: callbacks, the API's bodies and queries, forms."""
    headers = dash_headers(client)
    for callback in server_callbacks(app, client):
        body = body_of(callback)
        for place in [*body["inputs"], *body["state"]]:
            if isinstance(place, dict):
                place["value"] = value
        assert client.post(CALLBACKS, json=body, headers=headers).status_code != 401
    ask = asker(app, login(app, OWNER)["access_token"])
    for route in routes():
        if route.name != "logout":
            names = route.query.model_fields if route.query else ()
            query = dict.fromkeys(names, value) | {"url": value}
            ask(route.method, path_of(route.path), filled(route, value, example), query_string=query)
    assert ask("GET", "/auth/me").status_code == 200
    fields = {name: value for (_, name), _ in form_fields(forms(), app)}
    for page in pages_with_forms(app):
        if client.get("/profile").status_code == 302:  # the last form ended the session
            sign_in(client, OWNER)
        with suppress(IndexError):  # nothing to fill in stands there for the owner
            client.post(page, data=fields | {"csrf_token": token_of(client, page)})


def pages_with_forms(app: Flask) -> list[str]:
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and not rule.arguments]
    return sorted(rule.rule for rule in rules if not rule.rule.startswith(("/api", "/_dash")))


def test_s24_whatever_people_write_bolt_connects_to_nobody(roomy: Flask, signed_in: SignIn, own: set[Any]) -> None:
    with watched(own) as reached:
        aim_everywhere(roomy, signed_in(), AIMED[2])
    assert reached == []


def test_s24_a_view_or_a_callback_that_connects_is_found_out(app: Flask, signed_in: SignIn, own: set[Any]) -> None:
    dash = app.extensions["bolt_dash"]

    def fetch(address: Any) -> str:
        with suppress(OSError, ValueError):
            urllib.request.urlopen(str(address), timeout=1)  # noqa: S310  the mistake that is to be found
        return "asked"

    dash.callback(Output("aim-done", "children"), Input("aim-at", "value"))(fetch)
    app.add_url_rule("/aimed", "aimed", lambda: fetch(request.form["email"]), methods=["POST"])
    client = signed_in()
    with watched(own) as reached:
        client.post(
            CALLBACKS,
            json=body_of(next(c for c in server_callbacks(app, client) if c["output"] == "aim-done.children"))
            | {"inputs": [{"id": "aim-at", "property": "value", "value": AIMED[2]}]},
            headers=dash_headers(client),
        )
        client.post("/aimed", data={"email": AIMED[0], "csrf_token": token_of(client, "/profile")})
    assert [tuple(one[:2]) for one in reached] == [("169.254.169.254", 80), ("127.0.0.1", 6379)]


@pytest.mark.parametrize("address", AIMED)
def test_s24_an_address_is_neither_an_exchange_nor_a_market(address: str) -> None:
    for name in (address, f"{address}:BTC/USDT", f"binance:{address}"):
        with pytest.raises(BoltError):
            market_name.parse(name)
    with pytest.raises(BoltError):
        ccxt_gateway.make(address)
    with pytest.raises(ConfigurationError, match="EXCHANGES"):
        core.settings.read({"EXCHANGES": f"binance,{address}"})


@pytest.mark.parametrize("address", [*AIMED, "a b", "mail.example.org:25", "user@mail.example.org", "mail/x", "-x.org"])
def test_s24_the_mail_server_is_a_name_and_nothing_more(address: str) -> None:
    with pytest.raises(ConfigurationError, match="SMTP_HOST must be a host name"):
        core.settings.read({"SMTP_HOST": address, "SMTP_FROM": "bolt@example.org"})


@pytest.mark.parametrize("host", ["mail.example.org", "localhost", "mail_1", "10.0.0.1", "::1", "[::1]"])
def test_s24_names_and_addresses_of_mail_servers_are_taken(host: str) -> None:
    read = core.settings.read({"SMTP_HOST": host, "SMTP_FROM": "bolt@example.org"})
    assert read.smtp_host == host.strip("[]")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("PUBLIC_URL", "https://admin:secret@bolt.example.org"),
        ("PUBLIC_URL", "file:///etc/passwd"),
        ("PUBLIC_URL", "bolt.example.org"),
        ("PUBLIC_URL", "https://[::1"),
        ("REDIS_URL", "http://127.0.0.1:6379"),
        ("REDIS_URL", "redis://127.0.0.1:port"),
        ("DATABASE_URL", "sqlite:///bolt.db"),
        ("DATABASE_URL", "gopher://secret@127.0.0.1"),
    ],
)
def test_s24_an_address_in_the_settings_has_its_scheme(name: str, address: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be an address that begins with") as told:
        core.settings.read({name: address})
    assert "secret" not in str(told.value)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A server that sends everybody on to itself under another name, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path.startswith("/inside"):
                self.send_response(200)
            else:
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{server.server_port}/inside")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_args: Any) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_s24_exchanges_and_coingecko_lead_nobody_elsewhere(
    elsewhere: tuple[str, list[str]], redis_url: str, database: Engine
) -> None:
    url, asked = elsewhere
    with pytest.raises((ExchangeUnavailable, BoltError)):
        ccxt_gateway.make("demo", base_url=url, timeout_s=2).server_time()
    made = coingecko.make(core.settings.read({}), Redis.from_url(redis_url), base_url=url, timeout_s=2, attempts=1)
    with pytest.raises(BoltError):
        made.coins(1)
    assert asked
    assert [path for path in asked if path.startswith("/inside")] == []
