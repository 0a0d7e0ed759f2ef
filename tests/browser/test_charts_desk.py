"""What people do with a chart: draw, compare, choose a type, keep layouts, ask about a candle, find a date."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy.orm import Session

from callbacks import chart_keep, charts
from core.roles import Role
from layouts.components.chart_toolbar import KEYS
from market.heikin_ashi import heikin_ashi
from tests.browser.conftest import Browse
from tests.browser.test_charts_page import BTC, middle, open_chart, seen, until
from tests.candle_data import START_MS, store, walk

pytestmark = pytest.mark.browser

HOUR = 3_600_000


@pytest.fixture
def stocked(session: Session) -> None:
    """Two real markets and a simulated one."""
    store(session, "binance:BTC/USDT", walk(1_000))
    store(session, "kraken:ETH/USD", walk(1_000, price=2_000, seed=3))
    store(session, "demo:SOL/USDT", walk(300, price=150), simulated=True, followed=True)


def drawings(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("boltCharts.kept.drawings")
    return found


def settled(page: Page) -> None:
    """Wait until the server has everything that was drawn, and looks that wait a moment before they are sent."""
    page.wait_for_timeout(750)
    until(page, "boltCharts.unsent() === 0")


def test_drawings_stay_on_the_market_for_this_person_in_every_browser(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    x, y = middle(page)
    page.mouse.move(x, y)
    page.keyboard.press("Alt+h")
    page.keyboard.press("Alt+t")
    page.mouse.move(x - 200, y - 60)
    page.mouse.down()
    page.mouse.move(x - 50, y + 40, steps=4)
    page.mouse.up()
    assert [one["kind"] for one in drawings(page)] == ["level", "trend"]
    level = page.evaluate("boltCharts.places().y(boltCharts.kept.drawings[0].points[0][1])")
    box = page.locator("#charts-chart").bounding_box()
    assert box is not None
    assert abs(level + box["y"] - y) < 2
    page.click('.draw-hint [aria-label="Colour 5"]')
    settled(page)
    before = drawings(page)
    assert before[1]["colour"] == 5

    other = browse(Role.VIEWER)
    open_chart(other, f"{BTC}?tf=4h&ind=&scale=log")
    assert drawings(other) == before
    start = before[1]["points"][0]
    back = other.evaluate(
        f"(() => {{ const p = boltCharts.places(); return [p.ms(p.x({start[0]})), p.price(p.y({start[1]}))]; }})()"
    )
    assert abs(back[0] - start[0]) < HOUR / 100
    assert abs(back[1] / start[1] - 1) < 1e-9
    stranger = browse(Role.ANALYST)
    open_chart(stranger, f"{BTC}?tf=1h&ind=")
    assert drawings(stranger) == []


def test_a_drawing_is_moved_by_its_end_deleted_and_brought_back(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    x, y = middle(page)
    page.keyboard.press("Alt+t")
    page.mouse.click(x - 200, y - 60)
    page.mouse.click(x - 60, y + 30)
    (first,) = drawings(page)
    page.mouse.move(x - 60, y + 30)
    page.mouse.down()
    page.mouse.move(x + 40, y + 80, steps=4)
    page.mouse.up()
    (moved,) = drawings(page)
    assert moved["points"][0] == first["points"][0]
    assert moved["points"][1][0] > first["points"][1][0]
    assert moved["points"][1][1] < first["points"][1][1]
    span = seen(page)
    page.keyboard.press("ArrowRight")
    (nudged,) = drawings(page)
    assert nudged["points"][0][0] == moved["points"][0][0] + HOUR
    assert seen(page)["from"] == span["from"]
    page.keyboard.press("Delete")
    assert drawings(page) == []
    page.click(".draw-hint button")
    assert drawings(page) == [nudged]
    settled(page)
    page.reload()
    page.wait_for_selector("#charts-canvas[data-drawn]")
    until(page, "boltCharts.kept.drawings.length === 1")


def meeting(others: threading.Barrier, function: Callable[..., Any], calls: list[str]) -> Callable[..., Any]:
    """The function, its first call not before as many as the barrier asks for are there; every call is noted."""

    def met(*args: Any) -> Any:
        first = function.__name__ not in calls
        calls.append(function.__name__)
        if first:  # a later one, such as of the page's next message, would wait for nobody
            with suppress(threading.BrokenBarrierError):
                others.wait(20)
        return function(*args)

    return met


def test_drawings_come_where_the_page_has_something_to_keep_before_it_knows_them(
    browse: Browse, stocked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept and the answer to what the page said come at once: neither may cover the other."""
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    x, y = middle(page)
    page.mouse.move(x, y)
    page.keyboard.press("Alt+h")
    settled(page)

    together = threading.Barrier(2)
    calls: list[str] = []
    for module, name in ((charts, "kept"), (chart_keep, "_do")):
        monkeypatch.setattr(module, name, meeting(together, getattr(module, name), calls))
    page.reload()
    page.wait_for_selector("#charts-canvas[data-drawn]")
    page.evaluate("void (boltCharts.patience.ms = 1e9)")  # nothing is sent twice: what was lost stays lost
    page.evaluate("void boltCharts.settle({ calls: true })")
    until(page, "boltCharts.kept.drawings.length === 1 && boltCharts.unsent() === 0")
    assert not together.broken
    assert calls[:2] in (["kept", "_do"], ["_do", "kept"])
    assert page.evaluate("boltCharts.kept.settings.recent") == [BTC.removeprefix("/charts/")]


