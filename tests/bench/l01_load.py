"""L1, L7 and the sign-in row: a hundred people at once on the whole application behind gunicorn, then a storm.

The peers are the limits that were set, so a ratio of at most 1 keeps them. People wait 3 to 8 s between two actions:
55 % change market or timeframe of a chart, 30 % read the API, 10 % their list, 5 % sign in anew. Then eight of them act
without a pause, for the throughput; then somebody signs in fifty times a second, and whoever is too much is told to
come again (503, 429), which counts as no failure.
"""

import asyncio
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from sqlalchemy import delete

import db.engine
from core.roles import Role
from dashapp.auth import passwords
from dashapp.config import CSRF_COOKIE, CSRF_HEADER
from db.queries import users
from db.tables import Throttle
from tests.bench.table import Row
from tests.bench.timing import median_ms
from tests.security.desk import Desk, running
from tests.web import PASSWORD

PEOPLE = int(os.environ.get("L1_PEOPLE", "100"))
SECONDS = float(os.environ.get("L1_SECONDS", "60"))
STORM_S, STORM_RATE = 8.0, 50  # sign-ins a second
THROUGHPUT_S, BUSY = 10.0, 8
HOURS = 9_000
TIMEFRAMES = ("1h", "4h", "1d")
MARKETS = ("binance/BTC-USDT", "kraken/BTC-USDT")
OUTPUT = "..charts-frame.data...charts-summary.children.."
AGENT = {"User-Agent": "bolt-load"}
ROOMY = {"RATE_LIMIT_API": "1000000", "RATE_LIMIT_AUTH": "1000000", "LOG_LEVEL": "ERROR"}


