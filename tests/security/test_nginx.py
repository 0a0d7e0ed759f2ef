"""S28, S29, S32, S33 and R29 against a real Nginx with the product's own file."""

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

import tests.security.nginx as nginx
from core.market_name import parse
from dashapp.auth import accounts, sessions
from db.queries import markets
from db.tables import AuditEvent
from tests import tools
from tests.conftest import empty
from tests.security.nginx import NAME, PRODUCT, Nginx
from tests.web import OWNER, PASSWORD, make_app, settings_for

pytestmark = pytest.mark.skipif(tools.left_out(tools.NGINX), reason="no Nginx found: install Debian's nginx-light")


@pytest.fixture(scope="module")
def desk(engine: Engine, valkey: Any) -> Iterator[Flask]:
    """An application that believes one proxy, with an owner and a market."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    behind = {"BEHIND_TLS": "1", "TRUSTED_PROXIES": "1", "PUBLIC_URL": f"https://{NAME}"}
    made = make_app(settings_for(url, valkey.url, **behind))
    sessions.forget_answers()
    with Session(engine) as session:
        accounts.create_owner(session, OWNER, PASSWORD, "Olga")
        markets.get_or_create(session, parse("demo:BTC/USDT"), simulated=True)
        session.commit()
    yield made
    empty(engine)


@pytest.fixture(scope="module")
def served(desk: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, desk, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def site(served: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx.running(tmp_path_factory.mktemp("nginx"), served) as ports:
        yield ports


def tls(site: Nginx, **versions: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(site.certificate))
    for name, value in versions.items():
        setattr(context, name, value)
    return context


def connect(site: Nginx, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", site.https), timeout=5)
    return (context or tls(site)).wrap_socket(plain, server_hostname=NAME)


def ask(site: Nginx, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: Any = None) -> Any:
    """(answer, its text) over TLS."""
    connection = http.client.HTTPSConnection("127.0.0.1", site.https, timeout=10)
    connection.sock = connect(site)
    connection.request(method, path, body, {"Host": NAME} | (headers or {}))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def ask_plainly(site: Nginx, path: str, host: str = NAME) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def say(site: Nginx, *lines: str, body: bytes = b"") -> bytes:
    """The first bytes of the answer to a request written by hand."""
    with connect(site) as made:
        made.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            return made.recv(4_096)
        except (ConnectionError, ssl.SSLError):
            return b""


def test_s28_monitoring_is_closed_to_the_outside(site: Nginx) -> None:
    for path in ("/metrics", "/metrics/", "/grafana/", "/rq", "/prometheus", "/nginx_status"):
        answer, text = ask(site, path)
        assert answer.status in {403, 404}, path
        assert "bolt_" not in text


def test_s29_nothing_says_what_serves_here(site: Nginx) -> None:
    for path in ("/login", "/metrics", "/static/x/nothing", "/api/markets", "/api/openapi.json"):
        answer, text = ask(site, path)
        assert answer.headers.get_all("Server") == ["nginx"], path
        assert "1.22" not in text
        assert not re.search(r"gunicorn|werkzeug", f"{answer.headers} {text}", re.IGNORECASE)


def test_s29_nginx_own_answers_carry_the_headers_once(site: Nginx) -> None:
    too_large = ask(site, "/login", method="POST", body=b"x" * 3_000_000)[0]
    assert too_large.status == 413
    for answer in (too_large, ask(site, "/metrics")[0], ask(site, "/login")[0], ask(site, "/api/nothing")[0]):
        assert answer.headers.get_all("Strict-Transport-Security") == ["max-age=63072000; includeSubDomains"]
        assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
        assert len(answer.headers.get_all("Content-Security-Policy")) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_s32_tls_1_2_and_1_3_are_spoken(site: Nginx, version: ssl.TLSVersion) -> None:
    with connect(site, tls(site, minimum_version=version, maximum_version=version)) as made:
        assert made.version() == version.name.replace("_", ".").replace("TLSv1.", "TLSv1.")
        assert made.cipher()[0].startswith(("ECDHE", "TLS_"))
        assert not (made.session and made.session.has_ticket and version is ssl.TLSVersion.TLSv1_2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_s32_older_versions_are_refused(site: Nginx, version: ssl.TLSVersion) -> None:
    context = tls(site)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(site, context)


@pytest.mark.parametrize(
    "weak", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"]
)
def test_s32_weak_ciphers_are_refused(site: Nginx, weak: str) -> None:
    context = tls(site, maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{weak}:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(site, context)


def test_s32_pages_lead_to_https_and_the_api_does_not(site: Nginx) -> None:
    answer, _ = ask_plainly(site, "/charts?market=x")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/charts?market=x")
    for path in ("/api/markets", "/api/auth/login", "/api"):
        answer, text = ask_plainly(site, path)
        assert (answer.status, answer.headers["Location"]) == (403, None)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "HTTPS" in text


def test_s33_two_lengths_for_one_body_are_refused(site: Nginx) -> None:
    smuggled = b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n"
    head = ("POST /login HTTP/1.1", f"Host: {NAME}")
    for lengths in (
        ("Content-Length: 6", "Transfer-Encoding: chunked"),
        ("Content-Length: 6", "Content-Length: 7"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
    ):
        status = say(site, *head, *lengths, body=smuggled).split(b" ")[1:2]
        assert status and status[0] in {b"400", b"501"}, lengths


def test_s33_another_host_name_is_refused(site: Nginx) -> None:
    assert ask(site, "/login", headers={"Host": "evil.example"})[0].status in {400, 421}
    assert ask_plainly(site, "/login", host="evil.example")[0].status == 400
    assert b" 400 " in say(site, "GET /login HTTP/1.1", f"Host: {NAME}", "Host: evil.example")
    assert b" 400 " in say(site, "GET /login HTTP/1.1")


def test_s33_forwarded_headers_of_a_stranger_change_nothing(site: Nginx, desk: Flask, engine: Engine) -> None:
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-For": "9.9.9.9",
        "X-Real-IP": "9.9.9.9",
        "Forwarded": "for=9.9.9.9;host=evil.example",
    }
    answer, text = ask(site, "/", headers=forged)
    assert answer.status == 302
    assert "evil" not in text + answer.headers["Location"]
    sent = {"Content-Type": "application/json"} | forged
    wrong = '{"email": "nobody@example.org", "password": "wrong"}'
    assert ask(site, "/api/auth/login", method="POST", headers=sent, body=wrong)[0].status == 401
    with Session(engine) as session:
        found = session.query(AuditEvent).filter_by(action="sign_in").order_by(AuditEvent.id.desc()).first()
        assert found is not None
        assert found.ip == "127.0.0.1"


def test_r29_a_client_that_dawdles_is_let_go(site: Nginx) -> None:
    promised = [int(found) for found in re.findall(r"client_(?:header|body)_timeout (\d+)s", PRODUCT.read_text())]
    assert len(promised) == 6
    assert max(promised) <= 30
    began = time.monotonic()
    with connect(site) as slow:
        slow.sendall(b"GET /login HTTP/1.1\r\nX-Slow: ")
        heard = slow.recv(100)
        assert heard == b"" or b" 408 " in heard
    body = say(site, "POST /login HTTP/1.1", f"Host: {NAME}", "Content-Length: 1000", body=b"a")
    assert body == b"" or b" 408 " in body
    assert time.monotonic() - began < 10


def test_r29_a_body_that_is_too_large_is_not_read(site: Nginx) -> None:
    began = time.monotonic()
    promise = ("POST /markets/import HTTP/1.1", f"Host: {NAME}", "Content-Length: 900000000")
    assert b" 413 " in say(site, *promise)
    assert time.monotonic() - began < 5


def test_live_events_arrive_at_once_and_packed_files_as_they_are(site: Nginx, desk: Flask) -> None:
    cookie = _sign_in(site)
    with connect(site) as stream:
        lines = (f"Host: {NAME}", f"Cookie: {cookie}", "User-Agent: bolt-test", "Accept: text/event-stream")
        stream.sendall("\r\n".join(["GET /stream?markets=demo/BTC-USDT HTTP/1.1", *lines, "", ""]).encode())
        began, received = time.monotonic(), b""
        while b"event: beat" not in received:
            received += stream.recv(4_096)
            assert time.monotonic() - began < 3
    with desk.test_request_context():
        path = desk.jinja_env.globals["static_file"]("bolt.css")
    connection = http.client.HTTPSConnection("127.0.0.1", site.https, timeout=10)
    connection.sock = connect(site)
    connection.request("GET", path, headers={"Host": NAME, "Accept-Encoding": "br, gzip"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "br")
    assert "immutable" in answer.headers["Cache-Control"]
    connection.close()


def _sign_in(site: Nginx) -> str:
    """The cookie of a session, which is bound to TLS and to this host."""
    agent = {"User-Agent": "bolt-test"}
    page, text = ask(site, "/login", headers=agent)
    cookies = {line.split("=")[0]: line.split(";")[0] for line in page.headers.get_all("Set-Cookie")}
    token = text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    form = f"csrf_token={token}&email={OWNER.replace('@', '%40')}&password={PASSWORD}"
    sent = agent | {"Cookie": "; ".join(cookies.values()), "Content-Type": "application/x-www-form-urlencoded"}
    sent |= {"Origin": f"https://{NAME}", "Referer": f"https://{NAME}/login"}
    answer, _ = ask(site, "/login", method="POST", headers=sent, body=form)
    assert answer.status == 302, answer.status
    found = next(line for line in answer.headers.get_all("Set-Cookie") if line.startswith("__Host-session="))
    assert "Secure" in found
    return found.split(";")[0]
