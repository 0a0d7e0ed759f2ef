"""S15, S21, S30: every page in a real browser, with text that would like to be a script in every field that takes text.

The fixture fails the test for any console error, any broken content policy and any request to another host.
"""

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.jobs import IMPORT_FILE, TRAIN_MODEL, JobState
from core.market_name import parse
from core.roles import Role
from db.queries import audit, invitations, jobs, markets, sources, tokens, users, watchlists
from layouts import site_map
from layouts.pages.admin import PARTS
from tests.browser.conftest import Browse

pytestmark = pytest.mark.browser

IMAGE = "<img src=x onerror=XSS=1>"
NASTY = f"{IMAGE}[x](javascript:XSS=1)</script><script>XSS=1</script>{{{{7*7}}}}"
WATCHED = """
window.addEventListener("securitypolicyviolation", e => console.error("policy: " + e.violatedDirective + e.blockedURI));
window.alert = window.confirm = window.prompt = () => { window.XSS = 2; };
"""
ACTING = {"/logout", "/sessions/end", "/reset", "/login", "/register", "/setup"}  # they end the session or lead away


def plant(session: Session, owner_id: int) -> None:
    """The words in every column of text that a page may show."""
    now, owner = utc_now(), users.get(session, owner_id)
    owner.display_name = NASTY[:80]
    for kind, state in ((TRAIN_MODEL, JobState.FAILED), (IMPORT_FILE, JobState.FAILED), (IMPORT_FILE, JobState.QUEUED)):
        job = jobs.create(session, kind, {"symbol": NASTY, "markets": [NASTY], "file": NASTY}, owner_id=owner_id)
        job.state, job.progress = state, {"message": NASTY, "fraction": 0.5}
        if state is JobState.FAILED:
            job.reason, job.finished_at = NASTY, now
    tokens.add_personal(
        session,
        owner,
        name=NASTY[:80],
        token_hash="1" * 64,
        scopes=["read"],
        now=now,
        expires_at=now.replace(year=2099),
    )
    invitations.add(session, role=Role.VIEWER, email=f"{IMAGE}@example.org", invited_by=owner_id, now=now)
    watchlists.create_list(session, owner_id, IMAGE[:40])
    sources.record(session, "binance", "down", now=now, detail=NASTY)
    audit.record(
        session, actor_id=None, actor=NASTY, action="role_changed", object=NASTY, ip="127.0.0.1", detail={"note": NASTY}
    )
    markets.get_or_create(session, parse("binance:BTC/USDT"), price_decimals=2)
    session.commit()


def addresses(app: Flask) -> list[str]:
    """Every page: those of the site map, the admin desk's parts, and those that Flask draws."""
    drawn = [page.path for page in site_map.PAGES]
    parts = [path for *_, path in PARTS]
    plain = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.arguments
        and rule.endpoint.partition(".")[0] in {"auth", "register"}
    ]
    return list(dict.fromkeys([*drawn, *parts, *sorted(set(plain) - ACTING), "/api/docs"]))


def visit(page: Page, path: str) -> None:
    page.goto(path, wait_until="load")
    if page.locator("#react-entry-point").count():
        page.wait_for_selector("#react-entry-point *", timeout=20_000)
        expect(page.locator("._dash-loading")).to_have_count(0)
        page.wait_for_timeout(300)
    assert page.evaluate("window.XSS === undefined"), f"a script of a person ran on {path}"
    assert page.locator("img[onerror], [href^='javascript:']").count() == 0, path


def test_s21_s30_text_stays_text_on_every_page_and_no_page_breaks_the_policy(
    app: Flask, browse: Browse, session: Session, owner: int
) -> None:
    plant(session, owner)
    page = browse(Role.ADMIN)
    page.add_init_script(WATCHED)
    seen = 0
    for path in addresses(app):
        answer = page.request.get(path)
        if answer.status == 200 and "text/html" in answer.headers["content-type"]:
            visit(page, path)
            seen += 1
    assert seen >= 10
    page.goto("/admin/audit")
    page.wait_for_selector(".ag-center-cols-container .ag-cell")
    assert page.get_by_text(IMAGE).count() > 0, "the words were not even shown"


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