@dataclass
class Tally:
    """Milliseconds by kind of request, and answers by status."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)

    def percentile(self, kind: str, share: float) -> float:
        found = sorted(self.took[kind])
        return found[min(len(found) - 1, int(len(found) * share))]


class Person:
    """One browser and one program of one account, at the desk with this address."""

    def __init__(self, url: str, number: int, tally: Tally, *, markets: Sequence[str] = MARKETS) -> None:
        self.url, self.tally, self.markets = url, tally, markets
        self.email, self.chance = address(number), random.Random(number)
        self.web = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=AGENT)
        self.token = self.csrf = ""

    async def arrive(self) -> None:
        """Sign in on the page and at the API."""
        async with self.web.get(self.url + "/login") as page:
            token = (await page.text()).split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
        form = {"csrf_token": token, "email": self.email, "password": PASSWORD}
        async with self.web.post(self.url + "/login", data=form, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
        async with self.web.get(self.url + "/") as page:
            await page.read()
        self.csrf = next(cookie.value for cookie in self.web.cookie_jar if cookie.key == CSRF_COOKIE)
        await self.sign_in()

    async def live(self, until: float, *, pause: bool) -> None:
        """Act until the end, thinking 3 to 8 s between two actions or not at all."""
        if pause:
            await asyncio.sleep(self.chance.uniform(0, 5))
        while time.monotonic() < until:
            await self.act()
            if pause:
                await asyncio.sleep(self.chance.uniform(3, 8))

    async def act(self) -> None:
        drawn = self.chance.random()
        if drawn < 0.55:
            await self.change_chart()
        elif drawn < 0.85:
            await self.read_api()
        elif drawn < 0.95:
            await self._timed("api", "GET", "/api/watchlist", headers=self._bearer())
        else:
            await self.sign_in()

    async def change_chart(self) -> None:
        view = {
            "market": self.chance.choice(self.markets),
            "tf": self.chance.choice(TIMEFRAMES),
            "ind": "ema:20,rsi:14",
        }
        body = {
            "output": OUTPUT,
            "outputs": [
                {"id": "charts-frame", "property": "data"},
                {"id": "charts-summary", "property": "children"},
            ],
            "inputs": [
                {"id": "charts-view", "property": "data", "value": view},
                {"id": "charts-wanted", "property": "data", "value": None},
            ],
            "changedPropIds": ["charts-view.data"],
        }
        headers = {CSRF_HEADER: self.csrf}
        await self._timed("callback", "POST", "/_dash-update-component", json=body, headers=headers)

    async def read_api(self) -> None:
        path = self.chance.choice(
            ("/markets", "/markets/BTC-USDT/candles?limit=100", "/markets/BTC-USDT/ticker", "/predictions/BTC-USDT")
        )
        await self._timed("api", "GET", "/api" + path, headers=self._bearer())

    async def sign_in(self) -> None:
        sent = {"email": self.email, "password": PASSWORD}
        said = await self._timed("sign-in", "POST", "/api/auth/login", json=sent)
        self.token = said.get("access_token", self.token)

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def _timed(self, kind: str, method: str, path: str, **more: Any) -> dict[str, Any]:
        began = time.perf_counter()
        async with self.web.request(method, self.url + path, **more) as answer:
            text = await answer.read()
            said = await answer.json() if answer.status == 200 and text else {}
        self.tally.took[kind].append((time.perf_counter() - began) * 1_000)
        self.tally.statuses[answer.status] += 1
        return dict(said)


def address(number: int) -> str:
    return f"person{number}@example.org"


def make_people(count: int) -> None:
    """Accounts, all with the one password, hashed once."""
    made = passwords.make_hash(PASSWORD)
    with db.engine.session() as session:
        for n in range(count):
            users.add(session, address(n), display_name="", password_hash=made, role=Role.VIEWER, is_owner=False)


def _forget() -> None:
    """A hundred people of one address would look like an attack to the count of guesses."""
    with db.engine.session() as session:
        session.execute(delete(Throttle))


async def arrive(people: list[Person]) -> None:
    """Sign all of them in, a few at a time."""
    for few in range(0, len(people), 4):
        await asyncio.gather(*(person.arrive() for person in people[few : few + 4]))
        _forget()


async def _load(desk: Desk, tally: Tally) -> tuple[float, Tally, Tally, float]:
    """(callbacks a second without pauses, quiet and stormy API reads, sign-ins a second in the storm)."""
    people = [Person(desk.url, n, tally) for n in range(PEOPLE)]
    try:
        await arrive(people)
        tally.took.clear()
        until = time.monotonic() + SECONDS
        await asyncio.gather(*(person.live(until, pause=True) for person in people))
        quiet, storm = Tally(), Tally()
        began = time.monotonic()
        busy = Tally()
        for person in people:
            person.tally = busy
        await asyncio.gather(*(_only_charts(person, began + THROUGHPUT_S) for person in people[:BUSY]))
        rate = len(busy.took["callback"]) / (time.monotonic() - began)
        await _reading(people[:4], quiet)
        signed = await _storm(people, storm)
        tally.statuses += busy.statuses + quiet.statuses
        return rate, quiet, storm, signed
    finally:
        for person in people:
            await person.web.close()


async def _only_charts(person: Person, until: float) -> None:
    while time.monotonic() < until:
        await person.change_chart()


async def _reading(readers: list[Person], tally: Tally) -> None:
    """API reads of a few, ten times a second, for as long as a storm lasts."""
    for reader in readers:
        reader.tally = tally
    until = time.monotonic() + STORM_S
    while time.monotonic() < until:
        await asyncio.gather(*(reader.read_api() for reader in readers))
        await asyncio.sleep(0.1)


async def _storm(people: list[Person], tally: Tally) -> float:
    """Sign-ins at STORM_RATE while a few read; how many a second were answered."""
    others = people[4:]
    for person in others:
        person.tally = tally
    reading, sent, began = asyncio.ensure_future(_reading(people[:4], tally)), [], time.monotonic()
    for n in range(int(STORM_S * STORM_RATE)):
        sent.append(asyncio.ensure_future(others[n % len(others)].sign_in()))
        await asyncio.sleep(1 / STORM_RATE)
    await reading
    await asyncio.gather(*sent)
    return len(tally.took["sign-in"]) / (time.monotonic() - began)


def run() -> list[Row]:
    tally = Tally()
    with running(hours=HOURS, **ROOMY) as desk:
        make_people(PEOPLE)
        rate, quiet, storm, signed = asyncio.run(_load(desk, tally))
    failed = sum(count for status, count in tally.statuses.items() if status >= 500)
    hashed = median_ms(lambda: passwords.matches(passwords.make_hash(PASSWORD), PASSWORD), 9) / 2
    print(f"answers {dict(tally.statuses)}; storm {dict(storm.statuses)}, {signed:.1f} sign-ins a second were answered")
    who = f"{PEOPLE} people"
    calm = quiet.percentile("api", 0.95)
    return [
        _limit("L1", f"callback, {who}: p95", 400, tally.percentile("callback", 0.95)),
        _limit("L1", f"callback, {who}: p99", 1_000, tally.percentile("callback", 0.99)),
        _limit("L1", f"API read, {who}: p95", 150, tally.percentile("api", 0.95)),
        Row("L1", "callbacks a second without pauses", "limit", 60, rate, "/s", 1, "more"),
        Row("L1", "answers 5xx, and one", "none, and one", 1, failed + 1, "", 1, "at most"),
        Row(
            "L7",
            f"API read, {STORM_RATE} sign-ins a second: p95",
            "without",
            calm,
            storm.percentile("api", 0.95),
            "ms",
            2,
            "at most",
        ),
        Row("L7", "a password's hash", "28 ms aimed at", 28, hashed, "ms", 4, "at most"),
    ]


def _limit(number: str, what: str, limit: float, found: float) -> Row:
    return Row(number, what, "limit", limit, found, "ms", 1, "at most")


if __name__ == "__main__":
    from tests.bench.table import render

    print(render(run()))
