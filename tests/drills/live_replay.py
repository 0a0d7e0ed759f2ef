"""`make live-drill`: the unmodified product follows ten markets of the replay exchange, and every candle is compared.

Six markets of Binance come by WebSocket, two each of Kraken and Coinbase by REST (the replay has no streams of these).
At the end every stored candle must equal, as float64, what the exchange answers then. With `--faults` the exchange
fails in all the ways `tests.drills.faults` knows: no false candle may be stored, nobody may ask before a Retry-After,
and every hole must be filled or listed.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import sync_playwright

import db.engine
from tests.drills import faults, truth
from tests.drills.faults import Faults
from tests.drills.stage import BINANCE, OTHERS, Product, Replay, product, replay, require_reference, say, sign_in

TIMEFRAMES = ("1m", "1h")
SETTLE_S = 150.0  # after the faults: holes are asked for again within a minute, and confirmed by three answers
WATCH_S = 60.0
LEAST_PRICES = 10  # different ones in a minute of watching
CHART = "/charts/binance/BTC-USDT?tf=1m&ind=ema:20"
PRICE = "document.querySelectorAll('#charts-legend .row1 b')[3]?.textContent ?? ''"


def main() -> int:
    asked = _options()
    require_reference()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # what was started is ended
    with replay(asked.port, speed=asked.speed, seed=asked.seed) as exchange, product(asked.port + 1, exchange) as bolt:
        db.engine.connect(bolt.state().database_url)
        say(bolt.run("follow", *BINANCE, *OTHERS, "--timeframes", ",".join(TIMEFRAMES)).strip())
        began = time.monotonic()
        trouble = Faults(exchange, asked.seed)
        playing = threading.Thread(target=trouble.play, daemon=True)
        if asked.faults:
            playing.start()
        prices = _watch(bolt, Path(asked.screenshot)) if asked.browser else None
        _wait_until(began + asked.minutes * 60, bolt)
        trouble.stop.set()
        if asked.faults:
            playing.join()
            trouble.end()
            say(f"the exchange works again; {SETTLE_S:g} s to mend")
            _wait_until(time.monotonic() + SETTLE_S, bolt)
        return _judge(bolt, exchange, prices, clean=not asked.faults)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.live_replay", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--speed", type=float, default=1.0, help="of the exchange's clock")
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=8124, help="of the exchange; Bolt takes the next one")
    parser.add_argument("--no-browser", dest="browser", action="store_false")
    parser.add_argument("--screenshot", default=os.environ.get("DRILL_SCREENSHOT", "/tmp/bolt-live-drill.png"))
    return parser.parse_args()


def _wait_until(moment: float, bolt: Product) -> None:
    """A line a minute, and an end at once where Bolt has ended."""
    while (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, 60.0))
        if bolt.process.poll() is not None:
            raise SystemExit("Bolt ended during the drill.")
        say(f"{max(0.0, left - 60):.0f} s to go; roles: {', '.join(sorted(bolt.state().roles))}")


def _watch(bolt: Product, picture: Path) -> Counter[str]:
    """The prices the chart's legend shows in a minute, and a picture of it."""
    _until_charted(bolt)
    seen: Counter[str] = Counter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
        context = browser.new_context(
            base_url=bolt.url, user_agent="bolt-drill", viewport={"width": 1440, "height": 900}
        )
        cookies: Any = [{"name": c.name, "value": c.value, "url": bolt.url} for c in sign_in(bolt).cookies]
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(CHART)
        page.wait_for_selector("#charts-legend .row1 b", timeout=60_000)
        over = time.monotonic() + WATCH_S
        while time.monotonic() < over:
            seen[page.evaluate(PRICE)] += 1
            page.wait_for_timeout(500)
        page.screenshot(path=str(picture))
        browser.close()
    say(f"{len(seen)} different prices in {WATCH_S:g} s on screen; picture: {picture}")
    return seen


def _until_charted(bolt: Product) -> None:
    """Wait until the first minutes of the market on screen are stored."""
    over = time.monotonic() + 180
    while time.monotonic() < over:
        if truth.stored_rows("binance:BTC/USDT", "1m"):
            return
        time.sleep(2)
    say("no minutes of binance:BTC/USDT came in three minutes")


def _judge(bolt: Product, exchange: Replay, prices: Counter[str] | None, *, clean: bool) -> int:
    """Print what was found; 0 where all of it is as it must be."""
    failures = []
    for market in (*BINANCE, *OTHERS):
        for timeframe in TIMEFRAMES:
            found = truth.compare(exchange, market, timeframe)
            say(found.line())
            for stored, answered in found.differ[:3]:
                say(f"  stored {stored}, answered {answered}")
            if not found.good or (clean and (found.listed or found.behind > 1)):
                failures.append(found.series)
    judged = faults.asked(exchange.log())
    counted = ", ".join(f"{name} {n}" for name, n in judged.requests.items())
    say(f"requests: {counted}; streams opened: {judged.streams}; waits asked for: {judged.waits}")
    say(f"requests before a Retry-After was over: {len(judged.early)}")
    for line in judged.early[:10]:
        say(f"  {line}")
    failures += ["early requests"] if judged.early else []
    if clean and prices is not None and len(prices) < LEAST_PRICES:
        failures.append(f"only {len(prices)} prices on screen")
    health = requests.get(f"{bolt.url}/health/ready", timeout=10).status_code
    say(f"/health/ready {health}")
    say("failed: " + ", ".join(failures) if failures else "passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
