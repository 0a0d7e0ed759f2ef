"""Signing in and out, and what ends a session."""

import re
import statistics
import time
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from dashapp.auth import accounts, sessions
from dashapp.auth.answers import in_words
from db.queries import throttles, users
from db.tables import Throttle, User
from tests.web import OWNER, PASSWORD, SignIn, add_user, dash_headers, make_app, post_form, settings_for, sign_in

NEW = "Walnut-harbour-38"


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("session")
    return found.value if found else ""


def replay(app: Flask, value: str) -> int:
    """What a page answers to a copied cookie."""
    thief = app.test_client()
    thief.set_cookie("session", value)
    return thief.get("/profile").status_code


def wait_out_the_cache() -> None:
    time.sleep(sessions.FRESH + 0.05)


def test_a_person_signs_in_and_out(client: FlaskClient, owner: int) -> None:
    assert sign_in(client, "  OWNER@Example.org ").location == "/"
    assert OWNER in client.get("/profile").text
    assert post_form(client, "/logout").location == "/login"
    assert client.get("/profile").status_code == 302


def test_who_is_signed_in_needs_no_form(signed_in: SignIn) -> None:
    assert signed_in().get("/login?next=/markets").location == "/markets"


def test_the_user_carries_what_callbacks_ask_for(signed_in: SignIn) -> None:
    from flask_login import current_user

    client = signed_in(Role.ANALYST)
    with client:
        client.get("/profile")
        assert (current_user.id, current_user.email, current_user.role) == (
            client.user_id,
            "analyst@example.org",
            "analyst",
        )
        assert (current_user.display_name, current_user.is_owner) == ("Analyst", False)
        assert current_user.preferences == accounts.PREFERENCES


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


def test_s10_a_disabled_account_looks_the_same(app: Flask, owner: int, session: Session) -> None:
    gone = add_user(session, "wento@example.org", Role.VIEWER)
    session.execute(update(User).where(User.id == gone).values(disabled_at=utc_now()))
    session.commit()
    assert answers_alike(sign_in(app.test_client(), "wento@example.org"), sign_in(app.test_client(), OWNER, "wrong"))


def test_s10_wrong_user_and_wrong_password_take_the_same_time(app: Flask, owner: int, session: Session) -> None:
    def seconds(email: str) -> float:
        session.execute(update(Throttle).values(failures=0, blocked_until=None))
        session.commit()
        client = app.test_client()
        begin = time.perf_counter()
        sign_in(client, email, "wrong")
        return time.perf_counter() - begin

    seconds("warm@example.org")
    pairs = [(seconds(OWNER), seconds("nobody@example.org")) for _ in range(15)]
    known, unknown = (statistics.median(side) for side in zip(*pairs, strict=True))
    assert abs(known - unknown) < max(0.015, 0.1 * known)


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


