"""The profile: name and looks."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from core import locales
from core.clock import utc_now
from dashapp.auth import accounts
from dashapp.auth.accounts import UPDOWNS
from db.queries import mails, users
from tests.web import SignIn, post_form


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


def test_pages_write_as_the_person_chose_and_strangers_read_the_default(signed_in: SignIn) -> None:
    client = signed_in()
    assert "&#34;tag&#34;: &#34;en-GB&#34;" in client.get("/profile").text
    post_form(client, "/profile", display_name="", theme="dark", updown=UPDOWNS[0], locale="de-DE", currency="EUR")
    page = client.get("/profile").text
    assert '<option selected value="de-DE">' in page
    assert '<option selected value="EUR">' in page
    assert f"{utc_now():%d.%m.%Y}, " in client.get("/sessions").text
    assert "de-DE" in client.get("/").text.split("<body>")[0]
    stranger = client.application.test_client()
    assert "en-GB" in stranger.get("/login").text
    assert locales.current() is locales.DEFAULT


def test_letters_have_the_time_as_the_person_writes_it(session: Session, owner: int) -> None:
    user, now = users.get(session, owner), datetime(2026, 3, 1, 7, 5, tzinfo=UTC)
    assert mails.put(session, user, "factor_on", now=now).details["when"] == "2026-03-01 07:05 UTC"
    accounts.change_profile(session, owner, display_name="", preferences={"locale": "en-US"})
    assert mails.put(session, user, "factor_on", now=now).details["when"] == "Mar 1, 2026, 07:05 UTC"


@pytest.mark.parametrize(
    "fault", [{"theme": "pink"}, {"locale": "xx"}, {"currency": "BTC"}, {"updown": "x"}, {"display_name": "x" * 81}]
)
def test_a_profile_with_a_fault_is_refused(signed_in: SignIn, fault: dict) -> None:
    fields = {"display_name": "Mara", "theme": "dark", "updown": "teal-vermillion"} | fault
    assert post_form(signed_in(), "/profile", **fields).status_code == 422


def test_a_name_with_control_characters_is_refused_on_the_page(signed_in: SignIn) -> None:
    answer = post_form(signed_in(), "/profile", display_name="a\x07b", theme="dark", updown="teal-vermillion")
    assert answer.status_code == 422
    assert "printable" in answer.text


def test_a_name_is_escaped_on_every_page(signed_in: SignIn) -> None:
    client = signed_in()
    post_form(client, "/profile", display_name="<img src=x onerror=XSS=1>", theme="dark", updown="teal-vermillion")
    for path in ("/profile", "/password", "/sessions", "/"):
        assert "<img src=x" not in client.get(path).text
