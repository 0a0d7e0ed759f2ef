"""S14: what can't be undone needs the current password once more, ends everything else, and is told by letter."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import deliver
from core.roles import Role
from db.base import Base
from tests.alerts.test_deliver import Sink
from tests.api import asker, is_problem, login
from tests.web import PASSWORD, add_user, post_form, sign_in

MARA, MOVED, NEW = "mara@example.org", "mara@example.net", "Walnut-harbour-38"
KEPT = {"users", "api_tokens", "passkeys", "totp_secrets", "backup_codes", "mails"}


@dataclass
class Held:
    """Mara's account: two browsers, a program with a refresh token, and the letters that came."""

    app: Flask
    here: FlaskClient
    there: FlaskClient
    pair: dict[str, Any]
    sink: Sink = field(default_factory=Sink)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        return asker(self.app, self.pair["access_token"])(method, path, body)

    def letters(self) -> list[tuple[str, str, str]]:
        """(address, subject, text) of what was sent since it was asked last."""
        self.sink.got.clear()
        deliver.send_due(self.app.extensions["bolt_settings"], self.sink)
        return [(address, letter.subject, letter.text) for address, letter, _ in self.sink.got]

    def alive(self) -> list[str]:
        """What of the account can still be used, but for the browser at hand."""
        renew = asker(self.app, None)("POST", "/auth/refresh", {"refresh_token": self.pair["refresh_token"]})
        ways = {
            "the other browser": self.there.get("/profile").status_code == 200,
            "the access token": self.api("GET", "/auth/me").status_code == 200,
            "the refresh token": renew.status_code == 200,
        }
        return [way for way, open_ in ways.items() if open_]


@pytest.fixture
def held(app: Flask, owner: int, session: Session) -> Held:
    add_user(session, MARA, Role.ANALYST)
    browsers = [app.test_client() for _ in range(2)]
    for browser in browsers:
        assert sign_in(browser, MARA).status_code == 302
    return Held(app, *browsers, login(app, MARA))


def stored(session: Session) -> dict[str, list[Any]]:
    session.rollback()
    tables = [table for table in Base.metadata.sorted_tables if table.name in KEPT]
    columns = {t.name: [c for c in t.c if c.name not in {"last_login_at", "updated_at"}] for t in tables}
    return {t.name: sorted(map(str, session.execute(select(*columns[t.name])).all())) for t in tables}


TOKEN = {"name": "report", "scopes": ["read"], "days": 1}
PAGES = {
    "password": ("/password", {"password": NEW, "repeat": NEW}),
    "address": ("/address", {"email": MOVED}),
    "deletion": ("/delete-account", {"email": MARA}),
    "two factors": ("/two-factor", {"act": "start"}),
    "passkey": ("/passkeys/add", {"label": "Key"}),
}
CALLS = {
    "password": ("POST", "/auth/password", {"new_password": NEW}),
    "API key": ("POST", "/auth/tokens", TOKEN),
    "deletion": ("DELETE", "/auth/me", {}),
}


@pytest.mark.parametrize(("page", "fields"), PAGES.values(), ids=PAGES)
def test_s14_a_page_that_changes_the_account_does_nothing_without_the_current_password(
    held: Held, session: Session, page: str, fields: dict[str, str]
) -> None:
    before = stored(session)
    assert post_form(held.here, page, current="Not-the-password-9", **fields).status_code == 403
    assert post_form(held.here, page, **fields).status_code == 422
    assert stored(session) == before
    assert before.keys() == KEPT


@pytest.mark.parametrize(("method", "path", "body"), CALLS.values(), ids=CALLS)
def test_s14_the_api_says_reauth_required_and_does_nothing_without_the_current_password(
    held: Held, session: Session, method: str, path: str, body: dict[str, Any]
) -> None:
    before = stored(session)
    refused = held.api(method, path, body | {"current_password": "Not-the-password-9"})
    assert is_problem(refused, 403)
    assert refused.get_json(force=True)["code"] == "reauth_required"
    assert is_problem(held.api(method, path, body), 422)
    assert stored(session) == before


def change_on_the_page(held: Held) -> None:
    assert post_form(held.here, "/password", current=PASSWORD, password=NEW, repeat=NEW).location == "/profile"
    assert held.here.get("/profile").status_code == 200, "the browser at hand stays signed in"


def change_by_the_api(held: Held) -> None:
    answer = held.api("POST", "/auth/password", {"current_password": PASSWORD, "new_password": NEW})
    assert asker(held.app, answer.get_json()["access_token"])("GET", "/auth/me").status_code == 200


def change_by_a_letter(held: Held) -> None:
    post_form(held.app.test_client(), "/forgot", email=MARA)
    ((address, subject, text),) = held.letters()
    assert (address, subject) == (MARA, "Bolt: Choose a new password")
    assert MARA in text
    post_form(held.app.test_client(), link_in(text), password=NEW, repeat=NEW)


def link_in(text: str) -> str:
    found = re.search(r"http://[^/]+(/\S+)", text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("change", [change_on_the_page, change_by_the_api, change_by_a_letter])
def test_s14_a_new_password_ends_every_other_way_in_and_is_told_by_letter(
    held: Held, change: Callable[[Held], None]
) -> None:
    assert held.alive() == ["the other browser", "the access token", "the refresh token"]
    held.pair = login(held.app, MARA)
    change(held)
    assert held.alive() == []
    ((address, subject, text),) = held.letters()
    assert (address, subject) == (MARA, "Bolt: Your password was changed")
    assert f"The password of {MARA} was changed." in text
    assert "From: 127.0.0.1" in text
    assert "If this was not you" in text


def test_s14_a_new_address_is_told_to_both_and_ends_every_way_in(held: Held) -> None:
    assert post_form(held.here, "/address", email=MOVED, current=PASSWORD).status_code == 302
    ((address, subject, text),) = held.letters()
    assert (address, subject) == (MOVED, "Bolt: Confirm your new address")
    assert f"The account {MARA} is to use this address" in text
    assert post_form(held.app.test_client(), link_in(text)).status_code == 302
    assert held.alive() == []
    assert held.here.get("/profile").status_code == 302
    ((address, subject, text),) = held.letters()
    assert (address, subject) == (MARA, "Bolt: Your address was changed")
    assert f"The account {MARA} now uses the address {MOVED}." in text
    assert "Ask an admin of this desk" in text, "its holder can no longer sign in with this address"
