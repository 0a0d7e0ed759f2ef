"""What stands between ccxt and the network: leave to ask, status and headers of the answer, its shape."""

import re
from collections.abc import Callable
from typing import Any

from core.errors import ExchangeUnavailable
from market import retry_after

BeforeRequest = Callable[[float], None]  # told what the request costs, in tokens of the exchange
LEAST_COST = 0.01
HALF_MS = 500  # a Date header is cut to whole seconds
USED_WEIGHT = "x-mbx-used-weight-1m"  # Binance and those that speak its language


class Wire:
    """Stands around a ccxt client's `fetch`: asks for leave, remembers status and headers, refuses what is no JSON."""

    def __init__(
        self,
        client: Any,
        name: str,
        before_request: BeforeRequest,
        on_weight: Callable[[float], None],
        on_time: Callable[[int], None],
    ) -> None:
        self.name = name
        self.cost = 1.0
        self._on_weight = on_weight
        self.on_time = on_time
        self._cost_of = client.calculate_rate_limiter_cost
        self._request = client.fetch2
        client.fetch2 = self.request
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self._before_request = before_request
        self._fetch = client.fetch
        self._on_response = client.on_rest_response
        client.fetch = self.fetch
        client.on_rest_response = self.on_response

    def request(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """What ccxt calls for an endpoint, of which it knows the weight."""
        params, config = params or {}, config or {}
        self.cost = max(LEAST_COST, float(self._cost_of(api, method, path, params, config)))
        return self._request(path, api, method, params, config)

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        self._before_request(self.cost)
        self.status, self.headers = None, {}
        answer = self._fetch(url, method, headers, body)
        if not isinstance(answer, dict | list):
            raise ExchangeUnavailable(f"{self.name} answered something that is no JSON. Bolt tries again by itself.")
        return answer

    def on_response(self, code: int, reason: str, url: str, method: str, headers: Any, *rest: Any) -> Any:
        self.status, self.headers = code, {str(k).lower(): str(v) for k, v in dict(headers).items()}
        if re.fullmatch(r"\d{1,9}", used := self.headers.get(USED_WEIGHT, "")):
            self._on_weight(float(used))
        if (told := self.date_ms()) is not None:
            self.on_time(told + HALF_MS)
        return self._on_response(code, reason, url, method, headers, *rest)

    def wait_until_ms(self, now_ms: int) -> int:
        """Until when a 429 or 418 asks to wait."""
        return retry_after.until_ms(self.status or 0, self.headers.get("retry-after", ""), now_ms)

    def date_ms(self) -> int | None:
        """The server's clock by its last answer."""
        return retry_after.http_date(self.headers.get("date", ""))
