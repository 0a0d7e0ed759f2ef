"""Live prices in a real browser: they move without callbacks, keep the zoom, and say when they are old."""

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from redis import Redis
from sqlalchemy.orm import Session

from core import ticks
from core.clock import to_ms, utc_now
from core.ohlcv import Candles
from core.roles import Role
from core.ticks import Tick
from core.timeframe import TIMEFRAMES
from tests.browser.conftest import Browse
from tests.browser.test_charts_page import open_chart, until
from tests.candle_data import store, walk

pytestmark = pytest.mark.browser

HOUR = 3_600_000
ETH = "/charts/demo/ETH-USDT?tf=1h&ind=ema:20"
LAST = "boltLive.ticks.size > 0"


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


@pytest.fixture
def opened_ms() -> int:
    """When the hour that runs began."""
    return TIMEFRAMES["1h"].floor(to_ms(utc_now()))


@pytest.fixture
def fresh(session: Session, opened_ms: int) -> float:
    """A followed market whose newest candle has just closed; its close."""
    made = walk(500, start_ms=opened_ms - 500 * HOUR, price=3_000)
    store(session, "demo:ETH/USDT", made, simulated=True, followed=True)
    return float(made.close[-1])


def tell(redis: Redis, price: float, opened_ms: int, *, low: float | None = None) -> None:
    bar = [opened_ms, price, price + 5, low or price - 5, price, 12.5]
    bars = {name: [float(TIMEFRAMES[name].floor(to_ms(utc_now()))), *bar[1:]] for name in TIMEFRAMES}
    ticks.publish(redis, Tick("demo", "ETH/USDT", price, to_ms(utc_now()), bars=bars | {"1h": bar}))


def callbacks(page: Page) -> list[str]:
    """Callback requests from now on, but for those about indicators at the bar that forms, every few seconds."""
    asked: list[str] = []

    def note(request: Any) -> None:
        if "_dash-update" in request.url and "charts-formed" not in (request.post_data or ""):
            asked.append(request.post_data or "")

    page.on("request", note)
    return asked


def still(page: Page) -> None:
    """No ordinary refresh in the way: what moves now is live."""
    page.evaluate("dash_clientside.set_props('charts-tick', { disabled: true })")
    page.wait_for_timeout(300)


def connected(page: Page, redis: Redis) -> None:
    until(page, "boltLive.source !== null && boltLive.source.readyState === 1")
    over = time.monotonic() + 5
    while redis.pubsub_numpat() == 0 and time.monotonic() < over:
        time.sleep(0.05)


def logical(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("({ ...boltCharts.page.logical })")
    return found


def test_the_price_moves_within_seconds_and_no_callback_is_asked(
    browse: Browse, fresh: float, redis: Redis, opened_ms: int
) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, ETH)
    connected(page, redis)
    still(page)
    expect(page.locator("#charts-legend")).to_contain_text(f"{fresh:,.2f}")
    asked = callbacks(page)
    began = time.monotonic()
    tell(redis, 3_456.78, opened_ms)
    expect(page.locator("#charts-legend .row1").first).to_contain_text("3,456.78", timeout=10_000)
    assert time.monotonic() - began < 3
    for n in range(20):
        tell(redis, 3_460.0 + n, opened_ms)
    expect(page.locator("#charts-legend .row1").first).to_contain_text("3,479.00", timeout=10_000)
    expect(page.locator(".chart-age .live-age")).to_have_text("Live")
    assert asked == []


