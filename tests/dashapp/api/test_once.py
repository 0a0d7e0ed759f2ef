"""Idempotency-Key on every POST of the API: heeded, or refused with a sentence; never silently ignored."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import vault
from dashapp.api.once import PURPOSE
from dashapp.api.schemas import example
from db.queries import tokens as stored
from db.tables import ApiToken, IdempotencyKey
from tests.api import filled, is_problem, routes
from tests.web import PASSWORD

POSTS = [route for route in routes() if route.method == "POST"]
HEEDED = {"train", "make_token"}
TOKEN = {"current_password": PASSWORD, "name": "nightly", "scopes": ["read"]}


def test_every_post_of_the_served_api_is_known_here(app) -> None:
    served = {
        r.endpoint for r in app.url_map.iter_rules() if r.rule.startswith("/api/") and "POST" in (r.methods or ())
    }
    assert served == {f"api.{route.name}" for route in POSTS}
    assert {route.name for route in POSTS if route.once} >= HEEDED


@pytest.mark.parametrize("route", [r for r in POSTS if not r.once], ids=lambda r: r.name)
def test_a_post_that_keeps_no_answer_refuses_the_key_and_does_nothing(route, api, session: Session) -> None:
    ask = api()
    body = example(route.body) if route.body else None
    answer = ask("POST", filled(route.path), body, headers={"Idempotency-Key": "twice-0001"})
    assert is_problem(answer, 422)
    assert "takes no Idempotency-Key" in answer.get_json()["detail"]
    assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
    assert ask("GET", "/auth/me").status_code == 200, "it was done all the same"


@pytest.mark.parametrize("route", POSTS, ids=lambda r: r.name)
def test_the_description_says_of_every_post_whether_it_takes_the_key(route, api) -> None:
    said = api()("GET", "/openapi.json").get_json()["paths"]
    one = next(methods["post"] for methods in said.values() if methods.get("post", {}).get("operationId") == route.name)
    assert route.once == any(p["name"] == "Idempotency-Key" for p in one["parameters"])
    assert "`Idempotency-Key`" in one["description"]
    assert "422" in one["responses"]


def test_a_personal_token_asked_for_twice_is_made_once_and_its_answer_is_kept_sealed(
    api, owner: int, settings, session: Session
) -> None:
    ask, key = api(), {"Idempotency-Key": "token-0001"}
    first = ask("POST", "/auth/tokens", TOKEN, headers=key)
    again = ask("POST", "/auth/tokens", TOKEN, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert session.scalar(select(func.count()).select_from(ApiToken)) == 1
    token = first.get_json()["token"]
    row = session.get(IdempotencyKey, (owner, "token-0001"))
    assert token not in row.body
    assert token in vault.unseal(settings.secret_key, PURPOSE, row.body)
    wrong = TOKEN | {"current_password": "Wrong-secret-99"}
    assert is_problem(ask("POST", "/auth/tokens", wrong, headers=key), 422)


def test_what_tells_requests_apart_cannot_be_tried_for_passwords(api, owner: int, session: Session) -> None:
    """A plain hash of the body would be one of the password in it."""
    import hashlib
    import json

    body = json.dumps(TOKEN).encode()
    sent = {"Idempotency-Key": "token-0002", "Content-Type": "application/json"}
    assert api()("POST", "/auth/tokens", data=body, headers=sent).status_code == 201
    row = session.get(IdempotencyKey, (owner, "token-0002"))
    assert row.request_hash != hashlib.sha256(b"POST /api/auth/tokens\n" + body).hexdigest()


def test_a_wrong_password_keeps_no_answer(api, session: Session) -> None:
    ask, key = api(), {"Idempotency-Key": "token-0003"}
    wrong = TOKEN | {"current_password": "Wrong-secret-99"}
    assert is_problem(ask("POST", "/auth/tokens", wrong, headers=key), 403)
    assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
    assert stored.personal(session, 0) == []
    assert ask("POST", "/auth/tokens", TOKEN, headers=key).status_code == 201
