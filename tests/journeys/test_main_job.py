"""The main job as a newcomer does it, in a real browser against everything `python -m dashapp up` starts.

Owner, demo chart, two imported files, charts with indicators, a training, its card, a call on a simulated market.
"""

import gzip
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.ohlcv import Candles
from dashapp.embedded.children import free_port
from tests.browser.conftest import watch
from tests.candles import walk
from tests.dashapp.test_up import Bolt, start, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(540)]

PASSWORD = "Seven brass kettles 4"
MARKETS = ("BTC", "ETH")
INDICATORS = "ema:20,sma:50,bb:20:2,rsi:14,macd:12:26:9"
WHOLE = {"DEMO": "on", "WEB_THREADS": "32"}


def csv(candles: Candles) -> bytes:
    rows = zip(*(column.tolist() for column in candles.columns()), strict=True)
    lines = ["timestamp,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)]
    return gzip.compress("\n".join(lines).encode())


@pytest.fixture
def bolt(bolt_data: Path) -> Iterator[Bolt]:
    data = bolt_data / "journey"
    data.mkdir()
    started = start(data, free_port(), WHOLE)
    yield started
    started.process.terminate()
    started.process.wait(30)


@pytest.fixture
def page(chromium: Browser, bolt: Bolt) -> Iterator[Page]:
    until(lambda: "setup code" in bolt.hear(), 90)
    site = f"http://127.0.0.1:{bolt.port}"
    faults: list[str] = []
    context = chromium.new_context(base_url=site, viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    watch(opened, site, faults)
    yield opened
    context.close()
    assert faults == []


def test_a_newcomer_gets_from_the_first_visit_to_a_prediction(page: Page, bolt: Bolt, tmp_path: Path) -> None:
    become_owner(page, bolt)
    see_simulated_chart(page)
    import_files(page, tmp_path)
    read_charts(page)
    train(page)
    see_prediction(page)


def become_owner(page: Page, bolt: Bolt) -> None:
    page.goto("/")
    assert page.url.endswith("/setup")
    found = re.search(r"setup code\s+([A-Z0-9-]{8,})", bolt.hear())
    assert found is not None
    page.fill("[name=code]", found[1])
    page.fill("[name=email]", "mara@example.org")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=repeat]", PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Create owner").click()
    expect(page.locator(".sidenav")).to_be_visible()


def see_simulated_chart(page: Page) -> None:
    """The demo exchange fills its first markets within a minute; the overview shows them, a click opens one."""
    end = time.monotonic() + 120
    row = page.locator("#overview-table tr[data-id]").first
    expect(row).to_contain_text("SIM", timeout=60_000)
    row.locator("a").click()
    expect(page).to_have_url(re.compile(r"/charts/demo/"))
    while page.locator("#charts-canvas[data-drawn]").count() == 0:
        assert time.monotonic() < end, "no simulated chart within two minutes"
        page.goto("/charts")
        page.wait_for_timeout(3_000)
    expect(page.locator("#charts-strip")).to_contain_text("Simulated", ignore_case=True)


def import_files(page: Page, folder: Path) -> None:
    paths = []
    for k, base in enumerate(MARKETS):
        path = folder / f"binance_{base}_USDT-1h.csv.gz"
        path.write_bytes(csv(walk(1_600, seed=k)))
        paths.append(str(path))
    page.goto("/markets")
    page.set_input_files("#markets-files", paths)
    page.get_by_role("button", name="Import files").click()
    expect(page.locator("#markets-imports")).to_contain_text("1600 stored, 0 unchanged", timeout=60_000)
    for base in MARKETS:
        expect(page.locator(f"a[href='/charts/binance/{base}-USDT']").first).to_be_visible(timeout=30_000)


def read_charts(page: Page) -> None:
    for timeframe in ("1d", "4h", "1h"):
        page.goto(f"/charts/binance/BTC-USDT?tf={timeframe}&ind={INDICATORS}")
        page.wait_for_selector("#charts-canvas[data-drawn]:not(.is-waiting) canvas")
        legend = page.locator("#charts-legend")
        for name in ("EMA", "SMA", "Bollinger"):
            expect(legend).to_contain_text(name)


def train(page: Page) -> None:
    page.goto("/models")
    page.get_by_role("button", name="Train the first version").click()
    for base in MARKETS:
        choose(page, f"binance:{base}/USDT")
    page.locator("#models-timeframe").get_by_text("1h", exact=True).click()
    for field, value in (("horizon", "6"), ("epochs", "2"), ("seeds", "1")):
        page.fill(f"#models-{field}", value)
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#models-running")).to_contain_text("Training", timeout=15_000)
    page.reload()  # it goes on without the page
    expect(page.locator("#models-card")).to_contain_text("Model card, v1", timeout=180_000)
    for title in ("Base rates", "Majority", "Persistence", "Logistic regression"):
        expect(page.locator("#models-scores")).to_contain_text(title)
    expect(page.locator("#models-card")).to_contain_text("Verdict")
    expect(page.locator("#models-card")).to_contain_text("A quick look: 1 of at least 5 seeds")


def choose(page: Page, market: str) -> None:
    """Pick a market in the form unless it is picked already."""
    holder = page.locator("#models-markets")
    if market in (holder.text_content() or ""):
        return
    holder.click()
    page.locator(".dash-dropdown-content").get_by_text(market, exact=True).click()
    page.keyboard.press("Escape")


def see_prediction(page: Page) -> None:
    """The imported series have ended; simulated markets are called by the model of their timeframe."""
    end = time.monotonic() + 150
    page.goto("/predictions")
    while page.locator("#predictions-board .tpr:not(.ttp) tbody tr").count() == 0:
        assert time.monotonic() < end, "no call on a simulated market"
        page.wait_for_timeout(2_000)
    row = page.locator("#predictions-board .tpr:not(.ttp) tbody tr").first
    expect(row).to_contain_text("SIM")
    expect(page.locator("#predictions-board")).to_contain_text("Test periods")
    row.get_by_role("link").first.click()
    expect(page.locator("#predictions-rail")).to_contain_text("Settles", timeout=20_000)
