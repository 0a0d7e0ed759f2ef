"""A small client of Bolt's JSON API. It needs nothing but Python.

bolt = Bolt("http://127.0.0.1:8050")
bolt.sign_in("mara@example.org", "…")          # or: Bolt(address, token="bolt_…")
for candle in bolt.items("/api/markets/BTC-USDT/candles", timeframe="1h"):
    print(candle["time"], candle["close"])
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


class BoltProblem(Exception):
    """What Bolt refused, in its own words; `problem` is the whole answer, `retry_after` the seconds to wait."""

    def __init__(self, problem: dict[str, Any], retry_after: int | None) -> None:
        super().__init__(problem.get("detail", "Bolt does not say why."))
        self.status: int = problem.get("status", 0)
        self.problem = problem
        self.retry_after = retry_after


@dataclass
class Bolt:
    """One desk and one account. Access tokens are refreshed when they have run out."""

    address: str
    token: str = ""
    refresh_token: str = ""

    def sign_in(self, email: str, password: str) -> None:
        self._keep(self._send("POST", "/api/auth/login", {"email": email, "password": password}))

    def sign_out(self) -> None:
        self._send("POST", "/api/auth/logout")
        self.token = self.refresh_token = ""

    def get(self, path: str, **query: Any) -> Any:
        """One answer; raises BoltProblem."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def items(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a paged list, newest first."""
        while True:
            page = self.get(path, **query)
            yield from page["items"]
            if page.get("next_cursor") is None:
                return
            query["cursor"] = page["next_cursor"]

    def train(self, markets: list[str], timeframe: str, horizon: int, *, key: str, **more: int) -> dict[str, Any]:
        """Ask for a training; with the same `key` it is asked for once, however often this is called."""
        body = {"markets": markets, "timeframe": timeframe, "horizon": horizon, **more}
        answer: dict[str, Any] = self.ask("POST", "/api/predictions/train", body, {"Idempotency-Key": key})
        return answer

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        try:
            return self._send(method, path, body, headers)
        except BoltProblem as problem:
            if problem.status != 401 or not self.refresh_token:
                raise
        token, self.refresh_token, self.token = self.refresh_token, "", ""  # a refresh token is good once
        self._keep(self._send("POST", "/api/auth/refresh", {"refresh_token": token}))
        return self._send(method, path, body, headers)

    def _keep(self, pair: dict[str, Any]) -> None:
        self.token, self.refresh_token = pair["access_token"], pair["refresh_token"]

    def _send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        request = Request(self.address.rstrip("/") + path, data, sent, method=method)  # noqa: S310  your own desk
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310
                text = answer.read()
        except HTTPError as error:
            wait = error.headers.get("Retry-After")
            raise BoltProblem(_read(error.read()), int(wait) if wait else None) from None
        return json.loads(text) if text else None


def _read(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
