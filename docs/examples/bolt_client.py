"""A small typed client of Bolt's JSON API. It needs nothing but Python.

bolt = Bolt("http://127.0.0.1:8050")
bolt.sign_in("mara@example.org", "…")          # or: Bolt(address, token="bolt_…")
for candle in bolt.candles("BTC-USDT", timeframe="1h"):
    print(candle["time"], candle["close"])

Answers are what the API says, typed as dictionaries: times are RFC 3339 in UTC, prices of tickers and calls strings for
`decimal.Decimal`, candles numbers. Lists are read page by page, as they are iterated over.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict, cast
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

Class = Literal["bearish", "neutral", "bullish"]


class Account(TypedDict):
    id: int
    email: str
    display_name: str
    role: Literal["viewer", "analyst", "admin"]
    created_at: str


class Series(TypedDict):
    timeframe: str
    candles: int
    first: str
    last: str
    gaps: int


class Market(TypedDict):
    exchange: str
    symbol: str
    simulated: bool
    followed: bool
    price_decimals: int | None
    series: list[Series]


class Ticker(TypedDict):
    exchange: str
    symbol: str
    simulated: bool
    timeframe: str
    closed_at: str
    price: str
    change_24h: float | None
    high_24h: str | None
    low_24h: str | None
    volume_24h: str | None


class Candle(TypedDict):
    time: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class Indicator(TypedDict):
    time: str
    values: dict[str, dict[str, float | None]]


class Outcome(TypedDict):
    outcome: Class
    right: bool
    entry: str
    log_return: float
    settled_at: str


class Call(TypedDict):
    id: int
    model: str
    version: int
    exchange: str
    symbol: str
    timeframe: str
    horizon: int
    simulated: bool
    open_time: str
    due_at: str
    close: str
    call: Class
    confidence: float
    abstained: bool
    probabilities: dict[Class, float]
    settled: Outcome | None


class Scorecard(TypedDict):
    model_id: int
    model: str
    version: int
    timeframe: str
    horizon: int
    simulated: bool
    settled: int
    finding: str
    evidence: int | None


class Model(TypedDict):
    id: int
    name: str
    version: int
    state: Literal["candidate", "champion", "retired"]
    proven: bool
    simulated: bool
    markets: list[str]
    timeframe: str
    horizon: int
    created_at: str
    card: dict[str, object]


class Job(TypedDict):
    id: str
    name: str
    state: Literal["queued", "running", "retrying", "succeeded", "failed", "cancelled"]
    progress: dict[str, object]
    result: dict[str, object] | None
    reason: str | None
    created_at: str


class Watchlist(TypedDict):
    name: str
    markets: list[str]
    sort: str
    descending: bool


class Problem(TypedDict, total=False):
    title: str
    status: int
    detail: str
    request_id: str
    code: str | None
    errors: list[dict[str, str]] | None


class _Pair(TypedDict):
    access_token: str
    refresh_token: str


class _Page(TypedDict, total=False):
    items: list[object]
    next_cursor: str | None


class BoltProblem(Exception):
    """What Bolt refused, in its own words; `problem` is the whole answer, `retry_after` the seconds to wait."""

    def __init__(self, problem: Problem, retry_after: int | None) -> None:
        super().__init__(problem.get("detail", "Bolt does not say why."))
        self.status = problem.get("status", 0)
        self.problem = problem
        self.retry_after = retry_after


@dataclass
class Bolt:
    """One desk and one account. Access tokens are refreshed when they have run out. Everything raises BoltProblem."""

    address: str
    token: str = ""
    refresh_token: str = ""

    def sign_in(self, email: str, password: str) -> None:
        self._keep(self._send("POST", "/api/auth/login", {"email": email, "password": password}))

    def sign_out(self) -> None:
        self._send("POST", "/api/auth/logout")
        self.token = self.refresh_token = ""

    def me(self) -> Account:
        return cast(Account, self._ask("GET", "/api/auth/me"))

    def markets(self) -> Iterator[Market]:
        return cast(Iterator[Market], self._items("/api/markets"))

    def ticker(self, symbol: str, *, exchange: str | None = None) -> Ticker:
        return cast(Ticker, self._get(f"/api/markets/{symbol}/ticker", exchange=exchange))

    def candles(
        self,
        symbol: str,
        *,
        timeframe: str = "1h",
        exchange: str | None = None,
        start: str | None = None,
        end: str | None = None,
    ) -> Iterator[Candle]:
        """Closed candles, newest first; `end` is not included."""
        asked = {"timeframe": timeframe, "exchange": exchange, "start": start, "end": end}
        return cast(Iterator[Candle], self._items(f"/api/markets/{symbol}/candles", **asked))

    def indicators(
        self, symbol: str, names: str, *, timeframe: str = "1h", exchange: str | None = None
    ) -> Iterator[Indicator]:
        """Of `names` such as `ema:20,rsi:14` on closed candles, newest first."""
        found = self._items(f"/api/markets/{symbol}/indicators", names=names, timeframe=timeframe, exchange=exchange)
        return cast(Iterator[Indicator], found)

    def latest_calls(self, symbol: str, *, exchange: str | None = None) -> list[Call]:
        return cast(list[Call], list(self._items(f"/api/predictions/{symbol}", exchange=exchange)))

    def calls(self, symbol: str, *, timeframe: str = "1h", exchange: str | None = None) -> Iterator[Call]:
        """Every call with its outcome, newest first."""
        found = self._items(f"/api/predictions/{symbol}/history", timeframe=timeframe, exchange=exchange)
        return cast(Iterator[Call], found)

    def scorecards(self, symbol: str, *, exchange: str | None = None) -> list[Scorecard]:
        return cast(list[Scorecard], list(self._items(f"/api/predictions/{symbol}/scorecard", exchange=exchange)))

    def models(self) -> Iterator[Model]:
        return cast(Iterator[Model], self._items("/api/models"))

    def model(self, model_id: int) -> Model:
        """With its whole card."""
        return cast(Model, self._ask("GET", f"/api/models/{model_id}"))

    def train(self, markets: list[str], timeframe: str, horizon: int, *, key: str, **more: int | str | bool) -> Job:
        """Ask for a training; with the same `key` it is asked for once, however often this is called."""
        body = {"markets": markets, "timeframe": timeframe, "horizon": horizon, **more}
        return cast(Job, self._ask("POST", "/api/predictions/train", body, {"Idempotency-Key": key}))

    def job(self, job_id: str) -> Job:
        return cast(Job, self._ask("GET", f"/api/jobs/{job_id}"))

    def cancel(self, job_id: str) -> Job:
        return cast(Job, self._ask("DELETE", f"/api/jobs/{job_id}"))

    def watchlist(self) -> Watchlist:
        return cast(Watchlist, self._ask("GET", "/api/watchlist"))

    def watch(self, markets: list[str]) -> Watchlist:
        """Replace the list; needs a sign-in, for personal tokens only read it."""
        return cast(Watchlist, self._ask("PUT", "/api/watchlist", {"markets": markets}))

    def _items(self, path: str, **query: str | None) -> Iterator[object]:
        while True:
            page = cast(_Page, self._get(path, **query))
            yield from page["items"]
            if (cursor := page.get("next_cursor")) is None:
                return
            query["cursor"] = cursor

    def _get(self, path: str, **query: str | None) -> object:
        return self._ask("GET", f"{path}?{urlencode({n: v for n, v in query.items() if v is not None})}")

    def _ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> object:
        try:
            return self._send(method, path, body, headers)
        except BoltProblem as problem:
            if problem.status != 401 or not self.refresh_token:
                raise
        token, self.refresh_token, self.token = self.refresh_token, "", ""  # a refresh token is good once
        self._keep(self._send("POST", "/api/auth/refresh", {"refresh_token": token}))
        return self._send(method, path, body, headers)

    def _keep(self, answer: object) -> None:
        pair = cast(_Pair, answer)
        self.token, self.refresh_token = pair["access_token"], pair["refresh_token"]

    def _send(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> object:
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = Request(self.address.rstrip("/") + path, data, sent, method=method)  # noqa: S310  your own desk
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310
                text: bytes = answer.read()
        except HTTPError as error:
            wait = error.headers.get("Retry-After")
            raise BoltProblem(_problem(error.read()), int(wait) if wait else None) from None
        return cast(object, json.loads(text)) if text else None


def _problem(text: bytes) -> Problem:
    try:
        return cast(Problem, json.loads(text))
    except ValueError:  # a proxy before the desk speaks HTML
        return {}
