"""Predictions and Models in a real browser: from the board to one record, and the gate that Promote waits for."""

from pathlib import Path

from playwright.sync_api import expect
from sqlalchemy.orm import Session

from core import market_name
from core.clock import to_ms, utc_now
from core.roles import Role
from core.timeframe import parse
from db.queries import candles, leak_reports, markets
from ml import scorekeeping, settling
from ml.leak_report import Check, Report
from tests.browser.conftest import Browse
from tests.candles import walk
from tests.ml import versions
from tests.ml.ledger import past_call

HOUR = parse("1h")
ASKED = versions.config("binance:BTC/USDT")
CARD = versions.card(ASKED, versions.prepared(ASKED))


def seeded(session: Session, folder: Path) -> int:
    """A real market with a version and 104 settled calls."""
    now = utc_now()
    start = HOUR.last_closed(to_ms(now)) - 399 * HOUR.ms
    market = markets.get_or_create(session, market_name.parse("binance:BTC/USDT"))
    candles.upsert(session, market.id, "1h", walk(400, start_ms=start))
    model = versions.publish(session, folder, CARD, ASKED)
    for n in range(290, 394):
        at = start + n * HOUR.ms
        past_call(session, model_id=model.id, market_id=market.id, open_ms=at, simulated=False)
    settling.settle_due(session, now=now)
    scorekeeping.refresh(session, scorekeeping.note_rules(session, now=now))
    session.commit()
    return model.id


def test_a_market_is_opened_read_and_left_again(browse: Browse, session: Session, tmp_path: Path) -> None:
    seeded(session, tmp_path)
    page = browse(Role.VIEWER, width=360, height=740)
    page.goto("/predictions")
    page.get_by_role("link", name="BTC/USDT").click()
    expect(page.locator(".headline")).to_contain_text("Over 104 settled calls this model")
    expect(page.get_by_role("table", name="Scorecard against simple rules")).to_contain_text("Persistence")
    expect(page.locator(".chart.calls .js-plotly-plot")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.locator(".moved")).to_contain_text("What moved it")
    page.get_by_role("button", name="Settled calls").click()
    table = page.get_by_role("table", name="Settled calls")
    expect(table.locator("tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Show 50 more").click()
    expect(table.locator("tbody tr")).to_have_count(100)
    page.get_by_text("Abstained", exact=True).click()
    expect(page.locator("#settled-list")).to_contain_text("No settled call fits")
    page.get_by_role("link", name="All markets").click()
    expect(page.get_by_role("link", name="Export CSV")).to_be_visible()
    page.get_by_role("link", name="Abstaining 0").click()
    expect(page.locator(".board")).to_contain_text("No market fits")


def test_the_rail_follows_what_happens_to_a_version(browse: Browse, session: Session, tmp_path: Path) -> None:
    model_id = seeded(session, tmp_path)
    page = browse(Role.ANALYST)
    page.goto("/models")
    form, train = page.locator("#models-form"), page.get_by_role("button", name="Train new version")
    train.click()
    expect(form).to_contain_text("Each market needs at least")
    expect(train).not_to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(form).not_to_be_visible()
    expect(page.get_by_role("button", name="Promote to champion")).to_be_disabled()
    expect(page.locator("#models-care")).to_contain_text("1 of 6 pass")
    report = Report([Check("split", "No row reaches into another segment", True, "88 bars apart")], "probe", 9, 9)
    leak_reports.store(session, model_id, report.to_dict(), green=True)
    session.commit()
    expect(page.locator("#models-leaks")).to_contain_text("88 bars apart")  # by itself, without loading again
    expect(page.locator("#models-care")).to_contain_text("2 of 6 pass")
    page.locator("#models-cron").fill("0 3 * * 0")
    expect(page.locator("#models-plan-hint")).to_contain_text("Not saved yet")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.locator("#models-plan-hint")).to_contain_text("Next training Sun")
    expect(page.locator("#models-plan-hint")).not_to_contain_text("Not saved yet")
