"""Signing in and out, and what guessing costs."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from dashapp.auth.answers import in_words
from db.queries import throttles, users
from db.tables import Throttle, User
from tests.web import OWNER, PASSWORD, SignIn, add_user, make_app, post_form, settings_for, sign_in, token_of


def test_a_person_signs_in_and_out(client: FlaskClient, owner: int) -> None:
    assert sign_in(client, "  OWNER@Example.org ").location == "/"
    assert OWNER in client.get("/profile").text
    assert post_form(client, "/logout").location == "/login"
    assert client.get("/profile").status_code == 302


def test_who_is_signed_in_needs_no_form(signed_in: SignIn) -> None:
    assert signed_in().get("/login?next=/markets").location == "/markets"


def answers_alike(first, second) -> bool:
    def plain(answer) -> str:
        return re.sub(r'value="[^"]*"', "", answer.text)

    names = {"Set-Cookie", "X-Request-ID"}
    heads = [{k: v for k, v in a.headers.items() if k not in names} for a in (first, second)]
    return first.status_code == second.status_code and plain(first) == plain(second) and heads[0] == heads[1]


def test_s10_wrong_user_and_wrong_password_look_the_same(app: Flask, owner: int) -> None:
    known = sign_in(app.test_client(), OWNER, "wrong")
    unknown = sign_in(app.test_client(), "nobod@example.org", "wrong")  # echoed, so as long as the other
    assert known.status_code == 401
    assert answers_alike(known, unknown)


@pytest.mark.parametrize("email", ["nobod\x00@example.org", "owner@example.org\x00", "nobod\ud800@example.org"])
def test_s10_an_address_nobody_can_have_is_simply_wrong(client: FlaskClient, owner: int, email: str) -> None:
    form = {"csrf_token": token_of(client, "/login"), "email": email, "password": PASSWORD}
    body = urlencode(form, errors="surrogatepass")
    answer = client.post("/login", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 401


def test_s10_a_disabled_account_looks_the_same(app: Flask, owner: int, session: Session) -> None:
    gone = add_user(session, "wento@example.org", Role.VIEWER)
    session.execute(update(User).where(User.id == gone).values(disabled_at=utc_now()))
    session.commit()
    assert answers_alike(sign_in(app.test_client(), "wento@example.org"), sign_in(app.test_client(), OWNER, "wrong"))


def test_s10_a_paused_unknown_account_looks_like_a_paused_known_one(app: Flask, owner: int) -> None:
    for email in (OWNER, "nobody@example.org"):
        for _ in range(5):
            sign_in(app.test_client(), email, "wrong")
    known, unknown = (sign_in(app.test_client(), email, "wrong") for email in (OWNER, "nobody@example.org"))
    assert known.status_code == unknown.status_code == 429


def test_s11_after_five_failures_even_the_right_password_must_wait(client: FlaskClient, owner: int) -> None:
    assert [sign_in(client, OWNER, "wrong").status_code for _ in range(5)] == [401] * 5
    answer = sign_in(client, OWNER)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "Too many failed attempts" in answer.text


def test_s11_the_pause_ends_by_itself(client: FlaskClient, owner: int, session: Session) -> None:
    for _ in range(5):
        sign_in(client, OWNER, "wrong")
    session.execute(update(Throttle).values(blocked_until=utc_now() - timedelta(seconds=1)))
    session.commit()
    assert sign_in(client, OWNER).status_code == 302
    assert session.get(Throttle, throttles.account_key(OWNER)) is None


def test_s11_one_address_has_twenty_failures_in_five_minutes(app: Flask, owner: int) -> None:
    statuses = [sign_in(app.test_client(), f"user{n}@example.org", "wrong").status_code for n in range(21)]
    assert statuses == [401] * 20 + [429]
    answer = sign_in(app.test_client(), OWNER)
    assert answer.status_code == 429
    assert 60 < int(answer.headers["Retry-After"]) <= 300


def test_s11_a_forwarded_address_of_a_stranger_is_ignored(app: Flask, owner: int) -> None:
    for n in range(20):
        client = app.test_client()
        client.environ_base["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{n}"
        sign_in(client, f"user{n}@example.org", "wrong")
    client.environ_base["HTTP_X_FORWARDED_FOR"] = "203.0.113.99"
    assert sign_in(client, OWNER).status_code == 429


def test_s11_a_trusted_proxy_names_the_address(app: Flask, owner: int, postgres) -> None:
    behind = make_app(settings_for(postgres.url, TRUSTED_PROXIES="1"))
    for n in range(21):
        client = behind.test_client()
        client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.1, 203.0.113.{n}"
        assert sign_in(client, f"user{n}@example.org", "wrong").status_code == 401


def test_s11_pauses_survive_a_flushed_redis(client: FlaskClient, owner: int, redis_url: str) -> None:
    import redis

    for _ in range(5):
        sign_in(client, OWNER, "wrong")
    redis.Redis.from_url(redis_url).flushall()
    assert sign_in(client, OWNER).status_code == 429


def test_s13_an_outdated_hash_is_renewed_at_sign_in(client: FlaskClient, owner: int, session: Session) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    session.execute(update(User).values(password_hash=old))
    session.commit()
    assert sign_in(client, OWNER).status_code == 302
    session.expire_all()
    stored = users.get(session, owner)
    assert stored.password_hash.startswith("$argon2id$v=19$m=19456,t=2")
    assert stored.last_login_at is not None


def test_there_is_no_way_to_register(client: FlaskClient, owner: int) -> None:
    assert client.get("/register").status_code == 404
    assert "egister" not in client.get("/login").text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (40, "40 seconds"), (60, "1 minute"), (61, "2 minutes"), (900, "15 minutes")],
)
def test_a_pause_is_said_in_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


def test_sign_ins_are_logged_without_the_password(client: FlaskClient, owner: int, caplog) -> None:
    caplog.set_level("INFO", logger="bolt.auth")
    sign_in(client, OWNER, "Wrong-password-1")
    sign_in(client, OWNER)
    assert [r.getMessage() for r in caplog.records if r.name == "bolt.auth"] == ["login_fail", "login_ok"]
    assert all(r.account == owner for r in caplog.records if r.name == "bolt.auth")
    assert "Wrong-password-1" not in caplog.text
    assert PASSWORD not in caplog.text
