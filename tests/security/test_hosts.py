"""S33 in Bolt itself: whose name a request may carry. S11: whose address counts. S07: methods."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.addresses import origin
from dashapp.security import is_own_host
from db.queries.throttles import address_key
from tests.api import is_problem
from tests.web import make_app, settings_for

URL = "postgresql://nobody@127.0.0.1:1/none"
ANY = "0.0.0.0"  # noqa: S104  asked about, not listened on
BEHIND = {"BEHIND_TLS": "1", "PUBLIC_URL": "https://bolt.example.org"}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8050", "localhost.evil.example", "127.0.0.1.evil.example"]
)
@pytest.mark.parametrize("path", ["/login", "/", "/api/markets", "/health/live", "/static/0/bolt.css", "/_dash-layout"])
def test_s33_a_request_under_another_name_is_refused(client: FlaskClient, owner: int, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert "PUBLIC_URL" in answer.text
    assert "evil" not in answer.text
    if path.startswith("/api"):
        assert is_problem(answer, 400)


@pytest.mark.parametrize("host", ["a b", "[::1", "x@y", "", "127.0.0.1:x", "a,b"])
def test_s33_what_is_no_host_name_is_refused(client: FlaskClient, owner: int, host: str) -> None:
    assert client.get("/login", headers={"Host": host}).status_code in {200, 400}
    answer = client.get("/login", headers={"Host": f"evil.example{host}"})
    assert answer.status_code == 400


def test_s33_a_forwarded_host_names_nobody(client: FlaskClient, owner: int) -> None:
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Server": "evil.example",
        "Forwarded": "host=evil.example",
    }
    answer = client.get("/", headers=forged)
    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]


@pytest.mark.parametrize(
    ("host", "changes", "own"),
    [
        ("127.0.0.1:8050", {}, True),
        ("localhost", {}, True),
        ("[::1]:8050", {}, True),
        ("192.168.1.7:8050", {}, False),
        ("192.168.1.7:8050", {"HOST": ANY, "ALLOW_INSECURE_HTTP": "1"}, True),
        ("[fd00::7]:8050", {"HOST": "::", "ALLOW_INSECURE_HTTP": "1"}, True),
        ("rebound.example", {"HOST": ANY, "ALLOW_INSECURE_HTTP": "1"}, False),
        ("bolt.example.org", BEHIND, True),
        ("BOLT.example.org", BEHIND, True),
        ("127.0.0.1:8050", BEHIND, True),
        ("192.168.1.7", BEHIND | {"HOST": ANY}, False),
        ("other.example.org", BEHIND, False),
    ],
)
def test_s33_which_names_are_this_desks(host: str, changes: dict[str, str], own: bool) -> None:
    assert is_own_host(host, settings_for(URL, **changes)) is own


def test_s33_of_doubled_parameters_one_counts_and_the_other_changes_nothing(api) -> None:
    ask = api()
    assert is_problem(ask("GET", "/markets?limit=0&limit=5"), 422)
    assert ask("GET", "/markets?limit=5&limit=0").status_code == 200


def test_s11_an_ipv6_host_has_one_allowance_for_its_whole_network() -> None:
    assert origin("2001:db8:1:2::1") == origin("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert origin("2001:db8:1:3::1") != origin("2001:db8:1:2::1")
    assert origin("::ffff:10.1.2.3") == origin("10.1.2.3") == "10.1.2.3"
    assert (origin("fe80::1%eth0"), origin("unknown")) == ("fe80::/64", "unknown")
    assert address_key("2001:db8:1:2::1") == "address:2001:db8:1:2::/64"


def test_s11_guesses_from_one_network_are_counted_together(settings, owner: int) -> None:
    app: Flask = make_app(settings_for(settings.database_url, settings.redis_url, RATE_LIMIT_AUTH="3"))
    statuses = [
        app.test_client()
        .post("/api/auth/refresh", json={"refresh_token": f"x{n}"}, environ_base={"REMOTE_ADDR": f"2001:db8::{n}"})
        .status_code
        for n in range(1, 6)
    ]
    assert statuses == [401, 401, 401, 429, 429]


def test_s07_methods_nobody_uses_are_refused_with_those_that_are(client: FlaskClient, owner: int) -> None:
    for method in ("TRACE", "TRACK", "CONNECT", "PROPFIND"):
        answer = client.open("/api/markets", method=method)
        assert is_problem(answer, 405)
        assert "GET" in answer.headers["Allow"]
        assert client.open("/login", method=method).status_code == 405
