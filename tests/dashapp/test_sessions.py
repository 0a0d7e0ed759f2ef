"""Sessions: what ends them, and how soon."""

import time
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from dashapp.auth import accounts, sessions
from dashapp.live_hub import Hub
from db.queries import users
from db.tables import User, UserSession
from tests.api import asker, login
from tests.web import OWNER, PASSWORD, SignIn, add_user, body_of, dash_headers, post_form, sign_in, token_of

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
    assert ", analyst." in client.get("/profile").text
    session.execute(update(User).where(User.id == client.user_id).values(role="viewer"))
    session.commit()
    wait_out_the_cache()
    assert ", viewer." in client.get("/profile").text


def test_s15_who_is_no_admin_any_more_is_refused_by_admin_callbacks_and_the_api_within_a_second(
    app: Flask, signed_in: SignIn, owner: int, session: Session
) -> None:
    user_id = add_user(session, "second@example.org", Role.ADMIN)
    client = app.test_client()
    assert sign_in(client, "second@example.org").status_code == 302
    headers, ask = dash_headers(client), asker(app, login(app, "second@example.org")["access_token"])
    table = next(
        c for c in client.get("/_dash-dependencies").get_json() if "admin-users.getRowsResponse" in c["output"]
    )
    body = body_of(table)
    for place in body["inputs"]:
        place["value"] = {"startRow": 0, "endRow": 50} if place["property"] == "getRowsRequest" else None
    training = {"markets": ["binance:BTC/USDT"], "timeframe": "1h", "horizon": 24}
    shown = client.post("/_dash-update-component", json=body, headers=headers)
    assert (shown.status_code, "second@example.org" in shown.text) == (200, True)
    assert ask("POST", "/predictions/train", training).status_code == 202
    session.execute(update(User).where(User.id == user_id).values(role="viewer"))
    session.commit()
    assert ask("POST", "/predictions/train", training).status_code == 403
    wait_out_the_cache()
    assert OWNER not in client.post("/_dash-update-component", json=body, headers=headers).text


def test_s15_a_cookie_works_in_one_browser_only(signed_in: SignIn) -> None:
    client = signed_in()
    assert client.get("/profile", headers={"User-Agent": "another browser"}).status_code == 302


def move_back(client: FlaskClient, session: Session, *, seen: int = 0, born: int = 0) -> None:
    """Age the session, in the cookie and where it is noted."""
    with client.session_transaction() as kept:
        kept["seen"] -= seen
        kept["born"] -= born
        earlier = UserSession.seen_at - timedelta(seconds=seen)
        session.execute(update(UserSession).where(UserSession.sid == kept["sid"]).values(seen_at=earlier))
    session.commit()


def test_s16_a_session_ends_after_half_an_hour_without_a_request(signed_in: SignIn, session: Session) -> None:
    client = signed_in()
    move_back(client, session, seen=29 * 60)
    assert client.get("/profile").status_code == 200
    move_back(client, session, seen=31 * 60)
    assert client.get("/profile").status_code == 302


def test_s16_using_the_desk_keeps_the_session(signed_in: SignIn, session: Session) -> None:
    client = signed_in()
    for _ in range(3):
        move_back(client, session, seen=20 * 60, born=20 * 60)
        assert client.get("/profile").status_code == 200


def test_s16_watching_live_prices_keeps_the_session_though_no_request_is_made(
    signed_in: SignIn, session: Session
) -> None:
    client, other = signed_in(), signed_in(Role.VIEWER)
    hub = Hub("", 5, timedelta(minutes=30))
    move_back(client, session, seen=29 * 60)
    with client.session_transaction() as kept:
        assert hub._standing({kept["sid"]}) == {kept["sid"]}
    with client.session_transaction() as kept:
        kept["seen"] -= 10 * 60  # the cookie is 39 minutes old: a stream cannot renew it
    move_back(other, session, seen=39 * 60)
    assert client.get("/profile").status_code == 200
    assert other.get("/profile").status_code == 302, "the one that nobody watched with is over"


def test_s16_a_stream_does_not_bring_back_what_is_over(signed_in: SignIn, session: Session) -> None:
    client, hub = signed_in(), Hub("", 5, timedelta(minutes=30))
    move_back(client, session, seen=31 * 60)
    with client.session_transaction() as kept:
        assert hub._standing({kept["sid"]}) == set()
    assert client.get("/profile").status_code == 302


def test_s16_a_session_ends_after_twelve_hours_in_any_case(signed_in: SignIn, session: Session) -> None:
    client = signed_in()
    move_back(client, session, born=12 * 3_600 + 1)
    assert client.get("/profile").status_code == 302


def test_s16_nobody_is_remembered_beyond_the_browser_that_signed_in(
    app: Flask, client: FlaskClient, owner: int
) -> None:
    """No sign-in lasts longer because somebody asked for it: the cookie names no end, and there is no second one."""
    page = client.get("/login").text
    assert "remember" not in page.lower()
    fields = {"csrf_token": token_of(client, "/login"), "email": OWNER, "password": PASSWORD, "remember": "on"}
    answer = client.post("/login", data=fields)
    assert answer.status_code == 302
    cookie = client.get_cookie("session")
    assert cookie is not None
    assert (cookie.expires, cookie.max_age, cookie.http_only) == (None, None, True)
    assert not [line for line in answer.headers.getlist("Set-Cookie") if line.startswith("remember_token")]
    with client.session_transaction() as kept:
        assert not kept.permanent


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
