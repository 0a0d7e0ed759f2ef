"""The Overview and Markets pages in a real browser: the list is one's own, kept, live, and works by keyboard."""

import re
import time

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect
from redis import Redis
from sqlalchemy.orm import Session

from core import ticks
from core.clock import to_ms, utc_now
from core.jobs import IMPORT_FILE, JobState
from core.market_name import parse
from core.roles import Role
from core.ticks import Tick
from core.timeframe import TIMEFRAMES
from db.queries import jobs, listings, markets, refusals, sources, users
from tests.browser.conftest import Browse
from tests.browser.test_charts_page import until
from tests.candle_data import store, walk

pytestmark = pytest.mark.browser

HOUR = 3_600_000
ROWS = "#overview-table tr[data-id]"
NAMES = f"{ROWS} td.mkt a"
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
    return page.locator(NAMES).all_inner_texts()


def held(page: Page, routes: list[Route]) -> None:
    """Wait until a request is held back."""
    over = time.monotonic() + 20
    while not routes and time.monotonic() < over:
        page.wait_for_timeout(20)
    assert routes


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
    expect(page.locator(NAMES)).to_have_text(["ETH", "BTC", "LTC"])
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


def test_acts_that_outrun_the_server_are_kept_and_an_older_list_never_comes_back(browse: Browse, watched: None) -> None:
    page = browse(Role.VIEWER)
    overview(page)
    frames: list[Route] = []
    acts: list[Route] = []

    def hold(route: Route) -> None:
        """Keep one frame and one act from the server until the test lets them go."""
        word = (route.request.post_data_json or {}).get("output", "")
        kept = frames if "overview-frame" in word else acts if "overview-done" in word else None
        if kept is None or kept:
            route.continue_()
        else:
            kept.append(route)

    page.route("**/_dash-update-component*", hold)
    page.evaluate("dash_clientside.set_props('overview-tick', { n_intervals: 1000 })")
    page.locator(ROWS).first.focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("Delete")
    expect(page.locator(NAMES)).to_have_text(["ETH", "SOL", "BTC"])
    held(page, frames)
    with page.expect_response(lambda r: "overview-frame" in (r.request.post_data or "")):
        frames[0].continue_()
    expect(page.locator(NAMES)).to_have_text(["ETH", "SOL", "BTC"])
    held(page, acts)
    acts[0].continue_()
    expect(page.locator(NAMES)).to_have_text(["SOL", "BTC"])
    page.reload()
    expect(page.locator(NAMES)).to_have_text(["SOL", "BTC"])


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


def test_a_row_follows_who_stands_in_for_its_exchange_and_goes_back(
    browse: Browse, watched: None, session: Session, redis_url: str
) -> None:
    page, redis = browse(Role.VIEWER), Redis.from_url(redis_url)
    own, end = markets.get(session, parse("binance:BTC/USDT")), TIMEFRAMES["1m"].floor(to_ms(utc_now()))
    other = store(
        session, "kraken:BTC/USD", walk(90, start_ms=end - 90 * 60_000, timeframe="1m"), timeframe="1m", followed=True
    )
    sources.begin(session, own.id, other.id, reason="binance does not answer", automatic=True, now=utc_now())
    session.commit()
    overview(page)
    row = page.locator(ROWS).first
    expect(row.locator("td.src")).to_contain_text("Kraken BTC/USD, standing in for Binance")
    expect(row.locator("td.mkt a")).to_have_attribute("href", "/charts/binance/BTC-USDT")
    expect(page.locator("#overview-head")).to_contain_text("Binance does not answer.")
    until(page, "boltLive.source !== null && boltLive.source.readyState === 1")
    until(page, "decodeURIComponent(boltLive.source.url).includes('kraken/BTC-USD')")
    ticks.publish(redis, Tick("binance", "BTC/USDT", 1.0, to_ms(utc_now())))
    ticks.publish(redis, Tick("kraken", "BTC/USD", 321.5, to_ms(utc_now())))  # the stream begins with the last one
    expect(row.locator("td.prc")).to_contain_text("321.5", timeout=15_000)
    sources.end(session, sources.stand_ins(session)[own.id], now=utc_now())
    session.commit()
    page.evaluate("dash_clientside.set_props('overview-tick', { n_intervals: 1000 })")
    expect(row.locator("td.src")).not_to_contain_text("standing in", timeout=15_000)
    expect(row.locator("td.prc")).not_to_contain_text("321.5")


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


def test_an_import_tells_what_became_of_it_and_its_refused_lines_are_shown_and_downloaded(
    browse: Browse, session: Session
) -> None:
    page = browse(Role.ANALYST)
    page.goto("/markets")
    form = page.locator("#markets-fields form")
    content = b"timestamp,open\n1,2\n"
    given = FilePayload(name="binance_BTC_USDT_1h.csv", mimeType="text/csv", buffer=content)
    form.locator("input[type=file]").set_input_files(given)
    named = [form.locator(f"[name={name}]").input_value() for name in ("exchange", "symbol", "timeframe")]
    assert named == ["binance", "BTC/USDT", "1h"]
    page.get_by_role("button", name="Import files").click()
    expect(form.locator(".told.good")).to_contain_text("Handed over")
    line = page.locator("#markets-jobs .work")
    expect(line).to_contain_text("binance:BTC/USDT 1h")
    expect(line.get_by_role("progressbar")).to_have_count(1)

    user = users.by_email(session, "analyst@example.org")
    (job,) = jobs.latest(session, name=IMPORT_FILE.name, limit=5)
    assert user is not None
    job.state, job.finished_at = JobState.FAILED, utc_now()
    job.reason = "The file holds 1 row that is no candle.\nline 2: high is missing"
    refusals.keep(session, job.id, [(2, "=high is missing")], user_id=user.id, import_id=None, file_name="a.csv")
    session.commit()
    expect(line).to_contain_text("The file holds 1 row that is no candle.")
    show = line.get_by_role("button", name="Show 1 line")
    show.focus()
    page.evaluate("window.redrawn = document.activeElement")
    until(page, "!window.redrawn.isConnected")  # the list has been drawn anew,
    expect(show).to_be_focused()  # and the keyboard stands where it stood
    page.keyboard.press("Enter")
    report = page.locator("#markets-report")
    expect(report).to_contain_text("high is missing")
    with page.expect_download() as loaded:
        page.evaluate("document.querySelector('#markets-jobs a[download]').click()")
    assert loaded.value.path().read_text() == '"line","reason"\n2,"\'=high is missing"\n'
    report.get_by_role("button", name="Close").press("Enter")
    expect(report).to_be_empty()


def test_no_page_makes_the_window_scroll_and_the_follow_button_is_whole(browse: Browse, session: Session) -> None:
    for n in range(20):
        for tf in ("1h", "1d"):
            store(session, f"binance:C{n}/USDT", walk(200, timeframe=tf, seed=n), timeframe=tf)
    session.commit()
    page = browse(Role.ANALYST)
    page.goto("/markets")
    button = page.locator("table.stored").get_by_role("button", name="Fetch new candles of C0/USDT from binance")
    expect(button).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    until(
        page,
        "(() => { const e = document.querySelector('table.stored button[aria-label=\"Fetch new candles of C0/USDT from "
        "binance\"]'); return e && e.getBoundingClientRect().right <= "
        "e.closest('.pane').getBoundingClientRect().right; })()",
    )
