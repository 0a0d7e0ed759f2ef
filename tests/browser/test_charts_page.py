"""The Charts and Markets pages in a real browser."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from callbacks import chart_view
from core.clock import to_ms, utc_now
from core.roles import Role
from layouts.components.chart_toolbar import KEYS
from tests.browser.conftest import Browse
from tests.callbacks.test_chart_rail import add_call
from tests.candle_data import START_MS, store, walk

pytestmark = pytest.mark.browser

HOUR = 3_600_000
BTC = "/charts/binance/BTC-USDT"
CANVAS = "#charts-canvas"


@pytest.fixture
def stocked(session: Session) -> None:
    """A real market of 3,000 hours with a hole, and two simulated ones."""
    made = walk(3_000)
    store(session, "binance:BTC/USDT", made[(made.time < made.time[2_940]) | (made.time >= made.time[2_945])])
    store(session, "demo:ETH/USDT", walk(500, price=3_000), simulated=True, followed=True)
    store(session, "demo:SOL/USDT", walk(500, price=150), simulated=True, followed=True)


def open_chart(page: Page, address: str) -> None:
    page.goto(address)
    drawn(page)


def drawn(page: Page, key: str = "") -> None:
    """Wait until a frame (of this market and timeframe) is drawn."""
    page.wait_for_selector(f'{CANVAS}[data-drawn*="{key}@"]:not(.is-waiting)' if key else f"{CANVAS}[data-drawn]")
    page.wait_for_selector(f"{CANVAS}:not(.is-waiting) canvas")
    page.wait_for_timeout(250)


def seen(page: Page) -> dict[str, Any]:
    """What the chart shows: visible span in ms, bars loaded, length of a bar."""
    script = """() => {
      const { columns, logical, frame } = boltCharts.page;
      const at = (slot) => Math.round(boltCharts.slotMs(columns.times, slot));
      return { from: at(logical.from), to: at(logical.to), bars: columns.close.length,
               step: columns.times.step, tf: frame.tf, key: frame.key };
    }"""
    found: dict[str, Any] = page.evaluate(script)
    return found


def until(page: Page, script: str) -> None:
    """Wait until a script says true; Playwright's own waiting needs eval, which the content policy forbids."""
    over = time.monotonic() + 30
    while time.monotonic() < over:
        if page.evaluate(script):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {script}")


def middle(page: Page) -> tuple[float, float]:
    box = page.locator("#charts-chart").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + 220


def test_a_chart_opens_with_its_newest_candles_and_says_what_it_shows(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, "/charts")
    view = seen(page)
    assert view["key"] == "binance/BTC-USDT@1h"
    assert view["to"] > START_MS + 2_999 * HOUR
    made = walk(3_000)
    expect(page.locator("#charts-legend")).to_contain_text(f"{made.close[-1]:,.2f}")
    expect(page.locator("#charts-legend")).to_contain_text("5 bars are missing")
    expect(page.locator("#charts-age")).to_contain_text("This series ended")
    expect(page.locator('.seg [aria-pressed="true"]')).to_have_text("1h")
    assert "BTC/USDT" in page.title()


