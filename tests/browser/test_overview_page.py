"""The Overview and Markets pages in a real browser: the list is one's own, kept, live, and works by keyboard."""

import re
import time

import pytest
from playwright.sync_api import Page, expect
from redis import Redis
from sqlalchemy.orm import Session

from core import ticks
from core.clock import to_ms, utc_now
from core.market_name import parse
from core.roles import Role
from core.ticks import Tick
from core.timeframe import TIMEFRAMES
from db.queries import listings, markets
from tests.browser.conftest import Browse
from tests.browser.test_charts_page import until
from tests.candle_data import store, walk

pytestmark = pytest.mark.browser

HOUR = 3_600_000
ROWS = "#overview-table tr[data-id]"
WIDE = """() => [...document.querySelectorAll("#main *")].filter((e) => {
  const box = e.getBoundingClientRect();
  const apart = ".seg, .results, .visually-hidden, .found-rows, .dash-dropdown-focus-target";
  return box.width > 0 && box.right > innerWidth + 1 && !e.closest(apart);
}).map((e) => `${e.tagName}.${e.className}#${e.id}`)"""


@pytest.fixture
def watched(session: Session) -> None:
    """Three followed markets with fresh prices, and one that nobody watches."""
    end = TIMEFRAMES["1m"].floor(to_ms(utc_now()))
    for k, name in enumerate(("binance:BTC/USDT", "binance:ETH/USDT", "demo:SOL/USDT")):
        simulated = name.startswith("demo")
        hours = walk(300, start_ms=end // HOUR * HOUR - 300 * HOUR, seed=k, price=100 * 9.0**k)
        store(session, name, hours, simulated=simulated, followed=True)
        minutes = walk(1_500, start_ms=end - 1_500 * 60_000, timeframe="1m", seed=k, price=float(hours.close[-1]))
        store(session, name, minutes, timeframe="1m", simulated=simulated, followed=True)
    markets.get_or_create(session, parse("binance:LTC/USDT"))
    listings.put(session, "kraken", {"DOT/USD": 4}, now=utc_now())
    session.commit()


def overview(page: Page) -> None:
    page.goto("/")
    expect(page.locator(ROWS).first).to_be_visible(timeout=15_000)


def order(page: Page) -> list[str]:
    return page.locator(f"{ROWS} td.mkt a").all_inner_texts()


def test_a_list_is_changed_by_keyboard_kept_and_seen_in_another_browser(browse: Browse, watched: None) -> None:
    page = browse(Role.VIEWER)
    overview(page)
    assert order(page) == ["BTC", "ETH", "SOL"]
    page.keyboard.press("/")
    page.keyboard.type("ltc")
    expect(page.locator("#overview-found .it").first).to_contain_text("LTC/USDT")
    page.keyboard.press("Enter")
    expect(page.locator("#overview-found .it").first).to_contain_text("On the list")
    page.keyboard.press("Escape")
    expect(page.locator(ROWS)).to_have_count(4)
    page.locator(ROWS).first.focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    expect(page.locator(ROWS)).to_have_count(3)
    assert order(page) == ["ETH", "BTC", "LTC"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(ROWS)).to_have_count(4)
    page.locator("#overview-table [data-by=last]").click()
    expect(page.locator("#overview-table th[aria-sort=descending]")).to_contain_text("Last price")
    kept = order(page)
    assert kept == ["SOL", "ETH", "BTC", "LTC"]
    page.wait_for_timeout(500)
    other = browse(Role.VIEWER)
    overview(other)
    assert order(other) == kept
    page.reload()
    expect(page.locator(ROWS).first).to_be_visible(timeout=15_000)
    assert order(page) == kept
    page.locator(ROWS).nth(1).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/charts/binance/ETH-USDT"))


def test_a_price_moves_without_a_callback_and_says_how_old_it_is(browse: Browse, watched: None, redis_url: str) -> None:
    page, redis = browse(Role.VIEWER), Redis.from_url(redis_url)
    overview(page)
    until(page, "boltLive.source !== null && boltLive.source.readyState === 1")
    over = time.monotonic() + 5
    while redis.pubsub_numpat() == 0 and time.monotonic() < over:
        time.sleep(0.05)
    page.evaluate("dash_clientside.set_props('overview-tick', { disabled: true })")
    page.wait_for_timeout(300)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.post_data or "") if "_dash-update" in r.url else None)
    row = page.locator(ROWS).first
    ticks.publish(redis, Tick("binance", "BTC/USDT", 123.45, to_ms(utc_now())))
    expect(row.locator("td.prc")).to_have_text("123.45", timeout=10_000)
    before = row.locator("td.chg").inner_text()
    ticks.publish(redis, Tick("binance", "BTC/USDT", 246.90, to_ms(utc_now())))
    expect(row.locator("td.prc")).to_have_text("246.90", timeout=10_000)
    assert row.locator("td.chg").inner_text() != before
    expect(row.locator("td.src")).to_contain_text("s", timeout=10_000)
    assert [body for body in asked if "overview" in body] == []


def test_a_phone_sees_each_market_as_a_small_grid(browse: Browse, watched: None) -> None:
    page = browse(Role.VIEWER, width=360, height=740, touch=True)
    overview(page)
    expect(page.locator(f"{ROWS} td.prc").first).to_be_visible()
    expect(page.locator(f"{ROWS} td.cap").first).to_be_hidden()
    for address in ("/", "/markets", "/data-quality"):
        page.goto(address)
        page.wait_for_timeout(1_200)
        assert page.evaluate(WIDE) == [], address
        assert page.evaluate("document.querySelector('#main').scrollWidth") <= 360, address


def test_an_empty_desk_begins_with_one_button(browse: Browse) -> None:
    page = browse(Role.ANALYST)
    page.goto("/")
    expect(page.locator(".watch-start")).to_contain_text("No markets on this desk yet")
    expect(page.locator(".btn-primary:visible")).to_have_count(1)
    page.get_by_role("button", name="Add BTC/USDT of binance").click()
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(f"{ROWS} td.prc")).to_have_text("\N{EM DASH}")


def test_a_market_of_any_exchange_is_found_and_followed(browse: Browse, watched: None, session: Session) -> None:
    page = browse(Role.ANALYST)
    page.goto("/markets")
    page.locator("#markets-follow-name").type("dot")
    row = page.locator("#markets-found tr", has_text="DOT/USD").first
    expect(row).to_contain_text("not followed")
    row.get_by_role("button").click()
    expect(row).to_contain_text("followed")
    expect(row.get_by_role("button")).to_have_text("Unfollow")
    assert "kraken:DOT/USD" in [f"{m.exchange}:{m.symbol}" for m in markets.followed(session)]
