"""Signing in at the API, the own account, personal tokens."""

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from db.queries import invitations, users
from db.tables import ApiToken, TokenFamily, User
from tests.api import asker, is_problem, login
from tests.web import OWNER, PASSWORD, make_app, settings_for, sign_in

ANOTHER = "Velvet-anchor-29"


def test_a_sign_in_answers_two_tokens(tokens) -> None:
    assert tokens.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 1_800)


def test_a_token_says_whose_it_is(app: Flask, tokens) -> None:
    me = asker(app, tokens["access_token"])("GET", "/auth/me")
    assert me.status_code == 200
    assert (me.get_json()["email"], me.get_json()["is_owner"]) == (OWNER, True)
    assert me.get_json()["created_at"].endswith("Z")


def test_a_cookie_of_the_pages_is_no_token(app: Flask, owner: int) -> None:
    browser = app.test_client()
    assert sign_in(browser, OWNER).status_code == 302
    assert is_problem(browser.get("/api/auth/me"), 401)
    assert is_problem(browser.post("/api/predictions/train", json={}), 401)


def test_the_api_sets_no_cookie(app: Flask, tokens) -> None:
    answers = [asker(app, tokens["access_token"])("GET", "/auth/me"), asker(app, None)("GET", "/markets")]
    assert all("Set-Cookie" not in answer.headers for answer in answers)


def failed(app: Flask, email: str, typed: str = "wrong"):
    return asker(app, None)("POST", "/auth/login", {"email": email, "password": typed})


def plain(answer) -> tuple:
    own = {"X-Request-ID", "RateLimit", "Content-Length"}
    body = {k: v for k, v in answer.get_json(force=True).items() if k != "request_id"}
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in own}


def test_s10_wrong_user_and_wrong_password_look_the_same(app: Flask, owner: int) -> None:
    known, unknown = failed(app, OWNER), failed(app, "nobody@example.org")
    assert is_problem(known, 401)
    assert plain(known) == plain(unknown)


def test_s11_after_five_failures_the_right_password_must_wait(app: Flask, owner: int) -> None:
    for _ in range(5):
        assert failed(app, OWNER).status_code == 401
    paused = failed(app, OWNER, PASSWORD)
    assert is_problem(paused, 429)
    assert int(paused.headers["Retry-After"]) > 30


