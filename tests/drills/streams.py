"""`python -m tests.drills.streams`: 200 browsers listen to live prices while 50 people use the desk (CHECKS L3).

Bolt runs with its demo exchange, whose twelve markets stream. Each client follows five of them; what it must get is
what stands in Redis for these markets between two moments, and how late it is counts from the moment of publication.
The people are those of the load bench (L1). They act for a while without a stream and for as long with all of them: the
ratio of the two is what streams cost everybody else.
"""

import argparse
import asyncio
import random
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import requests
from redis import Redis

import db.engine
from core import ticks
from db.queries import markets
from tests.bench.l01_load import ROOMY, Person, Tally, arrive, make_people
from tests.drills.stage import Product, product, say, sign_in

LEAST_SHARE, MOST_LAG_S, MOST_HEALTH_S = 0.99, 1.0, 0.1
LIMITS_MS = {"callback": 400.0, "api": 150.0}  # p95, of L1 …
UNAFFECTED = 1.25  # … or, where the machine is too busy for them, at most so many times what it is without streams
MARKETS_EACH = 5
READERS = 2
SETTLE_S = 10.0  # of people and streams, before anything is measured


@dataclass
class Use:
    """What people and the health check met for a while."""

    people: Tally
    health: list[float]

    def line(self, when: str) -> str:
        took = ", ".join(
            f"{kind} p50 {self.people.percentile(kind, 0.5):.0f} ms p95 {self.people.percentile(kind, 0.95):.0f} ms"
            for kind in LIMITS_MS
        )
        health = f"/health/live p95 {percentile(self.health, 0.95):.3f} s, worst {max(self.health):.3f} s"
        return f"{when}: {took}; {health}; answers {dict(self.people.statuses)}"

    @property
    def failed(self) -> int:
        return sum(n for status, n in self.people.statuses.items() if status >= 400)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


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
    with product(asked.port, None, **ROOMY) as bolt:
        db.engine.connect(bolt.state().database_url)
        redis = Redis.from_url(bolt.state().redis_url)
        names = _streaming(redis)
        say(f"{len(names)} markets stream")
        make_people(asked.users)
        return asyncio.run(_drill(bolt, redis, names, asked))


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


async def _drill(bolt: Product, redis: Redis, names: list[str], asked: argparse.Namespace) -> int:
    people = [Person(bolt.url, n, Tally(), markets=names) for n in range(asked.users)]
    try:
        await arrive(people)
        say(f"{len(people)} people have signed in")
        before = await _use(bolt, people, asked.seconds)
        say(before.line("without streams"))
        clients = await asyncio.to_thread(_open_all, bolt, names, asked.clients)
        say(f"{len(clients)} streams are open")
        with _reading(clients):
            await asyncio.sleep(SETTLE_S)
            first = _now_id(redis)
            during = await _use(bolt, people, asked.seconds)
            last = _now_id(redis)
            await asyncio.sleep(3)
            say(f"web process {_megabytes(bolt):.0f} MB")
        say(during.line("with streams"))
    finally:
        for person in people:
            await person.web.close()
    return _judge(clients, _published(redis, first, last), before, during)


async def _use(bolt: Product, people: list[Person], seconds: float) -> Use:
    """Let the people act for a while; what begins within the first seconds does not count."""
    until = time.monotonic() + SETTLE_S + seconds
    acting = asyncio.gather(*(person.live(until, pause=True) for person in people))
    await asyncio.sleep(SETTLE_S)
    measured, over, health = Tally(), threading.Event(), list[float]()
    for person in people:
        person.tally = measured
    asking = asyncio.create_task(asyncio.to_thread(_ask_health, bolt, over, health))
    await acting
    for person in people:
        person.tally = Tally()  # what comes next is somebody else's
    over.set()
    await asking
    return Use(measured, health)


def _megabytes(bolt: Product) -> float:
    web = psutil.Process(bolt.state().roles["web"])
    return float(sum(one.memory_full_info().uss for one in web.children(recursive=True))) / 1e6


def _judge(clients: list[Client], published: dict[str, str], before: Use, during: Use) -> int:
    due = sum(market in client.wanted for client in clients for market in published.values())
    lags = [client.came[told] for client in clients for told in client.came if told in published]
    share, ended, late = len(lags) / max(1, due), sum(client.ended for client in clients), percentile(lags, 0.95)
    say(f"{len(published)} ticks, {due} due, {share:.2%} came; lag p50 {percentile(lags, 0.5):.3f} s, p95 {late:.3f} s")
    failures = [f"{ended} streams ended"] if ended else []
    failures += [f"only {share:.2%} of ticks came"] if share < LEAST_SHARE else []
    failures += [f"lag p95 {late:.3f} s"] if late > MOST_LAG_S else []
    failures += [f"{during.failed} requests failed"] if during.failed else []
    failures += [f"worst /health/live {max(during.health):.3f} s"] if max(during.health) > MOST_HEALTH_S else []
    for kind, limit in LIMITS_MS.items():
        alone, beside = (use.people.percentile(kind, 0.95) for use in (before, during))
        say(f"{kind}: p95 {beside:.0f} ms with streams, {alone:.0f} ms without, ratio {beside / alone:.2f}")
        failures += [f"{kind} p95 {beside:.0f} ms"] if beside > max(limit, UNAFFECTED * alone) else []
    say("failed: " + "; ".join(failures) if failures else "passed")
    return 1 if failures else 0


def _now_id(redis: Redis) -> str:
    found: Any = redis.xinfo_stream(ticks.BACKLOG)
    return str(found["last-generated-id"].decode())


def _published(redis: Redis, first: str, last: str) -> dict[str, str]:
    """{id: market's path} of the ticks after `first`, up to `last`."""
    told = [one for one in ticks.since(redis, first) if ticks.position(one.id) <= ticks.position(last)]
    return {one.id: one.market.replace("/", "-").replace(":", "/", 1) for one in told}


def _open_all(bolt: Product, names: list[str], count: int) -> list[Client]:
    dice = random.Random(1)
    cookie = "; ".join(f"{one.name}={one.value}" for one in sign_in(bolt).cookies)
    return [_open(bolt, cookie, dice.sample(names, min(MARKETS_EACH, len(names)))) for _ in range(count)]


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


@contextmanager
def _reading(clients: list[Client]) -> Iterator[None]:
    """Read all streams, in threads, until the block ends."""
    over = threading.Event()
    threads = [threading.Thread(target=_read, args=(clients[k::READERS], over)) for k in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _read(clients: list[Client], over: threading.Event) -> None:
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.stream, selectors.EVENT_READ, client)
    while not over.is_set():
        for key, _ in selector.select(timeout=0.2):
            key.data.read()
            if key.data.ended:
                selector.unregister(key.fileobj)


def _ask_health(bolt: Product, over: threading.Event, took: list[float]) -> None:
    browser = requests.Session()
    while not over.wait(0.5):
        began = time.monotonic()
        browser.get(bolt.url + "/health/live", timeout=30).raise_for_status()
        took.append(time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
