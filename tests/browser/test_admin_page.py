"""The admin desk in a real browser: tables that load from the server, dialogs, links shown once."""

import re

from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from core.jobs import TOP_UP
from core.roles import Role
from db.queries import jobs
from tests.browser.conftest import Browse
from tests.web import add_user


def open_part(page: Page, part: str = "") -> Page:
    page.goto(f"/admin{part}")
    page.wait_for_selector(".ag-center-cols-container .ag-cell")
    return page


def choose(page: Page, words: str) -> None:
    page.locator(".ag-cell", has_text=words).first.click()


def test_a_job_is_found_chosen_and_cancelled_after_a_second_word(browse: Browse, session: Session) -> None:
    for n in range(3):
        jobs.create(session, TOP_UP, {"symbol": f"COIN{n}/USDT"}, dedupe=f"top_up:{n}")
    session.commit()
    page = open_part(browse())
    page.locator("#admin-job-search").fill("COIN1")
    expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(1)
    choose(page, "COIN1/USDT")
    page.get_by_role("button", name="Cancel job").first.click()
    dialog = page.locator(".modal.show")
    expect(dialog).to_contain_text("its work is lost")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    page.locator(".chosen").get_by_role("button", name="Cancel job").click()
    page.locator("#admin-job-ask-yes").click()
    expect(page.locator(".chosen")).to_contain_text("Cancelled")
    expect(page.locator(".chosen").get_by_role("button", name="Run again")).to_be_visible()
    expect(page.locator(".ag-cell[col-id=state]")).to_have_text("Cancelled")


def test_a_role_is_given_and_a_link_shown_once(browse: Browse, session: Session, owner: int) -> None:
    add_user(session, "mara@example.org", Role.VIEWER)
    page = open_part(browse(), "/users")
    choose(page, "mara@example.org")
    page.locator(".chosen .seg label", has_text="Analyst").click()
    expect(page.locator(".ag-cell", has_text="Analyst")).to_be_visible()
    page.get_by_role("button", name="Make reset link").click()
    expect(page.locator("#admin-user-link code")).to_have_text(re.compile(r"/reset\?token="))
    page.locator(".chosen").get_by_role("button", name="Disable").click()
    page.locator("#admin-ask-yes").click()
    expect(page.locator(".ag-cell", has_text="Disabled")).to_be_visible()
    expect(page.locator("#admin-user-link code")).to_have_count(0)


def test_the_owner_is_shown_with_the_reason_why_not(browse: Browse) -> None:
    page = open_part(browse(), "/users")
    choose(page, "owner@example.org")
    expect(page.locator(".chosen")).to_contain_text("let others in")
    expect(page.locator(".chosen button")).to_have_count(0)
    page.keyboard.press("Tab")  # one step out of the table, however many cells it has
    expect(page.locator("#admin-session-search")).to_be_focused()


def test_the_log_is_filtered_and_its_link_follows(browse: Browse) -> None:
    page = open_part(browse(), "/audit")
    page.locator("#admin-event-search").fill("owner_created")
    expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(1)
    expect(page.locator("#admin-export")).to_have_attribute("href", "/admin/audit.csv?text=owner_created")
    page.locator(".seg label", has_text="Denied").click()
    expect(page.locator(".ag-overlay")).to_contain_text("Nothing fits")


def test_the_desk_fits_a_phone(browse: Browse) -> None:
    page = browse(width=360, height=740, touch=True)
    for part in ("", "/users", "/audit"):
        page.goto(f"/admin{part}")
        page.wait_for_selector(".ag-header-cell")
        expect(page.locator("[col-id=display_name], [col-id=owner], [col-id=ip]:not(#admin-events *)")).to_have_count(0)
        page.wait_for_function(
            "() => [document.documentElement, document.querySelector('.main')].every((one) => one.scrollWidth === 360)"
        )


def test_the_way_to_the_desk_and_back_works_from_any_page(browse: Browse, session: Session) -> None:
    jobs.create(session, TOP_UP, {"symbol": "COIN/USDT"})
    session.commit()
    page = browse()
    page.goto("/models")
    page.get_by_role("link", name="Admin", exact=True).first.click()
    page.wait_for_selector(".ag-cell >> text=COIN/USDT")
    page.get_by_role("link", name="Models", exact=True).first.click()
    page.wait_for_url("**/models")
    page.go_back()
    page.wait_for_selector(".ag-cell >> text=COIN/USDT")
    page.goto("/models")
    page.go_back()
    page.wait_for_selector(".ag-cell >> text=COIN/USDT")
