"""U01 and U05 in Chromium: from a key to the first hit of the search, from a click to another timeframe on screen.

Measured by the page's own clock, with 200 markets stored. There is no peer, only the time that is allowed.
"""

from collections.abc import Callable
from statistics import median

from playwright.sync_api import Page

import db.engine
from dashapp.auth import accounts
from tests.bench.p12_web_memory import BOLT, OWNER, PASSWORD, Worker
from tests.bench.p13_page import USABLE, chromium, fresh, signed_in
from tests.bench.table import Row
from tests.bench.timing import database, redis_server
from tests.candle_data import store, walk

MARKETS = 200
BARS = 2_000
ROUNDS = 5
PATIENCE = 100  # tenths of a second
NEXT = {"1h": "4h", "4h": "1h"}
# Runs until DONE is true in a frame that is then painted; from the act that follows, by the page's clock.
WATCH = """() => {
    window.took = null;
    let began = null;
    for (const kind of ["keydown", "mousedown"])
        addEventListener(kind, (event) => (began = began ?? event.timeStamp), { capture: true, once: true });
    const look = () => {
        if (began !== null && DONE) requestAnimationFrame(() => (window.took = performance.now() - began));
        else requestAnimationFrame(look);
    };
    look();
}"""


def run() -> list[Row]:
    with database(), redis_server() as redis:
        with db.engine.session() as session:
            accounts.create_owner(session, OWNER, PASSWORD)
            for coin in range(MARKETS):
                name = f"binance:COIN{coin}/USDT" if coin else "binance:BTC/USDT"
                store(session, name, walk(BARS if not coin else 50))
            url = session.connection().engine.url.render_as_string(hide_password=False)
        environment = {"DATABASE_URL": url, "REDIS_URL": redis, "SECRET_KEY": "bench" * 8, "LOG_LEVEL": "ERROR"}
        with Worker(BOLT, environment) as bolt, chromium() as browser, fresh(browser, signed_in(bolt)) as page:
            page.goto(bolt.url("/charts/binance/BTC-USDT?tf=1h&ind=ema:20"))
            page.wait_for_selector(USABLE["bolt"], state="attached")
            page.wait_for_timeout(2_000)
            found = median(searched(page) for _ in range(ROUNDS))
            changed = median(another_timeframe(page) for _ in range(ROUNDS))
    return [
        Row("U01", f"key to first hit among {MARKETS} markets", "allowed", 200, found, "ms", 1, "at most"),
        Row("U05", "click to another timeframe on screen", "allowed", 400, changed, "ms", 1, "at most"),
    ]


def searched(page: Page) -> float:
    page.keyboard.press("b")
    page.keyboard.type("coin19")
    hit = "document.querySelector('#charts-search-list .option')?.textContent.includes('COIN199')"
    took = timed(page, hit, lambda: page.keyboard.press("9"))
    page.keyboard.press("Escape")
    return took


def another_timeframe(page: Page) -> float:
    to = NEXT[page.evaluate("boltCharts.page.frame.tf")]
    drawn = f"boltCharts.page.frame.tf === '{to}' && !document.querySelector('#charts-canvas.is-waiting')"
    took = timed(page, drawn, lambda: page.locator(f'[data-charts="tf"][data-value="{to}"]').first.click())
    page.wait_for_timeout(600)
    return took


def timed(page: Page, done: str, act: Callable[[], None]) -> float:
    """Milliseconds from the first key or button of `act` to the frame in which `done` holds."""
    page.evaluate(WATCH.replace("DONE", f"({done})"))
    act()
    for _ in range(PATIENCE):
        if (took := page.evaluate("window.took")) is not None:
            return float(took)
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {done}")
