"""Headers of every kind of answer, and the flags of cookies."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web import OWNER, SignIn, dash_headers, make_app, post_form, settings_for, sign_in

ALWAYS = (
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "X-Request-ID",
)
POLICY = {
    "default-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def policy_of(answer) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


def classes_of_answers(client: FlaskClient, stranger: FlaskClient) -> dict:
    """One answer of each class: page, redirect, JSON, static file, and errors."""
    return {
        "page": client.get("/"),
        "account page": client.get("/profile"),
        "redirect": stranger.get("/"),
        "json": client.get("/_dash-dependencies"),
        "callback fault": client.post("/_dash-update-component", json={}, headers=dash_headers(client)),
        "static": stranger.get("/assets/auth/forms.js"),
        "unauthorised": stranger.get("/_dash-layout"),
        "not found": client.get("/nothing/here"),
        "wrong method": client.open("/profile", method="DELETE"),
        "sign in": stranger.get("/login"),
        "health": stranger.get("/health/live"),
    }


def test_s29_every_class_of_answer_carries_the_headers(signed_in: SignIn, client: FlaskClient) -> None:
    for name, answer in classes_of_answers(signed_in(), client).items():
        for header in ALWAYS:
            assert answer.headers.get(header), f"{name} lacks {header}"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert policy_of(answer)["frame-ancestors"] == "'none'"
        assert "Server" not in answer.headers
        assert "Strict-Transport-Security" not in answer.headers


def test_s29_a_failure_carries_the_headers(app: Flask, client: FlaskClient, owner: int) -> None:
    def fail() -> str:
        raise RuntimeError("secret detail")

    app.view_functions["health.live"] = fail
    answer = client.get("/health/live")
    assert answer.status_code == 500
    assert all(answer.headers.get(header) for header in ALWAYS)


def test_s29_what_is_private_is_not_stored(signed_in: SignIn, client: FlaskClient) -> None:
    answers = classes_of_answers(signed_in(), client)
    for name in ("page", "account page", "json", "callback fault", "unauthorised", "not found", "sign in"):
        assert answers[name].headers["Cache-Control"] == "no-store", name
    assert answers["static"].headers["Cache-Control"] != "no-store"


def test_s29_behind_tls_browsers_are_told_to_stay_there(postgres, owner: int) -> None:
    client = make_app(settings_for(postgres.url, BEHIND_TLS="1", PUBLIC_URL="https://bolt.example.org")).test_client()
    answer = client.get("/login", base_url="https://bolt.example.org")
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"


def test_s29_signing_out_clears_the_browser(signed_in: SignIn) -> None:
    assert "storage" in post_form(signed_in(), "/logout").headers["Clear-Site-Data"]


def test_s30_the_policy_names_no_other_host(signed_in: SignIn, client: FlaskClient) -> None:
    for answer in classes_of_answers(signed_in(), client).values():
        policy = policy_of(answer)
        assert {name: policy[name] for name in POLICY} == POLICY
        assert "http" not in answer.headers["Content-Security-Policy"]
        assert set(policy) == {*POLICY, "script-src"}


def test_s30_inline_scripts_run_only_with_their_hash(signed_in: SignIn, client: FlaskClient) -> None:
    import base64
    import hashlib

    answer = signed_in().get("/")
    allowed = policy_of(answer)["script-src"]
    inline = re.findall(r"<script(?![^>]*src)(?![^>]*application/json)[^>]*>(.*?)</script>", answer.text, re.DOTALL)
    assert inline
    for script in inline:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed
    assert policy_of(client.get("/login"))["script-src"] == "'self'"
    assert "'unsafe" not in allowed


def test_s30_the_account_pages_hold_no_inline_script(signed_in: SignIn) -> None:
    client = signed_in()
    for path in ("/profile", "/password", "/sessions", "/logout"):
        page = client.get(path).text
        assert re.findall(r"<script(?![^>]*src)", page) == []
        assert re.findall(r'\son\w+="', page) == []
        assert set(re.findall(r'(?:src|href)="(\w+:)?//', page)) == set()


def test_s31_no_other_origin_may_read(client: FlaskClient, signed_in: SignIn) -> None:
    for origin in ("https://evil.example", "null"):
        for answer in (client.get("/login", headers={"Origin": origin}), signed_in().options("/profile")):
            assert "Access-Control-Allow-Origin" not in answer.headers


def cookies_of(answer) -> dict[str, str]:
    return {line.split("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_s16_on_loopback_the_cookie_is_session(client: FlaskClient, owner: int) -> None:
    cookie = cookies_of(sign_in(client, OWNER))["session"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert "Domain" not in cookie


def test_s16_behind_tls_the_cookie_is_bound_to_host_and_tls(postgres, owner: int) -> None:
    client = make_app(settings_for(postgres.url, BEHIND_TLS="1", PUBLIC_URL="https://bolt.example.org")).test_client()
    base = "https://bolt.example.org"
    page = client.get("/login", base_url=base).text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "email": OWNER, "password": "Copper-teapot-71"}
    answer = client.post("/login", data=fields, base_url=base)
    cookie = cookies_of(answer)["__Host-session"]
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie
    page = client.get("/", base_url=base)
    assert page.status_code == 200
    assert "Secure" in cookies_of(page)["_csrf_token"]


def test_s16_the_token_for_scripts_is_bound_to_the_session(signed_in: SignIn) -> None:
    one, two = signed_in(), signed_in()
    foreign = dash_headers(two)
    answer = one.post("/_dash-update-component", json={}, headers=foreign)
    assert answer.status_code == 400
    assert "open for too long" in answer.text


def test_a_request_id_is_echoed_where_it_is_a_sane_one(client: FlaskClient, owner: int) -> None:
    assert client.get("/login", headers={"X-Request-ID": "abc-123-xyz"}).headers["X-Request-ID"] == "abc-123-xyz"
    for bad in ("x", "a" * 65, "<script>", "a b c d e f g"):
        assert client.get("/login", headers={"X-Request-ID": bad}).headers["X-Request-ID"] != bad


@pytest.mark.parametrize(("accepts", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)])
def test_pages_are_compressed_as_the_browser_likes(
    signed_in: SignIn, client: FlaskClient, accepts: str, encoding: str | None
) -> None:
    answer = signed_in().get("/_dash-dependencies", headers={"Accept-Encoding": accepts})
    assert answer.headers.get("Content-Encoding") == encoding