def test_s14_the_password_changes_only_with_the_current_one(signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    answer = post_form(client, "/password", current="wrong", password=NEW, repeat=NEW)
    assert answer.status_code == 403
    assert "not your current password" in answer.text
    assert sign_in(client.application.test_client(), "viewer@example.org").status_code == 302


def test_s14_after_a_change_all_other_sessions_are_dead(signed_in: SignIn, app: Flask) -> None:
    client, other = signed_in(), signed_in()
    before = cookie(client)
    answer = post_form(client, "/password", current=PASSWORD, password=NEW, repeat=NEW)
    assert answer.location == "/profile"
    assert "every other session has ended" in client.get("/profile").text
    assert other.get("/profile").status_code == 302
    assert replay(app, before) == 302
    assert sign_in(app.test_client(), OWNER).status_code == 401
    assert sign_in(app.test_client(), OWNER, NEW).status_code == 302


def test_s14_a_weak_new_password_changes_nothing(signed_in: SignIn) -> None:
    client = signed_in()
    answer = post_form(client, "/password", current=PASSWORD, password="short", repeat="short")
    assert answer.status_code == 422
    assert client.get("/profile").status_code == 200


def test_s14_guessing_the_current_password_is_paused_too(signed_in: SignIn) -> None:
    client = signed_in()
    for _ in range(5):
        post_form(client, "/password", current="wrong", password=NEW, repeat=NEW)
    assert post_form(client, "/password", current=PASSWORD, password=NEW, repeat=NEW).status_code == 429


def test_s15_a_cookie_from_before_the_sign_in_gains_nothing(app: Flask, client: FlaskClient, owner: int) -> None:
    client.get("/login")
    before = cookie(client)
    sign_in(client, OWNER)
    assert cookie(client) != before
    assert replay(app, before) == 302


def test_s15_a_cookie_copied_before_signing_out_is_dead_after(app: Flask, signed_in: SignIn) -> None:
    client = signed_in()
    copied = cookie(client)
    assert replay(app, copied) == 200
    post_form(client, "/logout")
    assert replay(app, copied) == 302


def test_s15_signing_out_leaves_other_sessions_alone(signed_in: SignIn) -> None:
    one, two = signed_in(), signed_in()
    post_form(one, "/logout")
    assert two.get("/profile").status_code == 200


def test_s15_signing_out_everywhere_ends_them_all(signed_in: SignIn) -> None:
    one, two = signed_in(), signed_in()
    assert post_form(one, "/sessions").location == "/login"
    assert one.get("/profile").status_code == 302
    assert two.get("/profile").status_code == 302


def test_s15_a_disabled_person_is_out_within_a_second_in_callbacks_too(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    headers = dash_headers(client)
    session.execute(update(User).where(User.id == client.user_id).values(disabled_at=utc_now()))
    session.commit()
    wait_out_the_cache()
    assert client.post("/_dash-update-component", json={}, headers=headers).status_code == 401
    assert client.get("/profile").status_code == 302


def test_s15_a_changed_role_holds_within_a_second(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    assert "analyst</p>" in client.get("/profile").text
    session.execute(update(User).where(User.id == client.user_id).values(role="viewer"))
    session.commit()
    wait_out_the_cache()
    assert "viewer</p>" in client.get("/profile").text


def test_s15_a_cookie_works_in_one_browser_only(signed_in: SignIn) -> None:
    client = signed_in()
    assert client.get("/profile", headers={"User-Agent": "another browser"}).status_code == 302


def move_back(client: FlaskClient, **seconds: int) -> None:
    """Age the session in the cookie."""
    with client.session_transaction() as kept:
        for name, by in seconds.items():
            kept[name] -= by


def test_s16_a_session_ends_after_half_an_hour_without_a_request(signed_in: SignIn) -> None:
    client = signed_in()
    move_back(client, seen=29 * 60)
    assert client.get("/profile").status_code == 200
    move_back(client, seen=31 * 60)
    assert client.get("/profile").status_code == 302


def test_s16_using_the_desk_keeps_the_session(signed_in: SignIn) -> None:
    client = signed_in()
    for _ in range(3):
        move_back(client, seen=20 * 60, born=20 * 60)
        assert client.get("/profile").status_code == 200


def test_s16_a_session_ends_after_twelve_hours_in_any_case(signed_in: SignIn) -> None:
    client = signed_in()
    move_back(client, born=12 * 3_600 + 1)
    assert client.get("/profile").status_code == 302


def test_a_cookie_without_our_marks_is_nobody(signed_in: SignIn) -> None:
    client = signed_in()
    with client.session_transaction() as kept:
        del kept["sid"]
    assert client.get("/profile").status_code == 302


def test_the_database_is_asked_once_a_second_at_most(signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in()
    client.get("/profile")
    asked = []
    real = users.with_open_session
    monkeypatch.setattr(users, "with_open_session", lambda *a: asked.append(1) or real(*a))
    sessions.forget_answers()
    for _ in range(5):
        client.get("/profile")
    assert len(asked) == 1


def test_a_profile_keeps_name_theme_and_colours(signed_in: SignIn) -> None:
    client = signed_in()
    post_form(client, "/profile", display_name="Mara", theme="light", updown="blue-orange")
    page = client.get("/profile").text
    assert 'data-bs-theme="light" data-updown="blue-orange"' in page
    assert 'value="Mara"' in page
    assert "Your profile is saved." in page
    post_form(client, "/logout")
    assert 'data-bs-theme="light"' in client.get("/login").text


def test_the_theme_can_follow_the_system(signed_in: SignIn) -> None:
    client = signed_in()
    post_form(client, "/profile", display_name="Mara", theme="system", updown="green-red")
    light = client.get("/profile", headers={"Sec-CH-Prefers-Color-Scheme": "light"})
    assert 'data-bs-theme="light"' in light.text
    assert 'data-bs-theme="dark"' in client.get("/profile").text


@pytest.mark.parametrize("fault", [{"theme": "pink"}, {"updown": "x"}, {"display_name": "x" * 81}])
def test_a_profile_with_a_fault_is_refused(signed_in: SignIn, fault: dict) -> None:
    fields = {"display_name": "Mara", "theme": "dark", "updown": "teal-vermillion"} | fault
    assert post_form(signed_in(), "/profile", **fields).status_code == 422


def test_a_name_with_control_characters_is_refused_on_the_page(signed_in: SignIn) -> None:
    answer = post_form(signed_in(), "/profile", display_name="a\x07b", theme="dark", updown="teal-vermillion")
    assert answer.status_code == 422
    assert "printable" in answer.text


def test_there_is_no_way_to_register(client: FlaskClient, owner: int) -> None:
    assert client.get("/register").status_code == 404
    assert "egister" not in client.get("/login").text


def test_a_name_is_escaped_on_every_page(signed_in: SignIn) -> None:
    client = signed_in()
    post_form(client, "/profile", display_name="<img src=x onerror=XSS=1>", theme="dark", updown="teal-vermillion")
    for path in ("/profile", "/password", "/sessions", "/"):
        assert "<img src=x" not in client.get(path).text


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
