"""Making an account, choosing a new password by a link, and what the audit log keeps of signing in."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import reset_links
from core.clock import utc_now
from core.roles import Role
from core.settings import Settings
from dashapp.auth import accounts, sessions
from db.queries import audit, invitations, users
from db.tables import AuditEvent, User
from tests.web import OWNER, PASSWORD, SignIn, add_user, make_app, post_form, settings_for, sign_in

NEW = "Violet-kettle-92"
FIELDS = {"email": "new@example.org", "display_name": "New", "password": NEW, "repeat": NEW}


@pytest.fixture
def desk(request: pytest.FixtureRequest, settings: Settings, session: Session) -> Iterator[Flask]:
    """An application with an owner, REGISTRATION as the test says."""
    from dashapp.extensions import database

    made = make_app(settings_for(settings.database_url, settings.redis_url, REGISTRATION=request.param))
    sessions.forget_answers()
    accounts.create_owner(session, OWNER, PASSWORD)
    session.commit()
    yield made
    with made.app_context():
        database.engine.dispose()


def invite(session: Session, **more: object) -> str:
    _, token = invitations.add(session, invited_by=None, now=utc_now(), **{"role": Role.ANALYST, **more})  # type: ignore[arg-type]
    session.commit()
    return token


def written(session: Session) -> list[tuple[str, str]]:
    session.expire_all()
    return [(e.action, e.result) for e in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]


@pytest.mark.parametrize("desk", ["closed"], indirect=True)
def test_a_closed_desk_has_no_such_page(desk: Flask, session: Session) -> None:
    token = invite(session)
    for path in ("/register", f"/register?invite={token}"):
        assert desk.test_client().get(path).status_code == 404
        assert desk.test_client().post(path).status_code in {400, 404}


@pytest.mark.parametrize("desk", ["invite"], indirect=True)
def test_an_invitation_makes_one_account_with_its_role(desk: Flask, session: Session) -> None:
    page, client = f"/register?invite={invite(session)}", desk.test_client()
    assert "role analyst" in client.get(page).text
    answer = post_form(client, page, **FIELDS)
    assert answer.status_code == 302
    assert answer.location == "/login"
    assert "Your account is ready" in client.get("/login").text
    assert sign_in(client, "new@example.org", NEW).status_code == 302
    made = users.by_email(session, "new@example.org")
    assert made is not None
    assert (made.role, made.is_owner) == ("analyst", False)
    assert desk.test_client().get(page).status_code == 404
    assert ("account_created", "ok") in written(session)


@pytest.mark.parametrize("desk", ["invite"], indirect=True)
@pytest.mark.parametrize(("query", "words"), [("", "needs an invitation"), ("?invite=guessed", "not valid any more")])
def test_without_a_good_invitation_there_is_no_way_in(desk: Flask, query: str, words: str) -> None:
    answer = desk.test_client().get(f"/register{query}")
    assert answer.status_code == 404
    assert words in answer.text


@pytest.mark.parametrize(("desk", "offered"), [("open", True), ("invite", False), ("closed", False)], indirect=["desk"])
def test_the_sign_in_page_offers_an_account_where_anybody_may_make_one(desk: Flask, offered: bool) -> None:
    client = desk.test_client()
    for page in (client.get("/login"), sign_in(client, "nobody@example.org", NEW)):
        assert ('href="/register"' in page.text) is offered


@pytest.mark.parametrize("desk", ["open"], indirect=True)
def test_an_error_stands_in_place_of_the_hint_that_says_the_same(desk: Flask) -> None:
    client = desk.test_client()
    assert 'id="password-hint">' in client.get("/register").text
    weak = post_form(client, "/register", **FIELDS | {"password": "weak", "repeat": "weak"})
    assert weak.status_code == 422
    assert 'id="password-hint" hidden>' in weak.text


@pytest.mark.parametrize("desk", ["invite"], indirect=True)
def test_an_invitation_for_an_address_is_good_for_that_one(desk: Flask, session: Session) -> None:
    page, client = f"/register?invite={invite(session, email='mara@example.org')}", desk.test_client()
    assert 'value="mara@example.org"' in client.get(page).text
    answer = post_form(client, page, **FIELDS)
    assert answer.status_code == 422
    assert "another address" in answer.text
    assert users.by_email(session, "new@example.org") is None
    assert post_form(client, page, **FIELDS | {"email": "Mara@example.org"}).status_code == 302


@pytest.mark.parametrize("desk", ["open"], indirect=True)
def test_s10_an_open_desk_does_not_say_who_has_an_account(desk: Flask, session: Session) -> None:
    answers = []
    for email in ("new@example.org", OWNER):
        client = desk.test_client()
        answer = post_form(client, "/register", **FIELDS | {"email": email})
        told = {name: value for name, value in answer.headers.items() if name not in {"X-Request-ID", "Set-Cookie"}}
        set_ = [line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie")]
        answers.append((answer.status_code, answer.text, told, set_, client.get("/login").text.count("is ready")))
    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][2]["Location"], answers[0][4]) == (302, "/login", 1)
    made, owner = users.by_email(session, "new@example.org"), users.by_email(session, OWNER)
    assert made is not None
    assert made.role == "viewer"
    assert owner is not None
    assert sign_in(desk.test_client(), OWNER, NEW).status_code == 401  # the owner's password is the old one


@pytest.mark.parametrize("desk", ["open"], indirect=True)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "short", "repeat": "short"}, "at least 8 characters"),
        ({"repeat": "other"}, "The two passwords differ."),
        ({"email": "nobody"}, "not an e-mail address"),
    ],
)
def test_a_form_that_does_not_do_makes_nothing(desk: Flask, session: Session, change: dict, words: str) -> None:
    answer = post_form(desk.test_client(), "/register", **FIELDS | change)
    assert answer.status_code == 422
    assert words in answer.text
    assert len(session.scalars(select(User)).all()) == 1


@pytest.mark.parametrize("desk", ["open"], indirect=True)
def test_a_role_that_was_slipped_in_is_not_given(desk: Flask, session: Session) -> None:
    post_form(desk.test_client(), "/register", **FIELDS, role="admin", is_owner="true")
    made = users.by_email(session, "new@example.org")
    assert made is not None
    assert (made.role, made.is_owner) == ("viewer", False)


@pytest.mark.parametrize("desk", ["open"], indirect=True)
def test_many_attempts_from_one_address_are_paused(desk: Flask) -> None:
    client = desk.test_client()
    answers = [post_form(client, "/register", **FIELDS | {"password": "x" * 8, "repeat": "x" * 8}) for _ in range(21)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_reset_link_sets_a_password_once(app: Flask, owner: int, session: Session, client: FlaskClient) -> None:
    add_user(session, "mara@example.org", Role.VIEWER)
    mara = users.by_email(session, "mara@example.org")
    assert mara is not None
    token = reset_links.make(str(app.secret_key), mara.id, mara.session_version, now=utc_now())
    page = f"/reset?token={token}"
    assert "mara@example.org" in client.get(page).text
    assert post_form(client, page, password="short", repeat="short").status_code == 422
    assert post_form(client, page, password=NEW, repeat=NEW).status_code == 302
    assert client.get(page).status_code == 404
    assert sign_in(client, "mara@example.org", NEW).status_code == 302
    assert ("password_reset", "ok") in written(session)


@pytest.mark.parametrize("spoil", ["forged", "old", "disabled", "empty", "é"])
def test_a_reset_link_that_is_not_good_is_refused(
    app: Flask, owner: int, session: Session, client: FlaskClient, spoil: str
) -> None:
    user = session.get_one(User, add_user(session, "mara@example.org", Role.VIEWER))
    made_at = utc_now() - timedelta(seconds=reset_links.LASTS if spoil == "old" else 0)
    token = reset_links.make(str(app.secret_key), user.id, user.session_version, now=made_at)
    if spoil == "forged":
        token = token.replace(f"{user.id}.", "1.", 1)
    elif spoil == "empty":
        token = ""
    elif spoil == "é":
        token += "é"
    elif spoil == "disabled":
        user.disabled_at = utc_now()
        session.commit()
    answer = client.get(f"/reset?token={token}")
    assert answer.status_code == 404
    assert "mara" not in answer.text


def test_signing_in_and_out_is_written_down_without_passwords(
    owner: int, session: Session, client: FlaskClient
) -> None:
    sign_in(client, OWNER, "Wrong-password-33")
    sign_in(client, "A-password-in-the-wrong-field@x", PASSWORD)
    sign_in(client, OWNER)
    post_form(client, "/logout")
    assert written(session) == [
        ("owner_created", "ok"),
        ("sign_in", "failed"),
        ("sign_in", "failed"),
        ("sign_in", "ok"),
        ("sign_out", "ok"),
    ]
    text = str([vars(event) for event in session.scalars(select(AuditEvent))])
    assert "Wrong-password-33" not in text
    assert "wrong-field" not in text
    assert PASSWORD not in text
    assert audit.verify(session).breaches == []


def test_a_disabled_accounts_try_is_written_with_its_reason(owner: int, session: Session, client: FlaskClient) -> None:
    user = session.get_one(User, add_user(session, "mara@example.org", Role.VIEWER))
    user.disabled_at = utc_now()
    session.commit()
    assert sign_in(client, "mara@example.org").status_code == 401
    last = audit.page(session, audit.Wanted(), limit=1)[0]
    assert (last.actor, last.result, last.detail) == ("mara@example.org", "failed", {"reason": "account disabled"})


def test_ones_own_sessions_are_listed_and_ended_one_by_one(signed_in: SignIn, session: Session) -> None:
    here, there = signed_in(Role.VIEWER), signed_in(Role.VIEWER)
    page = here.get("/sessions").text
    assert page.count('name="session"') == 1
    assert "This one" in page
    number = page.split('name="session" value="')[1].split('"')[0]
    assert post_form(here, "/sessions", session=number).status_code == 302
    assert there.get("/").status_code == 302
    assert here.get("/").status_code == 200
    assert ("session_ended", "ok") in written(session)


def test_s08_somebody_elses_session_is_as_unknown_as_one_that_never_was(signed_in: SignIn) -> None:
    mine, other = signed_in(Role.VIEWER), signed_in(Role.ANALYST)
    signed_in(Role.ANALYST)
    number = other.get("/sessions").text.split('name="session" value="')[1].split('"')[0]
    answers = [post_form(mine, "/sessions", session=word) for word in (number, "987654321", "x")]
    assert {answer.status_code for answer in answers} == {404}
    assert other.get("/").status_code == 200


def test_pages_of_ones_own_account_say_in_which_part_one_is(signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    marks = {"/password": ("page", "Password"), "/passkeys/add": ("true", "Security"), "/address": ("true", "Profile")}
    for path, marked in marks.items():
        assert re.findall(r'aria-current="(\w+)">(\w+)<', client.get(path).text) == [marked]


def test_ones_history_holds_ones_own_events_alone(signed_in: SignIn, session: Session) -> None:
    audit.record(session, actor_id=99, actor="canary@example.org", action="canary_action")
    session.commit()
    text = signed_in(Role.VIEWER).get("/history").text
    assert "Sign in" in text
    assert "canary" not in text


def test_a_session_is_seen_again_at_most_once_a_minute(signed_in: SignIn, session: Session) -> None:
    from db.queries import user_sessions

    client = signed_in(Role.VIEWER)
    idle, now = timedelta(minutes=30), utc_now()

    def seen() -> object:
        session.expire_all()
        return user_sessions.open_ones(session, client.user_id, now=now, idle=idle)[0].seen_at  # type: ignore[attr-defined]

    before = seen()
    client.get("/")
    assert seen() == before
    with client.session_transaction() as cookie:
        cookie["seen"] -= 61
    client.get("/")
    assert seen() != before
