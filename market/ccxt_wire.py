"""What stands between ccxt and the network: leave to ask, status and headers of the answer, a look at its shape."""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

from core.clock import to_ms
from core.errors import ExchangeUnavailable

SLOW_DOWN = {429: 60.0, 418: 300.0}  # seconds to wait where Retry-After is missing
LONGEST_WAIT_S = 7 * 86_400.0

BeforeRequest = Callable[[], None]


class Wire:
    """Stands around a ccxt client's `fetch`: asks for leave, remembers status and headers, refuses what is no JSON."""

    def __init__(self, client: Any, name: str, before_request: BeforeRequest) -> None:
        self.name = name
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self._before_request = before_request
        self._fetch = client.fetch
        self._on_response = client.on_rest_response
        client.fetch = self.fetch
        client.on_rest_response = self.on_response

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        self._before_request()
        self.status, self.headers = None, {}
        answer = self._fetch(url, method, headers, body)
        if not isinstance(answer, dict | list):
            raise ExchangeUnavailable(f"{self.name} answered something that is no JSON. Bolt tries again by itself.")
        return answer

    def on_response(self, code: int, reason: str, url: str, method: str, headers: Any, *rest: Any) -> Any:
        self.status, self.headers = code, {str(k).lower(): str(v) for k, v in dict(headers).items()}
        return self._on_response(code, reason, url, method, headers, *rest)

    def wait_until_ms(self, now_ms: int) -> int:
        """Until when a 429 or 418 asks to wait."""
        seconds = SLOW_DOWN.get(self.status or 0, 60.0)
        asked = self.headers.get("retry-after", "")
        if re.fullmatch(r"\d+(\.\d+)?", asked):
            seconds = float(asked)
        elif (at := _http_date(asked)) is not None:
            seconds = (at - now_ms) / 1_000
        return now_ms + int(min(max(seconds, 1.0), LONGEST_WAIT_S) * 1_000)

    def date_ms(self) -> int | None:
        """The server's clock by its last answer."""
        return _http_date(self.headers.get("date", ""))


def _http_date(text: str) -> int | None:
    try:
        return to_ms(parsedate_to_datetime(text))
    except (ValueError, TypeError):
        return None
