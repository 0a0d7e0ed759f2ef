"""What stands around every page, in a real browser: by keyboard, in both themes, on a phone."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from core.jobs import TRAIN_MODEL
from core.market_name import make
from core.roles import Role
from db.queries import jobs, markets
from layouts.shell import MOST_BELOW
from layouts.site_map import PAGES, in_menu
from tests.browser.conftest import Browse

pytestmark = pytest.mark.browser


def ready(page: Page, address: str = "/models") -> Page:
    page.goto(address)
    expect(page.locator("#shell .page-head, #shell .page").first).to_be_visible(timeout=15_000)
    expect(page.locator("#shell-status-jobs")).to_contain_text("Jobs:")
    return page


def theme(page: Page) -> str:
    return str(page.evaluate("document.documentElement.dataset.bsTheme"))


def say(page: Page, kind: str) -> None:
    data = f"{{title: 'Import {kind}', text: '<b>12</b> stored', kind: '{kind}', href: '/markets'}}"
    page.evaluate(f"dash_clientside.set_props('shell-toast', {{data: {data}}})")


def test_palette_finds_a_market_by_keyboard_alone(browse: Browse, session: Session) -> None:
    markets.get_or_create(session, make("demo", "BTC/USDT"), simulated=True)
    session.commit()
    page = ready(browse(Role.VIEWER))
    assert page.evaluate("typeof regeneratorRuntime.mark") == "function"  # which Dash's lazy components ask for
    page.locator(".cmd").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#palette .it").first).to_have_class("it on")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#palette .it").nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".cmd")).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("btcusd")
    expect(page.locator("#palette .it.on")).to_contain_text("BTC/USDT")
    expect(page.locator("#palette .badge-sim")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/charts/demo/BTC-USDT*")
    expect(page.locator("#palette")).not_to_be_visible()


def test_every_shortcut_of_the_sheet_works(browse: Browse) -> None:
    page = ready(browse())
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    for place in PAGES:
        for key in place.keys.split():
            page.keyboard.press(key)
        expect(page.locator(f".sidenav a.at-{place.module}")).to_have_attribute("aria-current", "page")
    before = theme(page)
    page.keyboard.press("Shift+T")
    assert theme(page) != before
    page.keyboard.press("/")
    page.keyboard.type("?gm")  # they rest while somebody types
    expect(page.locator("#palette input")).to_have_value("?gm")
    expect(page.locator("#shortcuts")).not_to_be_visible()


def test_theme_is_there_with_the_first_paint_after_a_switch(browse: Browse) -> None:
    page = ready(browse())
    page.locator(".topbar .btn[data-action=theme]").click()
    assert theme(page) == "light"
    page.goto("/markets", wait_until="commit")
    assert theme(page) == "light"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(238, 241, 243)"


def test_toasts_tell_of_ended_jobs_show_text_as_text_and_keep_errors(
    browse: Browse, session: Session, owner: int
) -> None:
    job = jobs.create(session, TRAIN_MODEL, {}, owner_id=owner)
    session.commit()
    jobs.request_cancel(session, job.id)
    session.commit()
    page = ready(browse())
    expect(page.locator("#toasts")).to_contain_text("Training cancelled")
    page.locator("#toasts button").click()
    say(page, "ok")
    expect(page.locator("#toasts [role=status]")).to_contain_text("<b>12</b> stored")
    say(page, "bad")
    expect(page.locator("#toasts [role=alert]")).to_be_visible()
    expect(page.locator("#toasts [role=status]")).to_have_count(0, timeout=20_000)
    page.locator("#toasts [role=alert] button").click()
    expect(page.locator("#toasts .toast-b")).to_have_count(0)


def test_first_link_skips_to_the_page_and_links_do_not_load_it_again(browse: Browse) -> None:
    page = ready(browse())
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.evaluate("window.stayed = true")
    page.locator(".sidenav a.at-markets").click()
    page.wait_for_url("**/markets")
    expect(page).to_have_title("Markets · Bolt")
    assert page.evaluate("window.stayed") is True
    page.go_back()
    expect(page).to_have_title("Models · Bolt")


def test_signing_out_needs_two_presses(browse: Browse) -> None:
    page = ready(browse(Role.VIEWER))
    page.locator(".avatar").click()
    page.locator(".menu [data-action=sign-out]").click()
    page.wait_for_url("**/login")


def test_no_page_loads_plotly_without_a_figure(browse: Browse) -> None:
    page = browse()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for place in PAGES:
        ready(page, place.path)
        page.wait_for_timeout(300)
    assert [url for url in asked if "plotly" in url] == []


def test_phone_has_no_sideways_scroll_and_large_targets(browse: Browse) -> None:
    page = browse(Role.ANALYST, width=360, height=740, touch=True)
    for place in in_menu(Role.ANALYST):
        ready(page, place.path)
        assert page.evaluate("document.documentElement.scrollWidth") == 360, place.title
    sizes = page.evaluate(
        "[...document.querySelectorAll('.bottomnav a, .bottomnav button, .topbar .only-phone')]"
        ".map(e => e.getBoundingClientRect()).map(r => [r.width, r.height])"
    )
    assert len(sizes) == len(in_menu(Role.ANALYST)[:MOST_BELOW]) + 2
    assert all(width >= 44 and height >= 44 for width, height in sizes), sizes
    page.locator(".bottomnav button").tap()
    expect(page.locator("#more")).to_contain_text("analyst@example.org")
    page.locator("#more [data-action=theme]").tap()
    assert theme(page) == "light"
