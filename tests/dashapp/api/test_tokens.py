"""Tokens: what forged, stale and used ones are worth."""

import base64
import json
import threading
import time

import jwt
import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from dashapp.api import tokens as issue
from db.queries import users
from db.tables import RevokedToken, TokenFamily
from tests.api import asker, is_problem, login
from tests.web import OWNER, add_user

SECRET = "s" * 40
KEY = issue.signing_key(SECRET)


def claims(token: str) -> dict:
    return jwt.decode(token, KEY, algorithms=["HS256"], audience="bolt-api")


def signed(changed: dict, *, key: bytes = KEY, without: str = "", headers: dict | None = None) -> str:
    changed.pop(without, None)
    return jwt.encode(changed, key, algorithm="HS256", headers=headers)


def part(data: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def test_keys_are_derived_as_rfc_5869_says() -> None:
    """Its third test case: no salt, no info."""
    found = issue.hkdf(bytes([0x0B] * 22), b"")
    assert found.hex().startswith("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")
    assert issue.signing_key("a" * 32) != issue.signing_key("b" * 32)


def test_s17_tokens_say_what_they_must_and_last_as_long_as_they_should(tokens) -> None:
    access, refresh = claims(tokens["access_token"]), claims(tokens["refresh_token"])
    assert access["exp"] - access["iat"] == 1_800
    assert refresh["exp"] - refresh["iat"] == 604_800
    assert (access["typ"], refresh["typ"]) == ("access", "refresh")
    assert (access["iss"], access["aud"]) == ("bolt", "bolt-api")
    assert access["jti"] != refresh["jti"]


def refused(app: Flask, token: str) -> bool:
    return is_problem(asker(app, token)("GET", "/auth/me"), 401)


@pytest.mark.parametrize("name", issue.CLAIMS)
def test_s17_a_token_that_lacks_a_claim_is_refused(app: Flask, tokens, name: str) -> None:
    assert refused(app, signed(claims(tokens["access_token"]), without=name))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"iss": "another"},
        {"typ": "refresh"},
        {"typ": None},
        {"fam": "another"},
        {"ver": 99},
        {"ver": "1"},
        {"sub": "999999"},
        {"sub": "x"},
        {"sub": ""},
    ],
)
def test_s17_a_token_that_says_something_else_is_refused(app: Flask, tokens, change: dict) -> None:
    assert refused(app, signed(claims(tokens["access_token"]) | change))


def test_s17_a_token_of_the_past_or_the_future_is_refused(app: Flask, tokens) -> None:
    now, good = int(time.time()), claims(tokens["access_token"])
    assert refused(app, signed(good | {"iat": now - 1_801, "nbf": now - 1_801, "exp": now - 1}))
    assert refused(app, signed(good | {"nbf": now + 60}))
    assert refused(app, signed(good | {"iat": now + 60, "exp": now + 1_860}))
    assert refused(app, signed(good | {"exp": now + 10**6}))
    assert not refused(app, signed(good))


def test_s17_unsigned_and_otherwise_signed_tokens_are_refused(app: Flask, tokens) -> None:
    head, body, signature = tokens["access_token"].split(".")
    good = claims(tokens["access_token"])
    assert refused(app, f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.")
    assert refused(app, f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.{signature}")
    assert refused(app, f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{body}.{signature}")
    assert refused(app, f"{head}.{part(good | {'sub': '2'})}.{signature}")
    assert refused(app, signed(good, key=SECRET.encode()))
    assert refused(app, signed(good, key=b"k" * 32))
    for more in ({"kid": "../../dev/null"}, {"jku": "https://evil.example/k"}, {"jwk": {"kty": "oct"}}, {"x5u": "x"}):
        assert refused(app, signed(dict(good), headers=more))
    for junk in ("", "x", "a.b.c", "..", "é.é.é", "bolt_", "null"):
        assert refused(app, junk)


def test_s17_refresh_and_access_are_not_exchanged(app: Flask, tokens) -> None:
    assert refused(app, tokens["refresh_token"])
    ask = asker(app, None)
    assert is_problem(ask("POST", "/auth/refresh", {"refresh_token": tokens["access_token"]}), 401)


def test_s17_a_token_in_the_address_or_another_scheme_is_not_looked_at(app: Flask, tokens) -> None:
    token = tokens["access_token"]
    assert is_problem(asker(app, None)("GET", f"/auth/me?token={token}&access_token={token}"), 401)
    assert is_problem(asker(app, None)("GET", "/auth/me", headers={"Authorization": f"Basic {token}"}), 401)


def test_s17_another_users_subject_in_ones_own_family_is_refused(app: Flask, tokens, session: Session) -> None:
    other = add_user(session, "other@example.org", Role.ADMIN)
    assert refused(app, signed(claims(tokens["access_token"]) | {"sub": str(other)}))


def renew(app: Flask, token: str):
    return asker(app, None)("POST", "/auth/refresh", {"refresh_token": token})


def test_s18_a_refresh_gives_new_tokens(app: Flask, tokens) -> None:
    fresh = renew(app, tokens["refresh_token"])
    assert fresh.status_code == 200
    assert fresh.get_json().keys() == tokens.keys()
    assert asker(app, fresh.get_json()["access_token"])("GET", "/auth/me").status_code == 200
    assert renew(app, fresh.get_json()["refresh_token"]).status_code == 200


def test_s18_a_second_use_ends_the_whole_family_at_once(app: Flask, tokens, valkey) -> None:
    import redis

    other = login(app, OWNER)
    fresh = renew(app, tokens["refresh_token"]).get_json()
    assert is_problem(renew(app, tokens["refresh_token"]), 401)
    redis.Redis.from_url(valkey.url).flushall()
    assert refused(app, fresh["access_token"])
    assert refused(app, tokens["access_token"])
    assert is_problem(renew(app, fresh["refresh_token"]), 401)
    assert not refused(app, other["access_token"])


def test_s18_of_twenty_at_once_one_wins(app: Flask, owner: int, session: Session) -> None:
    """Against the database itself, each in a transaction of its own; the requests are limited to ten a minute."""
    import db.engine

    now, user = utc_now(), users.get(session, owner)
    with db.engine.session() as opened:
        pair = issue.begin(opened, user, secret_key=SECRET, now=now)
    read = issue.read(pair.refresh, issue.REFRESH, secret_key=SECRET, now=now)
    barrier, won = threading.Barrier(20), []

    def use() -> None:
        barrier.wait()
        with db.engine.session() as opened:
            won.append(issue.refresh(opened, pair.refresh, read, secret_key=SECRET, now=now))

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 20
    assert sum(pair is not None for pair in won) == 1
    assert session.scalars(select(TokenFamily)).one().revoked_at is not None


def test_s18_a_family_ends_after_thirty_days_however_often_it_was_refreshed(
    app: Flask, tokens, session: Session
) -> None:
    session.execute(update(TokenFamily).values(expires_at=utc_now()))
    session.commit()
    assert refused(app, tokens["access_token"])
    assert is_problem(renew(app, tokens["refresh_token"]), 401)


def test_s19_after_signing_out_every_token_of_the_sign_in_is_dead(app: Flask, tokens, session: Session) -> None:
    assert asker(app, tokens["access_token"])("POST", "/auth/logout").status_code == 204
    assert refused(app, tokens["access_token"])
    assert is_problem(renew(app, tokens["refresh_token"]), 401)
    assert session.scalars(select(RevokedToken.jti)).all() == [claims(tokens["access_token"])["jti"]]
