"""Indicators in a real browser while their bar forms: they move, are said to be unfinished, and close as stored."""

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from redis import Redis
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
from core import ticks
from core.clock import to_ms, utc_now
from core.ohlcv import Candles
from core.roles import Role
from core.ticks import Tick
from core.timeframe import TIMEFRAMES
from market.indicators.catalog import parse
from market.indicators.compute import compute
from tests.browser.conftest import Browse
from tests.browser.test_charts_page import open_chart, until
from tests.browser.test_live import connected, still
from tests.candle_data import store, walk

pytestmark = pytest.mark.browser

MINUTE = 60_000


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


@pytest.fixture
def closed(session: Session) -> Candles:
    """A followed market of minutes, all of them stored."""
    now = TIMEFRAMES["1m"].floor(to_ms(utc_now()))
    made = walk(3_500, start_ms=now - 3_500 * MINUTE, timeframe="1m", price=3_000)
    store(session, "demo:ETH/USDT", made, timeframe="1m", simulated=True, followed=True)
    return made


def bar_at(opened: int, price: float) -> list[float]:
    return [float(opened), price, price + 2, price - 2, price + 1, 7.5]


def tell(redis: Redis, bar: list[float]) -> None:
    ticks.publish(redis, Tick("demo", "ETH/USDT", bar[4], to_ms(utc_now()), bars={"1m": bar}))


def questions(page: Page) -> list[str]:
    """Those about the bar that forms, from now on."""
    asked: list[str] = []

    def note(request: Any) -> None:
        if "_dash-update" in request.url and "charts-formed" in (request.post_data or ""):
            asked.append(request.post_data)

    page.on("request", note)
    return asked


def look_away(page: Page, away: bool) -> None:
    hidden = "true" if away else "false"
    page.evaluate(f"Object.defineProperty(document, 'hidden', {{ configurable: true, get: () => {hidden} }})")


def newest(candles: Candles, key: str, name: str) -> float:
    return float(compute(candles, parse(key))[name][-1])


def test_indicators_move_with_the_bar_and_close_as_stored(
    browse: Browse, session: Session, closed: Candles, redis: Redis
) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, "/charts/demo/ETH-USDT?tf=1m&ind=ema:20,rsi:14,obv,pivots,zigzag:0.5")
    connected(page, redis)
    still(page)
    legend, tags = page.locator("#charts-legend"), page.locator("#charts-pane-tags")
    expect(legend).to_contain_text("ZigZag 0.5 10, repaints")
    opened, price = int(closed.time[-1]) + MINUTE, float(closed.close[-1])

    asked = questions(page)
    look_away(page, True)
    tell(redis, bar_at(opened, price))
    until(page, "boltCharts.forming() !== null")
    page.wait_for_timeout(2_000)  # in which the page looks twice
    assert asked == []
    expect(legend.locator("em")).to_have_count(0)

    began = time.monotonic()
    look_away(page, False)
    for step in range(1, 12):
        tell(redis, bar_at(opened, price + step))
    last = ohlcv.join([closed, ohlcv.from_rows([bar_at(opened, price + 11)])])
    expect(legend).to_contain_text(f"{newest(last, 'ema:20', 'ema'):,.2f}")
    expect(tags).to_contain_text(f"{newest(last, 'rsi:14', 'rsi'):.1f}")
    expect(legend.locator("em")).to_have_text(["unfinished"])
    expect(tags.locator("em")).to_have_text(["unfinished", "unfinished"])
    sums = page.evaluate("boltCharts.formingValue(2)")
    assert sums == pytest.approx(newest(last, "obv", "obv"), rel=1e-5)
    drawn = page.evaluate("boltCharts.nativeSeries('ema:20/ema').data().at(-1)")
    assert drawn["value"] == pytest.approx(newest(last, "ema:20", "ema"), rel=1e-9)
    assert drawn["time"] * 1000 == opened
    assert "volume" not in asked[0]  # the server takes the bar from the stream, never from a browser
    assert 1 <= len(asked) <= (time.monotonic() - began) / 3 + 1

    store(session, "demo:ETH/USDT", last[-1:], timeframe="1m", simulated=True, followed=True)
    tell(redis, bar_at(opened + MINUTE, price))
    until(page, f"boltCharts.page.frame.end === {opened + MINUTE}")
    stored = page.evaluate("boltCharts.page.columns.lines[0].at(-1)")
    assert stored == pytest.approx(newest(last, "ema:20", "ema"), abs=0.00501)
    expect(legend.locator("em")).to_have_count(1)  # of the next bar by now
    until(page, f"boltCharts.nativeSeries('ema:20/ema').data().at(-1).time * 1000 === {opened + MINUTE}")


def test_the_kind_and_the_period_of_pivot_points_are_chosen_by_name(browse: Browse, closed: Candles) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, "/charts/demo/ETH-USDT?tf=1m&ind=pivots")
    page.locator('[data-charts="edit"]').click()
    form = page.locator("#charts-params form")
    assert form.locator("select").first.locator("option").all_inner_texts() == ["Classic", "Fibonacci", "Camarilla"]
    form.locator("select").first.select_option("camarilla")
    form.get_by_role("button", name="Apply").click()
    expect(page.locator("#charts-legend")).to_contain_text("Pivot points camarilla day")
    expect(page.locator("#charts-legend")).to_contain_text("R1")
