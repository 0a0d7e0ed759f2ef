"""Forgotten passwords and new addresses, by letters."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import deliver
from core.roles import Role
from dashapp.auth import devices
from db.queries import users
from db.tables import AuditEvent, Mail, User
from tests.alerts.test_deliver import Sink
from tests.web import OWNER, PASSWORD, SignIn, add_user, post_form, sign_in

MARA = "mara@example.org"
VIEWER = "viewer@example.org"
NEW = "Walnut-harbour-38"


def letter(app: Flask) -> tuple[str, str]:
    """(address, path and query of the link) of the letter that waits."""
    sink = Sink()
    deliver.send_due(app.extensions["bolt_settings"], sink)
    (address, text, _) = sink.got[-1]
    return address, re.search(r"http://[^/]+(/\S+)", text.text).group(1)


@pytest.fixture
def mara(session: Session, app: Flask, owner: int) -> int:
    return add_user(session, MARA, Role.ANALYST)


def test_s10_asking_for_a_letter_answers_the_same_for_everybody(
    client: FlaskClient, session: Session, mara: int
) -> None:
    known, unknown = (post_form(client, "/forgot", email=e) for e in ("MARA@example.org ", "nobody@example.org"))
    assert (known.status_code, known.headers["Location"], known.data) == (302, "/login", unknown.data)
    assert known.headers["Location"] == unknown.headers["Location"]
    assert [(m.address, m.kind) for m in session.scalars(select(Mail))] == [(MARA, "reset")]


def test_the_letter_leads_to_a_new_password_once(app: Flask, client: FlaskClient, mara: int, session: Session) -> None:
    post_form(client, "/forgot", email=MARA)
    address, link = letter(app)
    assert address == MARA
    assert post_form(client, link, password=NEW, repeat=NEW).headers["Location"] == "/login"
    assert client.get(link).status_code == 404
    assert sign_in(app.test_client(), MARA, NEW).headers["Location"] == "/"
    assert "password_changed" in session.scalars(select(Mail.kind)).all()


def test_nobodys_mailbox_is_filled_from_here(client: FlaskClient, session: Session, mara: int) -> None:
    for _ in range(6):
        post_form(client, "/forgot", email=MARA)
    assert len(session.scalars(select(Mail)).all()) == 3


def test_a_disabled_account_gets_no_letter(client: FlaskClient, session: Session, mara: int) -> None:
    from core.clock import utc_now

    users.get(session, mara).disabled_at = utc_now()
    session.commit()
    post_form(client, "/forgot", email=MARA)
    assert session.scalars(select(Mail)).all() == []


def test_a_new_address_is_used_once_its_letter_was_answered(app: Flask, signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    assert post_form(client, "/address", email="new@example.org", current="wrong").status_code == 403
    assert post_form(client, "/address", email="no address", current=PASSWORD).status_code == 422
    assert post_form(client, "/address", email="New@example.org", current=PASSWORD).status_code == 302
    assert users.by_email(session, VIEWER) is not None
    address, link = letter(app)
    assert address == "new@example.org"
    stranger = app.test_client()
    page = stranger.get(link)
    assert "new@example.org" in page.text
    assert users.by_email(session, "new@example.org") is None  # a mail program that opens links changes nothing
    assert post_form(stranger, link).headers["Location"] == "/login"
    session.rollback()
    assert users.by_email(session, "new@example.org") is not None
    assert stranger.get(link).status_code == 404
    assert client.get("/profile").status_code == 302
    told = session.scalars(select(Mail).where(Mail.kind == "address_changed")).one()
    assert told.address == VIEWER
    assert "address_changed" in session.scalars(select(AuditEvent.action)).all()


def test_an_address_somebody_has_is_refused_only_to_who_holds_its_letters(
    app: Flask, signed_in: SignIn, session: Session
) -> None:
    client = signed_in(Role.VIEWER)
    asked = post_form(client, "/address", email=OWNER, current=PASSWORD)
    assert asked.status_code == 302  # the same answer as for a free one
    _, link = letter(app)
    assert post_form(app.test_client(), link).status_code == 409
    session.rollback()
    assert users.by_email(session, VIEWER) is not None


@pytest.mark.parametrize("token", ["", "x", "1.1.9999999999.bmV3.00"])
def test_a_forged_link_changes_nothing(client: FlaskClient, owner: int, token: str) -> None:
    assert client.get(f"/confirm-address?token={token}").status_code == 404


def test_a_browser_that_is_new_is_told_once_unless_its_holder_wants_no_word(
    app: Flask, session: Session, mara: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    client = app.test_client()
    sign_in(client, MARA)
    assert session.scalars(select(Mail)).all() == []  # the account is new
    monkeypatch.setattr(devices, "NEW", timedelta(0))
    client.get("/logout")
    post_form(client, "/logout")
    sign_in(client, MARA)
    assert session.scalars(select(Mail)).all() == []  # a browser that was here before
    other = app.test_client()
    sign_in(other, MARA)
    session.rollback()
    assert session.scalars(select(Mail.kind)).all() == ["new_sign_in"]
    user = session.get_one(User, mara)
    user.preferences = {**user.preferences, "notify_sign_in": False}
    session.commit()
    sign_in(app.test_client(), MARA)
    session.rollback()
    assert session.scalars(select(Mail.kind)).all() == ["new_sign_in"]
