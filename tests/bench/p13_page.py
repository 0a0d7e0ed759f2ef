"""P13 and P4 in Chromium: from the request of a page to a chart that can be used, and panning it.

The peer is a Dash page with a dcc.Graph that draws the same candles and overlays. Each page is opened by a browser
that has seen nothing before, on loopback and through 10 Mbit/s with 40 ms. Panning is the processor time of the page's
own thread, so that a busy machine does not count: of a step of a drag while the button is held, and of a whole drag
with its release, after which Plotly draws the figure again and Bolt asks for older candles and draws them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from statistics import median
from typing import Any
from urllib.request import HTTPCookieProcessor, build_opener

from playwright.sync_api import Browser, Page, sync_playwright

import db.engine
from dashapp.auth import accounts
from tests.bench.p03_chart_response import OVERLAYS
from tests.bench.p12_web_memory import BOLT, OWNER, PASSWORD, Worker, sign_in
from tests.bench.table import Row
from tests.bench.timing import database, redis_server
from tests.candle_data import store, walk
from tests.conftest import CHROMIUM, QUIET

GRAPH = "tests.bench.graph_page:server"
SLOW = {"offline": False, "latency": 40, "downloadThroughput": 10e6 / 8, "uploadThroughput": 10e6 / 8}
HOUR = 3_600_000
ROUNDS = 2
STEPS = 30  # of a drag
USABLE = {
    "bolt": "#charts-canvas[data-drawn]:not(.is-waiting) canvas",
    "peer": ".js-plotly-plot .cartesianlayer .trace",
}
AGENT = "bolt-bench"
SETTLED = 2_000  # ms in which a new window loads what is the browser's own, a second of processor time and more
MOST_KB = 600


@dataclass(frozen=True, slots=True)
class Opened:
    """Milliseconds to a usable chart, kilobytes that came over the wire, addresses asked for."""

    took: float
    kilobytes: float
    urls: list[str]


def run() -> list[Row]:
    with database(), redis_server() as redis:
        candles = walk(5_000)
        with db.engine.session() as session:
            accounts.create_owner(session, OWNER, PASSWORD)
            store(session, "binance:BTC/USDT", candles)
            url = session.connection().engine.url.render_as_string(hide_password=False)
        environment = {"DATABASE_URL": url, "REDIS_URL": redis, "SECRET_KEY": "bench" * 8, "LOG_LEVEL": "ERROR"}
        with Worker(BOLT, environment) as bolt, Worker(GRAPH, {}) as graph, chromium() as browser:
            return measure(browser, bolt, graph, int(candles.time[-1]))


def measure(browser: Browser, bolt: Worker, graph: Worker, last: int) -> list[Row]:
    cookies = signed_in(bolt)
    pages = {
        bars: (
            bolt.url(f"/charts/binance/BTC-USDT?ind={','.join(OVERLAYS)}&from={last - bars * HOUR}&to={last}"),
            graph.url(f"/?bars={bars}"),
        )
        for bars in (1_000, 5_000)
    }
    mine, peer = pages[1_000]
    rows = []
    for name, network in (("loopback", None), ("10 Mbit, 40 ms", SLOW)):
        rounds = [
            (
                opened(browser, peer, USABLE["peer"], network=network),
                opened(browser, mine, USABLE["bolt"], network=network, cookies=cookies),
            )
            for _ in range(ROUNDS)
        ]
        theirs, ours = (median(one.took for one in side) for side in zip(*rounds, strict=True))
        rows.append(Row("P13", f"page to usable chart, {name}", "dcc.Graph page", theirs, ours, "ms", 2))
    if any("plotly" in url for url in rounds[-1][1].urls):
        raise AssertionError("the Charts page loaded plotly.js")
    rows.append(
        Row("P13", "all of the page over the wire", "allowed", MOST_KB, rounds[-1][1].kilobytes, "kB", 1, "at most")
    )
    for bars, goal in ((1_000, 8), (5_000, 25)):
        mine, peer = pages[bars]
        theirs = panned(browser, peer, USABLE["peer"], ".js-plotly-plot .nsewdrag")
        ours = panned(browser, mine, USABLE["bolt"], "#charts-canvas", cookies=cookies)
        for what, left, right in zip(("a step of a drag", "a drag and its release"), theirs, ours, strict=True):
            rows.append(Row("P4", f"pan {bars:,} bars, {what}", "plotly SVG", left, right, "ms", goal))
    return rows


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield found
        found.close()


def signed_in(worker: Worker) -> list[Any]:
    """The cookies of a session, for a browser of the same name."""
    jar = CookieJar()
    opener = build_opener(HTTPCookieProcessor(jar))
    opener.addheaders = [("User-Agent", AGENT)]
    sign_in(opener, worker)
    return [{"name": c.name, "value": c.value or "", "url": worker.url("/")} for c in jar]


@contextmanager
def fresh(browser: Browser, cookies: list[Any] | None) -> Iterator[Page]:
    """A page of a browser that has seen nothing."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, user_agent=AGENT)
    if cookies:
        context.add_cookies(cookies)
    yield context.new_page()
    context.close()


def opened(
    browser: Browser, url: str, usable: str, *, network: dict[str, Any] | None, cookies: list[Any] | None = None
) -> Opened:
    with fresh(browser, cookies) as page:
        cdp = page.context.new_cdp_session(page)
        cdp.send("Network.enable")
        if network:
            cdp.send("Network.emulateNetworkConditions", network)
        sizes: dict[str, float] = {}
        urls: list[str] = []
        cdp.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
        page.on("request", lambda asked: urls.append(asked.url))
        page.wait_for_timeout(SETTLED)
        began = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_selector(usable, state="attached")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        took = (time.perf_counter() - began) * 1_000
        page.wait_for_timeout(300)
        return Opened(took, sum(sizes.values()) / 1_000, urls)


def panned(
    browser: Browser, url: str, usable: str, handle: str, cookies: list[Any] | None = None
) -> tuple[float, float]:
    """Milliseconds the page's thread works for a step of a drag, and for all of it until the page rests again."""
    with fresh(browser, cookies) as page:
        cdp = page.context.new_cdp_session(page)
        cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(url)
        page.wait_for_selector(usable, state="attached")
        page.wait_for_timeout(2_500)
        box = page.locator(handle).first.bounding_box()
        if box is None:
            raise AssertionError("there is no chart to drag")
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
        page.mouse.move(x, y)
        page.mouse.down()
        began = worked(cdp)
        for step in range(STEPS):
            page.mouse.move(x + 4 * (step + 1), y)
            page.evaluate("() => new Promise(requestAnimationFrame)")
        dragged = worked(cdp) - began
        page.mouse.up()
        page.wait_for_timeout(2_500)
        return dragged / STEPS, worked(cdp) - began


def worked(cdp: Any) -> float:
    """Milliseconds of processor time of tasks on the page's thread since it began."""
    found = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"]) * 1_000


if __name__ == "__main__":
    for row in run():
        print(" | ".join(row.cells()))