def test_the_bar_that_forms_is_drawn_and_the_zoom_is_kept(
    browse: Browse, fresh: float, redis: Redis, opened_ms: int
) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, ETH)
    connected(page, redis)
    still(page)
    page.evaluate("boltCharts.zoom(0.5)")
    page.wait_for_timeout(400)
    before, box = logical(page), page.locator("#charts-chart").bounding_box()
    for n in range(5):
        tell(redis, fresh + n, opened_ms)
    until(page, f"boltLive.ticks.get('demo/ETH-USDT') && boltLive.ticks.get('demo/ETH-USDT').price === {fresh + 4}")
    page.wait_for_timeout(400)
    after = logical(page)
    assert after["to"] - after["from"] == pytest.approx(before["to"] - before["from"], abs=0.1)
    assert abs(after["to"] - before["to"]) < 1.1
    assert page.locator("#charts-chart").bounding_box() == box
    question = "{ action: 'lastValue', seriesId: 'price', nonce: 1 }"
    page.evaluate(f"dash_clientside.set_props('charts-chart', {{ dataAction: {question} }})")
    page.wait_for_timeout(200)
    drawn = page.evaluate("JSON.stringify(window.dash_component_api.getLayout('charts-chart', 'dataResult') || null)")
    assert f"{fresh + 4:.2f}"[:6] in drawn


def test_a_chart_drawn_anew_has_its_forming_bar_again(
    browse: Browse, fresh: float, redis: Redis, opened_ms: int
) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, ETH)
    connected(page, redis)
    still(page)
    tell(redis, 3_333.25, opened_ms)
    legend = page.locator("#charts-legend .row1").first
    expect(legend).to_contain_text("3,333.25", timeout=10_000)
    page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
    page.wait_for_timeout(300)
    expect(legend).to_contain_text("3,333.25")


@pytest.fixture
def minutes(session: Session) -> Candles:
    """A followed market of minutes, of which the newest is still to be stored."""
    now = TIMEFRAMES["1m"].floor(to_ms(utc_now()))
    made = walk(500, start_ms=now - 500 * 60_000, timeframe="1m", price=3_000)
    store(session, "demo:ETH/USDT", made[:-1], timeframe="1m", simulated=True, followed=True)
    return made


def test_a_bar_that_has_closed_is_asked_for_at_once_with_its_indicators(
    browse: Browse, session: Session, minutes: Candles, redis: Redis
) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, "/charts/demo/ETH-USDT?tf=1m&ind=sma:2")
    connected(page, redis)
    still(page)
    closing, begun = int(minutes.time[-1]), int(minutes.time[-1]) + 60_000
    tell_minute(redis, closing, float(minutes.close[-1]))
    until(page, LAST)
    store(session, "demo:ETH/USDT", minutes[-1:], timeframe="1m", simulated=True, followed=True)
    tell_minute(redis, begun, 3_333.25)
    until(page, f"boltCharts.page.frame.end === {begun}")
    legend = page.locator("#charts-legend")
    expect(legend.locator(".row1").first).to_contain_text("3,333.25", timeout=10_000)
    closed, forming = float(minutes.close[-2:].mean()), (float(minutes.close[-1]) + 3_333.25) / 2
    ways = {f"{value + nudge:,.2f}" for value in (closed, forming) for nudge in (-0.001, 0.001)}  # a half, up or down
    expect(legend).to_contain_text(re.compile("|".join(map(re.escape, sorted(ways)))), timeout=10_000)


def tell_minute(redis: Redis, opened: int, price: float, source: str = "klines") -> None:
    bars = {"1m": [float(opened), price, price, price, price, 1.0]}
    ticks.publish(redis, Tick("demo", "ETH/USDT", price, to_ms(utc_now()), source, bars))


def test_prices_of_stored_minutes_say_that_they_come_once_a_minute(
    browse: Browse, minutes: Candles, redis: Redis
) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, "/charts/demo/ETH-USDT?tf=1m&ind=")
    connected(page, redis)
    tell_minute(redis, int(minutes.time[-1]), 3_000.0, "candles")
    age = page.locator(".chart-age .live-age")
    expect(age).to_have_text("Once a minute", timeout=10_000)
    page.evaluate("boltLive.ticks.forEach((tick) => { tick.at -= 60000; })")
    page.wait_for_timeout(1_200)
    expect(age).to_have_text("Once a minute")
    page.evaluate("boltLive.ticks.forEach((tick) => { tick.at -= 65000; })")
    expect(age).to_contain_text("Stale: no price for 12", timeout=10_000)