def test_every_tool_draws_by_keyboard_alone(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    names = ["Trend line", "Ray", "Horizontal level", "Vertical line", "Price range", "Fibonacci retracement", "Note"]
    for name in names:
        page.focus('[data-charts="draw"]')
        page.keyboard.press("Enter")
        expect(page.locator("#charts-pop")).to_be_visible()
        for _ in range(names.index(name)):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator(".draw-hint")).to_contain_text(name)
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Enter")
        if name in ("Trend line", "Ray", "Price range", "Fibonacci retracement"):
            for _ in range(5):
                page.keyboard.press("ArrowRight")
                page.keyboard.press("ArrowUp")
            page.keyboard.press("Enter")
        if name == "Note":
            expect(page.locator("#charts-form-text")).to_be_focused()
            page.keyboard.type("Support")
            page.keyboard.press("Enter")
        page.keyboard.press("Escape")
    assert [one["kind"] for one in drawings(page)] == ["trend", "ray", "level", "moment", "box", "fib", "note"]
    assert drawings(page)[-1]["text"] == "Support"
    settled(page)


def test_a_finger_draws_on_a_phone(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER, width=360, height=740, touch=True)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    page.tap('[data-charts="draw"]')
    page.locator("#charts-pop .pick", has_text="Trend line").tap()
    box = page.locator("#charts-chart").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + 60, box["y"] + 120)
    page.touchscreen.tap(box["x"] + 200, box["y"] + 200)
    (line,) = drawings(page)
    assert line["points"][0][0] < line["points"][1][0]
    page.tap('[data-charts="draw"]')
    page.locator("#charts-pop .pick", has_text="Note").tap()
    page.touchscreen.tap(box["x"] + 120, box["y"] + 240)
    page.fill("#charts-form-text", "Support")
    page.keyboard.press("Enter")
    assert [one["text"] for one in drawings(page)] == ["", "Support"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    settled(page)


def averages_are_drawn(page: Page) -> None:
    """Bars as Heikin-Ashi is defined, while legend and last price tell what was traded."""
    made = walk(1_000)
    wanted = heikin_ashi(made)
    until(page, "boltCharts.nativeSeries('last') !== null")
    drawn = page.evaluate("boltCharts.nativeSeries('price').data().at(-1)")
    for word, column in (("open", wanted.open), ("high", wanted.high), ("low", wanted.low), ("close", wanted.close)):
        assert abs(drawn[word] - column[-1]) < 1e-3
    assert page.evaluate("boltCharts.nativeSeries('last').data().at(-1).value") == made.close[-1]
    expect(page.locator("#charts-legend")).to_contain_text(f"{made.close[-1]:,.2f}")


def test_every_chart_type_and_scale_is_drawn_and_stands_in_the_address(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=bb,ema:20")
    kinds = {"hollow": "Candlestick", "ha": "Candlestick", "bars": "Bar", "line": "Line", "area": "Area"}
    for word, native in kinds.items():
        page.click('[data-charts="types"]')
        page.locator("#charts-pop .pick").nth(list(kinds).index(word) + 1).click()
        until(page, f"boltCharts.page.frame.type === '{word}'")
        until(page, f"boltCharts.nativeSeries('price').seriesType() === '{native}'")
        assert f"type={word}" in page.url
        if word == "ha":
            averages_are_drawn(page)
    page.click('[data-charts="pct"]')
    until(page, "boltCharts.native().priceScale('right').options().mode === 2")
    page.click('[data-charts="log"]')
    until(page, "boltCharts.native().priceScale('right').options().mode === 1")
    assert page.evaluate("boltCharts.native().priceScale('right', 1).options().mode") == 0
    page.go_back()
    until(page, "boltCharts.page.frame && boltCharts.page.frame.scale === 'pct'")


def test_two_markets_are_compared_from_the_first_visible_bar(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=ema:20")
    page.click('[data-charts="compare"]')
    page.keyboard.type("ethusd")
    page.keyboard.press("Enter")
    until(page, "boltCharts.page.frame.cmp && boltCharts.page.frame.cmp.symbol === 'ETH/USD'")
    assert "cmp=kraken/ETH-USD" in page.url
    page.wait_for_timeout(400)
    first = page.evaluate(
        "(() => { const p = boltCharts.page; return p.columns.times.at.find((slot) => slot >= p.logical.from); })()"
    )
    begin = page.evaluate("boltCharts.page.columns.times.first")
    k = (begin - START_MS) // HOUR + first
    other = walk(1_000, price=2_000, seed=3)
    percent = (other.close[-1] / other.close[k] - 1) * 100
    text = f"{percent:+.2f}%".replace("-", "\u2212")
    expect(page.locator("#charts-legend .beside")).to_contain_text(text)
    page.go_back()
    until(page, "boltCharts.page.frame && boltCharts.page.frame.cmp === null")


def test_a_date_is_gone_to_and_one_that_cannot_be_is_said(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    page.keyboard.press("Alt+g")
    page.fill("#charts-form-at", "2019-01-01T00:00")
    page.keyboard.press("Enter")
    expect(page.locator("#charts-pop .wrong")).to_contain_text("The first candle is of")
    page.fill("#charts-form-at", "2021-01-15T12:00")
    page.keyboard.press("Enter")
    expect(page.locator("#charts-pop")).to_be_hidden()
    at = START_MS + (14 * 24 + 12) * HOUR
    middle_ms = "boltCharts.slotMs(boltCharts.page.columns.times, (logical.from + logical.to) / 2)"
    until(page, f"(({{ logical }}) => Math.abs({middle_ms} - {at}) < 4 * {HOUR})(boltCharts.page)")
    page.keyboard.press("Alt+r")
    until(page, f"boltCharts.page.columns.times.first + boltCharts.page.logical.to * {HOUR} > {START_MS + 999 * HOUR}")


def test_layouts_and_favourites_are_there_in_another_browser(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=sma:50&type=area")
    page.click('[data-charts="layouts"]')
    page.get_by_role("button", name="Save layout").click()
    page.fill("#charts-form-name", "Calm")
    page.keyboard.press("Enter")
    page.click('[data-charts="timeframes"]')
    page.get_by_role("button", name="4h is a favourite").click()
    page.keyboard.press("Escape")
    expect(page.locator(".timeframes [data-charts=tf]")).to_have_text(["1h", "4h"])
    settled(page)

    other = browse(Role.VIEWER)
    open_chart(other, f"{BTC}?tf=1h&ind=rsi:14")
    expect(other.locator(".timeframes [data-charts=tf]")).to_have_text(["1h", "4h"])
    other.click('[data-charts="layouts"]')
    other.locator("#charts-pop .pick", has_text="Calm").click()
    until(other, "boltCharts.page.frame.type === 'area' && boltCharts.page.frame.ind === 'sma:50'")
    other.click('[data-charts="layouts"]')
    other.get_by_role("button", name="Reset layout").click()
    until(other, "boltCharts.page.frame.type === 'candles' && boltCharts.page.frame.ind.startsWith('ema:20')")
    other.click('.chip[data-key="ema:20"] [data-charts="hide"]')
    until(other, "boltCharts.page.frame.ind.startsWith('!ema:20')")
    assert other.evaluate("boltCharts.page.frame.lines.every((line) => line.of !== 'ema:20')")
    settled(other)


def test_a_click_on_a_candle_says_where_it_came_from(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    at = page.evaluate(
        """(() => { const p = boltCharts.places(), c = boltCharts.page.columns, k = c.close.length - 20;
          return [p.x(boltCharts.slotMs(c.times, c.times.at[k])), p.y((c.open[k] + c.close[k]) / 2), k]; })()"""
    )
    box = page.locator("#charts-chart").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + at[0], box["y"] + at[1])
    expect(page.locator("#charts-note")).to_contain_text("binance, stored as a 1h candle")
    made = walk(1_000)
    expect(page.locator("#charts-note")).to_contain_text(f"{made.close[1_000 - 20]:,.2f}")
    page.keyboard.press("Escape")
    expect(page.locator("#charts-note")).to_be_hidden()


def test_an_image_says_what_it_shows(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, "/charts/demo/SOL-USDT?tf=4h&ind=")
    with page.expect_download() as saved:
        page.keyboard.press("Alt+s")
    assert saved.value.suggested_filename == "demo-SOL-USDT-4h-simulated.png"
    head = saved.value.path().read_bytes()[:24]
    width, height = (int.from_bytes(head[k : k + 4], "big") for k in (16, 20))
    box = page.locator("#charts-chart").bounding_box()
    assert box is not None
    assert abs(width - box["width"]) < 3
    assert abs(height - box["height"] - 44) < 4


def test_keys_of_the_sheet_do_something_and_single_ones_can_be_switched_off(browse: Browse, stocked: None) -> None:
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    page.evaluate("HTMLElement.prototype.requestFullscreen = () => {}; boltCharts.picture = () => {}")
    press = """([key, alt]) => {
      if (key === "Delete") boltCharts.choose(boltCharts.kept.drawings[0].key);
      if (key === "Enter" && !alt) boltCharts.arm("level", true);
      if (key === "Escape") boltCharts.arm("trend", true);
      const code = alt && key.length === 1 ? "Key" + key.toUpperCase() : key;
      const event = new KeyboardEvent("keydown", { key, code, altKey: alt, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
      const used = event.defaultPrevented;
      boltCharts.close(false); boltCharts.disarm(); boltCharts.choose(null);
      return used; }"""
    names = {
        "B": "b",
        "←": "ArrowLeft",
        "→": "ArrowRight",
        "\u2212": "-",
        "Esc": "Escape",
        "↑": "ArrowUp",
        "↓": "ArrowDown",
    }
    page.keyboard.press("Alt+h")
    for keys, _ in KEYS:
        words = keys.split(" ")
        alt = words[0] == "Alt"
        for word in words[1:] if alt else [word for word in words if word != "…"]:
            if word in ("↑", "↓"):
                page.evaluate("boltCharts.choose(boltCharts.kept.drawings[0].key)")
            assert page.evaluate(press, [names.get(word, word), alt]), keys
    page.keyboard.press("?")
    expect(page.locator("#shortcuts .page-own")).to_have_count(len(KEYS))
    page.click('[data-action="single-keys"]')
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator("#charts-search")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.keyboard.press("Alt+g")
    expect(page.locator("#charts-pop")).to_be_visible()
    settled(page)


def test_what_was_on_its_way_as_the_page_was_left_is_sent_as_it_opens_again(browse: Browse, stocked: None) -> None:
    """Dash hears no answer for a page that is gone; nothing waits until the message is sent again of itself."""
    page = browse(Role.VIEWER)
    open_chart(page, f"{BTC}?tf=1h&ind=")
    settled(page)
    page.evaluate("void (boltCharts.patience.ms = 1e9)")
    held: list[Route] = []

    def hold(route: Route) -> None:
        """Keep the first message from the server."""
        if not held and (route.request.post_data_json or {}).get("output", "").startswith("charts-answer"):
            held.append(route)
        else:
            route.continue_()

    page.route("**/_dash-update-component*", hold)
    page.evaluate("void boltCharts.settle({ calls: false })")
    until(page, "boltCharts.unsent() > 0")
    page.click(".sidenav a[href='/markets']")
    expect(page.locator("#markets-follow-name")).to_be_visible()
    with page.expect_response(lambda r: r.request == held[0].request):
        held[0].continue_()
    assert page.evaluate("boltCharts.unsent()") > 0
    page.click(".sidenav a[href='/charts']")
    page.wait_for_selector("#charts-canvas[data-drawn]")
    until(page, "boltCharts.unsent() === 0")
