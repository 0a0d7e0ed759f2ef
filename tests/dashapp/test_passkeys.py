"""What a passkey's answer must not do. The good way is driven in a browser (tests/browser/test_passkeys.py)."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.roles import Role
from db.queries import factors, users
from tests.web import PASSWORD, SignIn, post_form, token_of

ANSWER = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}}


def post(client: FlaskClient, path: str, body: object, page: str = "/login"):
    return client.post(path, json=body, headers={"X-CSRFToken": token_of(client, page)})


def test_without_a_question_there_is_no_answer(client: FlaskClient, owner: int) -> None:
    assert post(client, "/login/passkey", ANSWER).status_code == 422


@pytest.mark.parametrize("body", [ANSWER, {}, {"rawId": "%%%"}, {"rawId": None}])
def test_an_unknown_key_signs_nobody_in(client: FlaskClient, owner: int, body: object) -> None:
    assert len(client.get("/login/passkey").get_json()["challenge"]) == 43
    assert post(client, "/login/passkey", body).status_code == 401
    assert client.get("/profile").status_code == 302


@pytest.mark.parametrize("body", [[], "x", None])
def test_what_is_no_object_is_refused(client: FlaskClient, owner: int, body: object) -> None:
    client.get("/login/passkey")
    assert post(client, "/login/passkey", body).status_code == 400


def test_a_question_is_answered_once(client: FlaskClient, owner: int) -> None:
    client.get("/login/passkey")
    post(client, "/login/passkey", ANSWER)
    assert post(client, "/login/passkey", ANSWER).status_code == 422


def test_without_the_token_of_the_page_nothing_is_looked_at(client: FlaskClient, owner: int) -> None:
    client.get("/login/passkey")
    assert client.post("/login/passkey", json=ANSWER).status_code == 400


def test_adding_needs_the_password_and_a_device_that_answers(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    assert post_form(client, "/passkeys/add", label="Phone", current="wrong").status_code == 403
    assert post(client, "/passkeys/answer", ANSWER, "/profile").status_code == 422
    asked = post_form(client, "/passkeys/add", label="Phone", current=PASSWORD)
    assert "data-passkey-create" in asked.text
    assert post(client, "/passkeys/answer", ANSWER, "/profile").status_code == 422
    assert factors.passkeys(session, users.by_email(session, "viewer@example.org").id) == []


def test_another_persons_passkey_is_not_found(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    signed_in(Role.ANALYST)
    theirs = users.by_email(session, "analyst@example.org").id
    key = factors.add_passkey(session, theirs, credential_id=b"c", public_key=b"p", sign_count=0, name="Key")
    session.commit()
    assert client.get(f"/passkeys/{key.id}/remove").status_code == 404
    assert client.get("/passkeys/999999/remove").status_code == 404