def test_the_time_to_the_close_counts_down(browse: Browse, minutes: Candles) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, "/charts/demo/ETH-USDT?tf=1m&ind=")
    countdown = page.locator("#charts-countdown")
    expect(countdown).to_have_text(re.compile(r"^closes in 00:[0-5]\d$"), timeout=10_000)
    before = countdown.inner_text()
    page.wait_for_timeout(1_500)
    assert countdown.inner_text() != before


def test_any_page_may_ask_for_prices(browse: Browse, session: Session, fresh: float, redis: Redis) -> None:
    store(session, "demo:BTC/USDT", walk(10), simulated=True, followed=True)
    page = browse(Role.VIEWER)
    open_chart(page, ETH)
    page.evaluate(
        """() => {
            window.heard = [];
            boltLive.want("test", () => ["demo/ETH-USDT", "demo/BTC-USDT"]);
            window.stop = boltLive.listen((tick) => heard.push(tick.price));
        }"""
    )
    until(page, "boltLive.source !== null && boltLive.source.url.includes('BTC-USDT')")
    connected(page, redis)
    ticks.publish(redis, Tick("demo", "BTC/USDT", 64_000.5, to_ms(utc_now()), change=-0.0125))
    until(page, "heard.includes(64000.5)")
    assert page.evaluate("boltLive.ticks.get('demo/BTC-USDT').change") == -0.0125
    page.evaluate("() => { stop(); boltLive.want('test', () => []); }")
    until(page, "boltLive.source !== null && !boltLive.source.url.includes('BTC-USDT')")


def test_a_silent_price_is_called_stale(browse: Browse, fresh: float, redis: Redis, opened_ms: int) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, ETH)
    connected(page, redis)
    tell(redis, 3_333.25, opened_ms)
    until(page, LAST)
    page.evaluate("boltLive.ticks.forEach((tick) => { tick.at -= 60000; })")
    age = page.locator(".chart-age .live-age")
    expect(age).to_contain_text("Stale: no price for 6", timeout=10_000)
    tell(redis, 3_334.0, opened_ms)
    expect(age).to_have_text("Live", timeout=10_000)


def test_two_tabs_of_a_browser_share_one_stream(browse: Browse, fresh: float, redis: Redis, opened_ms: int) -> None:
    first = browse(Role.VIEWER)
    open_chart(first, ETH)
    connected(first, redis)
    context: BrowserContext = first.context
    second = context.new_page()
    open_chart(second, ETH)
    second.wait_for_timeout(500)
    tell(redis, 3_210.5, opened_ms)
    for page in (first, second):
        expect(page.locator("#charts-legend .row1").first).to_contain_text("3,210.50", timeout=10_000)
    assert second.evaluate("boltLive.source === null && !boltLive.leads")
    first.close()
    until(second, "boltLive.leads && boltLive.source !== null && boltLive.source.readyState === 1")
    tell(redis, 3_211.5, opened_ms)
    expect(second.locator("#charts-legend .row1").first).to_contain_text("3,211.50", timeout=10_000)


def test_a_cut_stream_leaves_the_ordinary_refresh(browse: Browse, fresh: float, redis: Redis, opened_ms: int) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, ETH)
    connected(page, redis)
    page.evaluate("boltLive.source.onerror()")
    assert page.evaluate("boltLive.source") is None
    with page.expect_request(
        lambda request: "_dash-update" in request.url and "charts-tick" in json.dumps(request.post_data_json),
        timeout=15_000,
    ):
        page.wait_for_timeout(1)
    until(page, "boltLive.source !== null && boltLive.source.readyState === 1")


def test_a_market_nobody_follows_opens_no_stream(browse: Browse, session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(500))
    page = browse(Role.VIEWER)
    open_chart(page, "/charts/binance/BTC-USDT?tf=1h&ind=")
    page.wait_for_timeout(1_500)
    assert page.evaluate("boltLive.opened") == 0
    assert page.locator(".live-age").count() == 0