def test_the_legend_gives_the_values_of_the_bar_under_the_crosshair(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=ema:20")
    made = walk(3_000)
    x, y = middle(page)
    for dx in (-200, 0, 120):
        page.mouse.move(x + dx, y)
        when = page.locator("#charts-legend .when")
        expect(when).to_be_visible()
        page.wait_for_timeout(200)
        bar = page.evaluate(
            """() => { const t = boltCharts.page.columns.times;
              const text = document.querySelector("#charts-legend .when").textContent;
              return Date.parse(text.slice(4) + " UTC"); }"""
        )
        k = (bar - START_MS) // HOUR
        text = page.locator("#charts-legend").inner_text()
        for value in (made.open[k], made.high[k], made.low[k], made.close[k]):
            assert f"{value:,.2f}" in text


def test_zooming_out_loads_more_and_keeps_the_span(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    page.mouse.move(*middle(page))
    before = seen(page)
    for _ in range(14):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(30)
    page.wait_for_timeout(80)
    at_once = seen(page)
    until(page, f"boltCharts.page.columns.close.length > {before['bars']}")
    page.wait_for_timeout(600)
    after = seen(page)
    assert after["to"] - after["from"] > 2 * (before["to"] - before["from"])
    assert abs(after["from"] - at_once["from"]) < 2 * HOUR
    assert after["bars"] <= 1_500
    assert "from=" in page.url


def test_the_address_restores_the_chart_in_a_fresh_browser(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    address = f"{BTC}?tf=4h&from=2021-02-01T00:00&to=2021-03-01T00:00&ind=ema:20,rsi:14&scale=log"
    open_chart(page, address)
    view = seen(page)
    assert view["tf"] == "4h"
    assert abs(view["from"] - (START_MS + 31 * 24 * HOUR)) < 4 * HOUR
    assert abs(view["to"] - (START_MS + 59 * 24 * HOUR)) < 4 * HOUR
    expect(page.locator(".chip")).to_have_text(["EMA 20", "RSI 14"])
    expect(page.locator('[data-charts="log"]')).to_have_attribute("aria-pressed", "true")


def test_timeframes_and_indicators_change_the_address_and_back_goes_back(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=ema:20")
    page.evaluate("window.untouched = true")
    page.click('.seg [data-value="4h"]')
    drawn(page, ["binance/BTC-USDT", "4h"][0])
    until(page, "boltCharts.page.frame.tf === '4h'")
    assert "tf=4h" in page.url
    page.click('[data-charts="menu"]')
    page.click('[data-charts="add"][data-value="rsi:14"]')
    expect(page.locator(".chip")).to_have_count(2)
    page.click('.chip[data-key="ema:20"] .name')
    page.fill("#charts-params input", "50")
    page.press("#charts-params input", "Enter")
    expect(page.locator(".chip").first).to_have_text("EMA 50")
    assert "ind=ema:50,rsi:14" in page.url
    page.click('.chip[data-key="rsi:14"] [data-charts="remove"]')
    expect(page.locator(".chip")).to_have_count(1)
    assert page.evaluate("window.untouched") is True
    for _ in range(4):
        page.go_back()
    expect(page.locator(".chip")).to_have_text(["EMA 20"], timeout=15_000)
    until(page, "boltCharts.page.frame && boltCharts.page.frame.tf === '1h'")


def test_the_keyboard_searches_a_market_and_sets_the_timeframe(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    page.keyboard.press("b")
    page.keyboard.type("solana")
    expect(page.locator("#charts-search-list .option")).to_have_text(["SOL/USDTSolana \N{MIDDLE DOT} demoSIM"])
    page.locator("#charts-search-text").fill("solusd")
    expect(page.locator("#charts-search-list .option")).to_have_count(1)
    page.keyboard.press("Enter")
    until(page, "boltCharts.page.frame.symbol === 'SOL/USDT'")
    page.wait_for_timeout(300)
    page.keyboard.type("240")
    page.keyboard.press("Enter")
    until(page, "boltCharts.page.frame.tf === '4h'")
    page.keyboard.press(",")
    page.keyboard.type("7h")
    page.keyboard.press("Enter")
    expect(page.locator("#charts-typed .form-text")).to_contain_text("There is no 7h")
    page.keyboard.press("Escape")
    expect(page.locator("#charts-typed")).to_be_hidden()
    before = seen(page)
    start = "boltCharts.slotMs(boltCharts.page.columns.times, boltCharts.page.logical.from)"
    page.keyboard.press("ArrowLeft")
    until(page, f"{start} < {before['from'] - HOUR}")
    page.keyboard.press("Alt+r")
    until(page, f"Math.abs({start} - {before['from']}) < {HOUR}")


def test_the_sheet_lists_the_keys_of_this_page(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, BTC)
    page.keyboard.press("?")
    expect(page.locator("#shortcuts .page-own")).to_have_count(len(KEYS))
    expect(page.locator("#shortcuts")).to_contain_text("Back to the newest candles")


def test_simulated_candles_say_so_everywhere(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, "/charts/demo/ETH-USDT")
    expect(page.locator(".sim-strip")).to_be_visible()
    expect(page.locator(".toolbar .badge-sim")).to_have_text("SIMULATED")
    with page.expect_download() as saved:
        page.click('[data-charts="image"]')
    assert saved.value.suggested_filename == "demo-ETH-USDT-1h-simulated.png"


def test_another_theme_needs_no_reload(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, BTC)
    page.evaluate("window.untouched = true")
    dark = page.locator("#charts-chart").screenshot()
    page.evaluate("bolt.setLook('light', 'teal-vermillion')")
    page.wait_for_timeout(500)
    assert page.locator("#charts-chart").screenshot() != dark
    assert page.evaluate("window.untouched") is True


def test_the_table_behind_the_chart_holds_what_is_visible(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=macd")
    page.click('[data-charts="table"]')
    made = walk(3_000)
    first = page.locator("#charts-table tbody tr").first
    expect(first).to_contain_text(f"{made.close[-1]:,.2f}")
    assert page.locator("#charts-table th").all_inner_texts()[-3:] == [
        "MACD 12 26 9, MACD",
        "MACD 12 26 9, Signal",
        "MACD 12 26 9, Histogram",
    ]
    expect(page.locator("#charts-summary")).to_contain_text("Price chart of BTC/USDT")


def test_a_desk_without_candles_offers_an_import(browse: Browse) -> None:
    page = browse(Role.VIEWER)
    page.goto("/charts")
    expect(page.locator("#charts-empty")).to_contain_text("No candles yet")
    expect(page.locator("#charts-chart")).to_be_hidden()


def test_an_unknown_market_is_said_in_place(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    page.goto("/charts/binance/NO-SUCH")
    expect(page.locator("#charts-empty")).to_contain_text("binance:NO/SUCH")


@pytest.mark.parametrize("width", [360, 768, 1_440])
def test_nothing_scrolls_sideways(browse: Browse, stocked: None, width: int) -> None:
    page = browse(Role.ANALYST, width=width, height=740, touch=width == 360)
    for address in ("/charts/demo/ETH-USDT?ind=ema:20,ema:50,bb,rsi:14,macd", "/markets"):
        page.goto(address)
        page.wait_for_timeout(1_500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelector('main').scrollWidth") <= width
    if width == 360:
        page.goto("/charts/demo/ETH-USDT")
        expect(page.locator(".mhead .px")).to_be_visible()


def test_a_file_is_handed_in_with_what_its_name_tells(browse: Browse, session: Session, tmp_path: Path) -> None:
    file = tmp_path / "binance_ETH_USDT-4h_2021.csv"
    file.write_text("timestamp,open,high,low,close,volume\n1609459200000,1,2,0.5,1.5,3\n")
    page = browse(Role.ANALYST)
    page.goto("/markets")
    page.set_input_files("#markets-files", file)
    row = page.locator("fieldset.drop-file")
    expect(row.locator("[name=exchange]")).to_have_value("binance")
    expect(row.locator("[name=symbol]")).to_have_value("ETH/USDT")
    expect(row.locator("[name=timeframe]")).to_have_value("4h")
    page.click("#markets-form button[type=submit]")
    expect(row.locator(".told")).to_contain_text("Handed over")
    expect(page.locator("#markets-jobs")).to_contain_text("binance:ETH/USDT 4h")


def test_a_viewer_sees_no_form(browse: Browse) -> None:
    page = browse(Role.VIEWER)
    page.goto("/markets")
    expect(page.locator("#markets-table")).to_contain_text("No markets yet")
    expect(page.locator("#markets-fields")).to_have_count(0)


def test_names_of_files_are_understood(browse: Browse) -> None:
    page = browse(Role.VIEWER)
    page.goto("/markets")
    names = {
        "BTCUSDT-15m.csv": ["", "BTC/USDT", "15m"],
        "kraken_eth-usd_1d.csv.gz": ["kraken", "ETH/USD", "1d"],
        "prices.csv": ["", "", ""],
    }
    for name, wanted in names.items():
        told = page.evaluate(f"dash_clientside.markets.guess({json.dumps(name)})")
        assert list(told.values()) == wanted, name


def test_a_stored_market_is_followed_and_let_go_again(browse: Browse, stocked: None) -> None:
    page = browse(Role.ANALYST)
    page.goto("/markets")
    row = page.locator("#markets-table tr", has_text="binance")
    row.get_by_role("button").click()
    expect(page.locator("#toasts")).to_contain_text("Following binance:BTC/USDT")
    expect(row.get_by_role("button")).to_have_text("Unfollow", timeout=15_000)
    row.get_by_role("button").click()
    expect(row.get_by_role("button")).to_have_text("Follow", timeout=15_000)


def test_the_call_stands_right_of_now(browse: Browse, session: Session) -> None:
    end = to_ms(utc_now()) // HOUR * HOUR
    store(session, "binance:BTC/USDT", walk(300, start_ms=end - 300 * HOUR), followed=True)
    place = chart_view.place(session, chart_view.read({"tf": "1h"}, now=utc_now()))
    assert place is not None
    add_call(session, place)
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    view = seen(page)
    assert view["to"] >= end + 24 * HOUR
    expect(page.locator("#charts-rail")).to_contain_text("Latest call, 24 × 1h")
    expect(page.locator("#charts-countdown")).to_contain_text("closes in")


def test_panes_are_opened_from_the_top_down(browse: Browse, stocked: None) -> None:
    """A series of a pane that is not there yet would open the next one: a tint would fall into another's pane."""
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=4h&ind=vortex,chop,psar,adx,rsi")
    panes = page.evaluate(
        """() => { const told = []; const real = dash_clientside.set_props;
          const keep = (series) => told.push(...series.map((one) => one.pane || 0));
          dash_clientside.set_props = (id, props) => { if (props.series) keep(props.series); };
          try { boltCharts.draw(); } finally { dash_clientside.set_props = real; } return told; }"""
    )
    opened = list(dict.fromkeys(panes))
    assert opened == sorted(opened) == [0, 1, 2, 3, 4, 5]