def test_s11_ten_guesses_a_minute_survive_a_redis_flush_and_a_made_up_origin(app: Flask, owner: int, valkey) -> None:
    import redis

    def guess(k: int):
        headers = {"X-Forwarded-For": f"10.0.0.{k}"}
        return asker(app, None)("POST", "/auth/refresh", {"refresh_token": f"guess-{k}"}, headers=headers)

    assert [guess(k).status_code for k in range(10)] == [401] * 10
    redis.Redis.from_url(valkey.url).flushall()
    refused = guess(11)
    assert is_problem(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert '"auth";q=10;w=60' in refused.headers["RateLimit-Policy"]


def test_a_disabled_user_is_out_at_once(app: Flask, api, session: Session) -> None:
    viewer = api(Role.VIEWER)
    assert viewer("GET", "/auth/me").status_code == 200
    session.execute(update(User).where(User.email == "viewer@example.org").values(disabled_at=utc_now()))
    session.commit()
    assert is_problem(viewer("GET", "/auth/me"), 401)


def test_a_new_password_ends_every_token_but_the_new_ones(app: Flask, tokens) -> None:
    old, other = asker(app, tokens["access_token"]), login(app, OWNER)
    wanted = {"current_password": PASSWORD, "new_password": ANOTHER}
    changed = old("POST", "/auth/password", wanted)
    assert changed.status_code == 200
    assert is_problem(old("GET", "/auth/me"), 401)
    assert is_problem(asker(app, other["access_token"])("GET", "/auth/me"), 401)
    assert is_problem(asker(app, None)("POST", "/auth/refresh", {"refresh_token": other["refresh_token"]}), 401)
    assert asker(app, changed.get_json()["access_token"])("GET", "/auth/me").status_code == 200
    assert login(app, OWNER, ANOTHER)


def test_s14_a_new_password_needs_the_current_one(api) -> None:
    refused = api()("POST", "/auth/password", {"current_password": "wrong", "new_password": ANOTHER})
    assert is_problem(refused, 403)
    weak = api()("POST", "/auth/password", {"current_password": PASSWORD, "new_password": "password"})
    assert is_problem(weak, 422)


def test_name_and_looks_can_be_changed_and_nothing_else(api, session: Session) -> None:
    viewer = api(Role.VIEWER)
    changed = viewer("PATCH", "/auth/me", {"display_name": "Vera", "theme": "light"})
    assert (changed.status_code, changed.get_json()["display_name"]) == (200, "Vera")
    assert changed.get_json()["theme"] == "light"
    assert [changed.get_json()[name] for name in ("locale", "currency")] == ["en-GB", "USD"]
    written = viewer("PATCH", "/auth/me", {"locale": "de-DE", "currency": "EUR"}).get_json()
    assert [written[name] for name in ("locale", "currency", "display_name")] == ["de-DE", "EUR", "Vera"]
    for wrong in ({"locale": "xx"}, {"currency": "BTC"}, {"locale": ""}):
        assert is_problem(viewer("PATCH", "/auth/me", wrong), 422)
    for more in ({"role": "admin"}, {"is_owner": True}, {"id": 1}, {"email": "x@example.org"}):
        refused = viewer("PATCH", "/auth/me", {"display_name": "Max"} | more)
        assert is_problem(refused, 422)
        assert refused.get_json()["errors"][0]["pointer"] == f"#/{next(iter(more))}"
    user = users.by_email(session, "viewer@example.org")
    assert (user.role, user.is_owner, user.display_name) == ("viewer", False, "Vera")


def test_s14_an_account_is_deleted_with_its_password_and_the_owner_stays(app: Flask, api, session: Session) -> None:
    viewer, boss = api(Role.VIEWER), api()
    assert is_problem(viewer("DELETE", "/auth/me", {"current_password": "wrong"}), 403)
    assert viewer("DELETE", "/auth/me", {"current_password": PASSWORD}).status_code == 204
    assert is_problem(viewer("GET", "/auth/me"), 401)
    assert users.by_email(session, "viewer@example.org") is None
    assert is_problem(boss("DELETE", "/auth/me", {"current_password": PASSWORD}), 403)
    assert boss("GET", "/auth/me").status_code == 200


def desk(settings, **more: str) -> Flask:
    return make_app(settings_for(settings.database_url, settings.redis_url, **more))


NEW = {"email": "new@example.org", "password": PASSWORD}


def test_a_closed_desk_makes_no_accounts(app: Flask, owner: int) -> None:
    assert is_problem(asker(app, None)("POST", "/auth/register", NEW), 403)


def test_s10_an_open_desk_does_not_say_who_is_here(settings, app: Flask, owner: int, session: Session) -> None:
    ask = asker(desk(settings, REGISTRATION="open"), None)
    fresh, taken = ask("POST", "/auth/register", NEW), ask("POST", "/auth/register", NEW | {"email": OWNER})
    assert fresh.status_code == taken.status_code == 202
    assert fresh.get_json() == taken.get_json()
    assert users.by_email(session, "new@example.org").role == "viewer"
    assert login(app, "new@example.org")
    assert is_problem(ask("POST", "/auth/register", NEW | {"role": "admin"}), 422)


def test_an_invitation_makes_one_account(settings, app: Flask, owner: int, session: Session) -> None:
    ask = asker(desk(settings, REGISTRATION="invite"), None)
    assert is_problem(ask("POST", "/auth/register", NEW), 403)
    assert is_problem(ask("POST", "/auth/register", NEW | {"invitation": "made-up"}), 404)
    _, token = invitations.add(session, role=Role.ANALYST, invited_by=owner, now=utc_now())
    session.commit()
    assert ask("POST", "/auth/register", NEW | {"invitation": token}).status_code == 202
    assert users.by_email(session, "new@example.org").role == "analyst"
    assert is_problem(ask("POST", "/auth/register", NEW | {"invitation": token, "email": "b@example.org"}), 404)


def make_token(ask, **more):
    return ask("POST", "/auth/tokens", {"current_password": PASSWORD, "name": "report", "scopes": ["read"]} | more)


def test_a_personal_token_is_shown_once_and_stored_hashed(app: Flask, api, session: Session) -> None:
    owner = api()
    made = make_token(owner)
    token = made.get_json()["token"]
    assert made.status_code == 201
    assert token.startswith("bolt_")
    stored = session.scalars(select(ApiToken)).one()
    assert token not in repr(vars(stored))
    listed = owner("GET", "/auth/tokens")
    assert token not in listed.text
    assert asker(app, token)("GET", "/auth/me").status_code == 200
    assert is_problem(asker(app, token + "x")("GET", "/auth/me"), 401)


def test_a_personal_token_does_what_its_scopes_say(app: Flask, api) -> None:
    reader = asker(app, make_token(api()).get_json()["token"])
    assert reader("GET", "/markets").status_code == 200
    assert is_problem(reader("POST", "/predictions/train", {}), 403)
    assert is_problem(reader("GET", "/auth/tokens"), 403)
    assert is_problem(reader("PATCH", "/auth/me", {"theme": "light"}), 403)
    assert is_problem(reader("POST", "/auth/password", {}), 403)


def test_s14_a_personal_token_needs_the_password_and_ends_when_removed(app: Flask, api) -> None:
    owner = api()
    assert is_problem(make_token(owner, current_password="wrong"), 403)
    made = make_token(owner).get_json()
    another = api(Role.VIEWER)
    assert is_problem(another("DELETE", f"/auth/tokens/{made['about']['id']}"), 404)
    assert is_problem(another("DELETE", "/auth/tokens/99999"), 404)
    assert owner("DELETE", f"/auth/tokens/{made['about']['id']}").status_code == 204
    assert is_problem(asker(app, made["token"])("GET", "/auth/me"), 401)


def test_a_new_password_ends_personal_tokens_and_time_does(app: Flask, api, session: Session) -> None:
    owner = api()
    late, token = (make_token(owner).get_json()["token"] for _ in range(2))
    first = session.scalars(select(ApiToken).order_by(ApiToken.id)).first()
    first.expires_at = utc_now()
    session.commit()
    assert is_problem(asker(app, late)("GET", "/auth/me"), 401)
    owner("POST", "/auth/password", {"current_password": PASSWORD, "new_password": ANOTHER})
    assert is_problem(asker(app, token)("GET", "/auth/me"), 401)


@pytest.mark.parametrize("scopes", [[], ["admin"], ["read", "read", "read"], "read"])
def test_only_known_scopes_are_taken(api, scopes) -> None:
    assert is_problem(make_token(api(), scopes=scopes), 422)


def test_only_hashes_of_tokens_are_stored(tokens, session: Session) -> None:
    family = session.scalars(select(TokenFamily)).one()
    assert len(family.refresh_hash) == 64
    assert tokens["refresh_token"] not in repr(vars(family))
