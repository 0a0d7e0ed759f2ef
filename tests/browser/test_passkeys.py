"""Passkeys with Chromium's own virtual authenticator: add one, sign in with it, lose it again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.roles import Role
from db.tables import AuditEvent, Mail, Passkey
from tests.browser.conftest import watch
from tests.web import PASSWORD, add_user

pytestmark = pytest.mark.browser

MARA = "mara@example.org"


@pytest.fixture
def page(chromium: Browser, site: str, session: Session) -> Iterator[Page]:
    """A page at a name, as passkeys want it, with an authenticator that always agrees."""
    add_user(session, MARA, Role.ANALYST)
    named, faults = site.replace("127.0.0.1", "localhost"), []
    context = chromium.new_context(base_url=named)
    made = context.new_page()
    watch(made, named, faults)
    speaking = context.new_cdp_session(made)
    speaking.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = kind | {"isUserVerified": True, "automaticPresenceSimulation": True}
    speaking.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield made
    context.close()
    assert [fault for fault in faults if "401" not in fault] == []


def sign_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(MARA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login" not in url)


def sign_out(page: Page) -> None:
    page.goto("/logout")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")


def test_a_passkey_signs_in_until_it_is_removed(page: Page, session: Session) -> None:
    sign_in(page)
    page.goto("/passkeys/add")
    page.get_by_label("Name of the device").fill("Phone <b>")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Create the passkey").click()
    page.wait_for_url("**/two-factor")
    expect(page.get_by_text("The passkey Phone <b> can sign in from now on.")).to_be_visible()
    sign_out(page)
    page.goto("/login?next=/history")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: url.endswith("/history") and "login" not in url)
    events = session.scalars(select(AuditEvent).order_by(AuditEvent.id))
    how = [event.detail.get("how") for event in events if event.action == "sign_in"]
    assert how[-1] == "passkey"
    page.goto("/two-factor")
    page.get_by_role("link", name="Remove").click()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Remove passkey").click()
    page.wait_for_url("**/two-factor")
    session.rollback()
    assert session.scalars(select(Passkey)).all() == []
    assert {"passkey_added", "passkey_removed"} <= set(session.scalars(select(Mail.kind)))
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("does not belong to an account here")).to_be_visible()
