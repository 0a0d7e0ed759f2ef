"""The owner's creation, and the code that allows it."""

import threading
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import db.engine
from core.clock import utc_now
from core.errors import Conflict, Refused, WeakPassword
from core.settings import Settings
from dashapp.auth import accounts, setup
from db.queries import users
from db.tables import User
from tests.web import PASSWORD, make_app, post_form


@pytest.fixture
def code(session: Session, app: Flask) -> str:
    return setup.code(session, app.extensions["bolt_settings"])


def fill_in(client: FlaskClient, right: str, **more: str):
    fields = {"code": right, "email": "mara@example.org", "display_name": "Mara", "password": PASSWORD}
    return post_form(client, "/setup", **(fields | {"repeat": PASSWORD} | more))


def test_the_code_is_readable_and_stays_the_same(session: Session, settings: Settings) -> None:
    first = setup.code(session, settings)
    assert first == setup.code(session, settings)
    assert [len(group) for group in first.split("-")] == [4, 4, 4]


def test_another_secret_key_gives_another_code(session: Session, settings: Settings) -> None:
    other = replace(settings, secret_key="t" * 40)
    assert setup.code(session, settings) != setup.code(session, other)


def test_the_code_may_be_typed_in_any_case_and_spacing(session: Session, settings: Settings) -> None:
    code = setup.code(session, settings)
    assert setup.fits(session, settings, f" {code.lower().replace('-', ' ')} ")
    assert not setup.fits(session, settings, code[:-1])
    assert not setup.fits(session, settings, "")
    assert not setup.fits(session, settings, "ÄÖÜ")


def test_with_the_code_the_owner_is_made_and_signed_in(client: FlaskClient, code: str, session: Session) -> None:
    answer = fill_in(client, code)
    assert (answer.status_code, answer.location) == (302, "/")
    assert client.get("/profile").status_code == 200
    made = session.scalars(select(User)).one()
    assert (made.email, made.display_name, made.role, made.is_owner) == ("mara@example.org", "Mara", "admin", True)


def test_the_display_name_is_optional(client: FlaskClient, code: str) -> None:
    assert fill_in(client, code, display_name="").status_code == 302
    assert "mara" in client.get("/profile").text


def test_s40_without_the_code_there_is_no_owner(client: FlaskClient, code: str, session: Session) -> None:
    answer = fill_in(client, "AAAA-AAAA-AAAA")
    assert answer.status_code == 422
    assert "setup-code" in answer.text
    assert not users.owner_exists(session)


def test_s40_there_is_no_default_account(app: Flask, session: Session) -> None:
    assert session.scalars(select(User)).all() == []


def test_s40_after_the_first_owner_no_code_is_valid(client, owner, session, settings) -> None:
    with pytest.raises(Conflict):
        setup.code(session, settings)
    answer = client.get("/setup")
    assert (answer.status_code, answer.location) == (302, "/login")
    assert client.post("/setup").status_code == 302


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"email": "mara"}, "That is not an e-mail address"),
        ({"email": ""}, "Enter your e-mail address"),
        ({"password": "short", "repeat": "short"}, "15 characters"),
        ({"password": "mara@example.org1A", "repeat": "mara@example.org1A"}, "guessed quickly"),
        ({"repeat": "something else"}, "The two passwords differ"),
        ({"code": ""}, "Enter the code"),
    ],
)
def test_a_fault_is_named_under_its_field(client: FlaskClient, code: str, fault: dict, said: str) -> None:
    answer = fill_in(client, code, **fault)
    assert answer.status_code == 422
    assert said in answer.text.split('class="invalid-feedback"')[1].split("</div>")[0]
    assert 'aria-invalid="true"' in answer.text
    assert PASSWORD not in answer.text


def test_s12_a_password_without_end_is_refused_before_any_work(client: FlaskClient, code: str) -> None:
    assert fill_in(client, code, password="Aa1" * 500, repeat="Aa1" * 500).status_code == 400
    assert fill_in(client, code, password="A" * 1_000_000).status_code == 413


def test_s11_the_code_cannot_be_guessed_by_trying(client: FlaskClient, code: str) -> None:
    statuses = [fill_in(client, f"AAAA-AAAA-{n:04}").status_code for n in range(20)]
    assert set(statuses) == {422}
    answer = fill_in(client, code)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 300


def test_a_right_code_with_a_weak_password_costs_no_attempt(client: FlaskClient, code: str) -> None:
    for _ in range(22):
        assert fill_in(client, code, password="short", repeat="short").status_code == 422
    assert fill_in(client, code).status_code == 302


def test_a_second_owner_is_refused(session: Session, owner: int) -> None:
    with pytest.raises(Conflict):
        accounts.create_owner(session, "second@example.org", PASSWORD)


def test_two_owners_at_once_are_impossible(database: Engine) -> None:
    outcomes: list[str] = []
    together = threading.Barrier(4)

    def create(number: int) -> None:
        try:
            with db.engine.session() as session:
                together.wait()
                accounts.create_owner(session, f"owner{number}@example.org", PASSWORD)
            outcomes.append("made")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=create, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "refused", "refused", "refused"]


def test_who_comes_second_is_led_to_the_sign_in(settings, client, code, session) -> None:
    fields = {"code": code, "email": "late@example.org", "password": PASSWORD, "repeat": PASSWORD}
    page = client.get("/setup").text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    accounts.create_owner(session, "first@example.org", PASSWORD)
    session.commit()
    answer = client.post("/setup", data=fields | {"csrf_token": token})
    assert (answer.status_code, answer.location) == (302, "/login")
    assert [u.email for u in session.scalars(select(User))] == ["first@example.org"]


def test_an_owner_made_elsewhere_is_noticed(settings: Settings, client: FlaskClient, session: Session) -> None:
    assert client.get("/login").location == "/setup"
    accounts.create_owner(session, "first@example.org", PASSWORD)
    session.commit()
    assert client.get("/login").status_code == 200
    assert make_app(settings).test_client().get("/setup").location == "/login"


def test_a_password_can_be_reset_on_the_server(session: Session, owner: int) -> None:
    accounts.reset_password(session, "OWNER@example.org", "Walnut-harbour-38", now=utc_now())
    stored = users.get(session, owner)
    assert stored.session_version == 2
    with pytest.raises(WeakPassword):
        accounts.reset_password(session, "owner@example.org", "short", now=utc_now())


@pytest.mark.parametrize("email", ["", "mara", "a b@example.org", "@example.org", "mara@", "a@b@c", "x" * 300 + "@a.b"])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(Refused):
        accounts.check_email(email)


def test_a_name_with_control_characters_is_refused() -> None:
    with pytest.raises(Refused):
        accounts.check_name("Mara\r\nadmin")
