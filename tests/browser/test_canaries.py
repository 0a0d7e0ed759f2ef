"""S15, S21, S30: every page in a real browser, with text that would like to be a script in every field that takes text.

The fixture fails the test for any console error, any broken content policy and any request to another host.
"""

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from core.roles import Role
from layouts import site_map
from layouts.pages.admin import PARTS
from tests.browser.conftest import Browse
from tests.security.canaries import IMAGE, MARKET, plant

pytestmark = pytest.mark.browser

WATCHED = """
window.addEventListener("securitypolicyviolation", e => console.error("policy: " + e.violatedDirective + e.blockedURI));
window.alert = window.confirm = window.prompt = () => { window.XSS = 2; };
"""
SHOWING = ("/admin", "/admin/audit", "/models", "/sessions")
FLASKS = {"auth", "register", "profile", "by_mail", "two_factor", "passkeys", "own_data"}  # pages without Dash
ACTING = {"/logout", "/sessions/end", "/reset", "/login", "/register", "/setup"}  # they end the session or lead away


def addresses(app: Flask) -> list[str]:
    """Every page: those of the site map, the admin desk's parts, and those that Flask draws."""
    drawn = [page.path for page in site_map.PAGES]
    parts = [path for *_, path in PARTS]
    plain = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.endpoint.partition(".")[0] in FLASKS
    ]
    market = MARKET.replace("/", "-").replace(":", "/")
    more = [f"/charts/{market}", "/predictions/settled", "/predictions/abstaining", "/api/docs"]
    return list(dict.fromkeys([*drawn, *parts, *sorted(set(plain) - ACTING), *more]))


def visit(page: Page, path: str) -> None:
    page.goto(path, wait_until="load")
    if page.locator("#react-entry-point").count():
        page.wait_for_selector("#react-entry-point *", timeout=20_000)
        expect(page.locator("._dash-loading")).to_have_count(0)
        page.wait_for_timeout(300)
    assert page.evaluate("window.XSS === undefined"), f"a script of a person ran on {path}"
    assert page.locator("img[onerror], [href^='javascript:']").count() == 0, path
    assert "XSS=1</script>49" not in page.inner_text("body"), f"a template of a person ran on {path}"


def test_s21_s30_text_stays_text_on_every_page_and_no_page_breaks_the_policy(
    app: Flask, browse: Browse, session: Session, owner: int, tmp_path: Path
) -> None:
    plant(session, owner, tmp_path)
    page = browse(Role.ADMIN)
    page.add_init_script(WATCHED)
    seen = 0
    for path in addresses(app):
        answer = page.request.get(path)
        if answer.status == 200 and "text/html" in answer.headers["content-type"]:
            visit(page, path)
            seen += 1
    assert seen >= 20
    for path in SHOWING:
        page.goto(path)
        expect(page.get_by_text(IMAGE).first).to_be_attached()  # else nothing was tried there


def test_s15_the_session_has_another_cookie_before_and_after_signing_in(browse: Browse) -> None:
    page = browse(Role.VIEWER)
    context = page.context

    def cookie() -> str:
        return next((c["value"] for c in context.cookies() if c["name"] == "session"), "")

    signed_in = cookie()
    page.goto("/logout")
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url("**/login**")
    page.goto("/login")
    before = cookie()
    page.locator("input[name=email]").fill("viewer@example.org")
    page.locator("input[name=password]").fill("Copper-teapot-71")
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/login" not in url)
    assert len({signed_in, before, cookie(), ""}) == 4
    address = page.url
    page.goto("about:blank")  # a page that stays open would ask on, with a session that is none
    context.clear_cookies()
    context.add_cookies([{"name": "session", "value": signed_in, "url": address}])
    assert page.request.get("/_dash-layout").status == 401
