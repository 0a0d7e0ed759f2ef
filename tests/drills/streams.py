"""`python -m tests.drills.streams`: 200 browsers listen to live prices while 50 people use the pages.

Bolt runs with its demo exchange, whose twelve markets stream. Each client follows five of them; what it must get is
what stands in Redis for these markets between two moments, and how late it is counts from the moment of publication.
"""

import argparse
import random
import selectors
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import psutil
import requests
from redis import Redis

import db.engine
from core import ticks
from db.queries import markets
from tests.drills.stage import Product, product, say, sign_in

LEAST_SHARE, MOST_LAG_S, MOST_HEALTH_S = 0.99, 1.0, 0.1
MARKETS_EACH = 5
READERS = 2
THINK_S = (3.0, 8.0)
PAGES = ("/", "/charts/demo/BTC-USDT?tf=1h&ind=ema:20", "/markets", "/predictions", "/models", "/_dash-layout")


@dataclass
class Client:
    """One open stream: ids of the ticks that came, by market, and how late each was (s)."""

    stream: socket.socket
    wanted: frozenset[str]
    rest: bytes = b""
    came: dict[str, float] = field(default_factory=dict)
    ended: bool = False

    def read(self) -> None:
        received = self.stream.recv(65_536)
        now = time.time()
        self.ended = not received
        *events, self.rest = (self.rest + received).split(b"\n\n")
        for event in events:
            lines = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
            if lines.get(b"event") == b"tick" and b"id" in lines:
                told = lines[b"id"].decode()
                self.came[told] = now - ticks.position(told)[0] / 1_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.streams", description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--port", type=int, default=8128)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # what was started is ended
    with product(asked.port) as bolt:
        db.engine.connect(bolt.state().database_url)
        redis = Redis.from_url(bolt.state().redis_url)
        names = _streaming(redis)
        say(f"{len(names)} markets stream")
        return _drill(bolt, redis, names, asked)


def _streaming(redis: Redis) -> list[str]:
    """The paths of the markets that have a tick; waits for the demo's."""
    over = time.monotonic() + 300
    while time.monotonic() < over:
        with db.engine.session() as session:
            followed = [f"{m.exchange}:{m.symbol}" for m in markets.followed(session)]
        if followed and len(ticks.last(redis, followed)) == len(followed):
            return [name.replace(":", "/", 1).replace("/USDT", "-USDT") for name in followed]
        time.sleep(2)
    raise SystemExit("the demo's markets do not stream")


def _drill(bolt: Product, redis: Redis, names: list[str], asked: argparse.Namespace) -> int:
    dice, over = random.Random(1), threading.Event()
    cookie = "; ".join(f"{one.name}={one.value}" for one in sign_in(bolt).cookies)
    clients = [_open(bolt, cookie, dice.sample(names, min(MARKETS_EACH, len(names)))) for _ in range(asked.clients)]
    say(f"{len(clients)} streams are open")
    threads = [threading.Thread(target=_read, args=(clients[k::READERS], over)) for k in range(READERS)]
    pages: list[float] = []
    failed: list[str] = []
    threads += [threading.Thread(target=_use, args=(bolt, cookie, over, pages, failed, n)) for n in range(asked.users)]
    health: list[float] = []
    threads.append(threading.Thread(target=_ask_health, args=(bolt, over, health)))
    for thread in threads:
        thread.start()
    time.sleep(10)
    health.clear()
    pages.clear()
    first = _now_id(redis)
    time.sleep(asked.seconds)
    last = _now_id(redis)
    time.sleep(3)
    web = psutil.Process(bolt.state().roles["web"])
    memory = sum(one.memory_full_info().uss for one in web.children(recursive=True)) / 1e6
    over.set()
    for thread in threads:
        thread.join()
    return _judge(clients, _published(redis, first, last), health, pages, failed, memory)


def _judge(
    clients: list[Client],
    published: dict[str, str],
    health: list[float],
    pages: list[float],
    failed: list[str],
    memory: float,
) -> int:
    due = sum(market in client.wanted for client in clients for market in published.values())
    lags = sorted(client.came[told] for client in clients for told in client.came if told in published)
    share, ended = len(lags) / max(1, due), sum(client.ended for client in clients)
    p50, p95 = lags[len(lags) // 2], lags[int(len(lags) * 0.95)]
    health.sort()
    pages.sort()
    slow = health[int(len(health) * 0.95)]
    say(f"{len(published)} ticks published, {due} due, {share:.2%} came, lag p50 {p50:.3f} s, p95 {p95:.3f} s")
    say(f"{ended} of {len(clients)} streams ended; web process {memory:.0f} MB")
    say(f"/health/live p50 {health[len(health) // 2]:.3f} s, p95 {slow:.3f} s, worst {health[-1]:.3f} s")
    say(f"pages p50 {pages[len(pages) // 2]:.3f} s, p95 {pages[int(len(pages) * 0.95)]:.3f} s, n {len(pages)}")
    say(f"pages that failed: {len(failed)} {failed[:3]}")
    good = share >= LEAST_SHARE and p95 <= MOST_LAG_S and slow <= MOST_HEALTH_S and not failed and not ended
    say("passed" if good else "failed")
    return 0 if good else 1


def _now_id(redis: Redis) -> str:
    found: Any = redis.xinfo_stream(ticks.BACKLOG)
    return str(found["last-generated-id"].decode())


def _published(redis: Redis, first: str, last: str) -> dict[str, str]:
    """{id: market's path} of the ticks after `first`, up to `last`."""
    told = [one for one in ticks.since(redis, first) if ticks.position(one.id) <= ticks.position(last)]
    return {one.id: one.market.replace("/", "-").replace(":", "/", 1) for one in told}


def _open(bolt: Product, cookie: str, wanted: list[str]) -> Client:
    host, port = bolt.url.removeprefix("http://").split(":")
    made = socket.create_connection((host, int(port)), timeout=30)
    lines = [
        f"GET /stream?markets={','.join(wanted)} HTTP/1.1",
        f"Host: {host}:{port}",
        f"Cookie: {cookie}",
        "User-Agent: bolt-drill",
        "Accept: text/event-stream",
    ]
    made.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = made.recv(12)
    if b"200" not in answer:
        raise SystemExit(f"a stream was refused: {answer!r}")
    return Client(made, frozenset(wanted))


def _read(clients: list[Client], over: threading.Event) -> None:
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.stream, selectors.EVENT_READ, client)
    while not over.is_set():
        for key, _ in selector.select(timeout=0.2):
            key.data.read()
            if key.data.ended:
                selector.unregister(key.fileobj)


def _use(bolt: Product, cookie: str, over: threading.Event, took: list[float], failed: list[str], number: int) -> None:
    """A person: a page, a while of reading, the next page."""
    dice, browser = random.Random(number), requests.Session()
    browser.headers.update({"Cookie": cookie, "User-Agent": "bolt-drill"})
    while not over.wait(dice.uniform(*THINK_S)):
        path = dice.choice(PAGES)
        began = time.monotonic()
        answer = browser.get(bolt.url + path, timeout=30)
        took.append(time.monotonic() - began)
        if answer.status_code >= 400:
            failed.append(f"{path} {answer.status_code}")


def _ask_health(bolt: Product, over: threading.Event, took: list[float]) -> None:
    browser = requests.Session()
    while not over.wait(0.5):
        began = time.monotonic()
        browser.get(bolt.url + "/health/live", timeout=30).raise_for_status()
        took.append(time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
