"""The only file that knows CoinGecko: coins by market capitalisation, through its official SDK.

Reference data for people and for checking prices; nothing of it ever becomes a candle.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import coingecko_sdk
import httpx
from coingecko_sdk import Coingecko, Omit
from redis import Redis

from core.clock import from_ms, utc_now
from core.currencies import CURRENCIES, DOLLAR
from core.errors import ExchangeBackOff, ExchangeBlocked, ExchangeUnavailable, Refused
from core.settings import Settings
from core.shared import SharedNumbers
from market import guard, retry_after
from market.guard import ATTEMPTS, Guard

NAME = "coingecko"
PAGE = 250  # coins in one answer, the most there can be
TIMEOUT_S = 10.0
INTERVAL_S = {"public": 6.0, "key": 2.0}  # about 10 calls a minute without a key, 30 with one
BURST = 5
LEAST_RATE, MOST_RATE = 0.01, 10_000  # of a currency for a dollar; what is beyond is a mistake
BLOCKED = (401, 403, 451)
KEYLESS = {"x-cg-demo-api-key": Omit()}  # the SDK wants to be told that there is no key
GARBAGE = (TypeError, ValueError, AttributeError)  # the SDK on answers of another shape


@dataclass(frozen=True, slots=True)
class ListedCoin:
    """A coin. `symbol` is upper case; `market_cap` and `price_usd` in US dollars, None where it does not say."""

    id: str
    symbol: str
    name: str
    market_cap: float | None
    rank: int | None
    price_usd: float | None
    updated_at: datetime


class CoinGecko:
    """CoinGecko behind a guard. `clock` gives seconds since 1970."""

    def __init__(self, client: Coingecko, guarded: Guard, *, clock: Callable[[], float] = time.time) -> None:
        self.guard = guarded
        self._client = client
        self._clock = clock

    def coins(self, page: int) -> list[ListedCoin]:
        """The coins of a page (from 1), largest market capitalisation first; entries without a name are left out.

        Raises ExchangeUnavailable, ExchangeBlocked, ExchangeBackOff; Refused where the request was wrong.
        """
        return self.guard.call(lambda: self._coins(page))

    def _coins(self, page: int) -> list[ListedCoin]:
        def ask(headers: dict[str, Any]) -> list[ListedCoin | None]:
            answer: Any = self._client.coins.markets.get(
                vs_currency="usd", order="market_cap_desc", per_page=PAGE, page=page, extra_headers=headers
            )
            if not isinstance(answer, list):
                raise TypeError("no list")
            return [_coin(one) for one in answer]

        found = self._asked(ask, "list of coins")
        return [coin for coin in found if coin is not None]

    def rates(self) -> dict[str, float]:
        """{currency: how much of it a US dollar is worth}, of those that people may choose; doubtful ones are left out.

        Raises as `coins`.
        """
        return self.guard.call(self._rates)

    def _rates(self) -> dict[str, float]:
        answer = self._asked(lambda headers: self._client.exchange_rates.get(extra_headers=headers), "exchange rates")
        try:
            per_bitcoin = {code: _rate(answer.rates.get(code.lower())) for code in CURRENCIES}
        except GARBAGE as error:
            raise ExchangeUnavailable(f"{NAME} answered no readable exchange rates. Bolt tries again.") from error
        dollars = per_bitcoin[DOLLAR.code]
        if dollars is None:
            raise ExchangeUnavailable(f"{NAME} told no rate of the US dollar. Bolt tries again.")
        found = {code: value / dollars for code, value in per_bitcoin.items() if value and code != DOLLAR.code}
        return {code: value for code, value in found.items() if LEAST_RATE < value < MOST_RATE}

    def _asked(self, ask: Callable[[dict[str, Any]], Any], what: str) -> Any:
        """The SDK's answer; its failures as ours."""
        try:
            return ask({} if self._client.demo_api_key else KEYLESS)
        except coingecko_sdk.APIStatusError as error:
            raise self._translated(error) from error
        except coingecko_sdk.APIConnectionError as error:
            raise ExchangeUnavailable(f"{NAME} does not answer. Bolt tries again by itself.") from error
        except (coingecko_sdk.APIError, *GARBAGE) as error:
            raise ExchangeUnavailable(f"{NAME} answered no readable {what}. Bolt tries again.") from error

    def _translated(self, error: coingecko_sdk.APIStatusError) -> Exception:
        status = error.status_code
        if status in BLOCKED:
            return ExchangeBlocked(f"{NAME} refuses this address or key (HTTP {status}). Look at COINGECKO_API_KEY.")
        if status in retry_after.SLOW_DOWN:
            header = error.response.headers.get("retry-after", "")
            until = from_ms(retry_after.until_ms(status, header, int(self._clock() * 1_000)))
            return ExchangeBackOff(f"{NAME} asked to wait until {until:%Y-%m-%d %H:%M:%S} UTC.", until)
        if status >= 500:
            return ExchangeUnavailable(f"{NAME} does not answer (HTTP {status}). Bolt tries again by itself.")
        return Refused(f"{NAME} refuses this request (HTTP {status}).")


def _coin(entry: Any) -> ListedCoin | None:
    """An entry of the list, None for one without id, symbol or name; raises TypeError for what is no entry."""
    words = (entry.id, entry.symbol, entry.name)
    if any(not isinstance(word, str) or not word.strip() for word in words):
        return None
    told = entry.last_updated
    rank = entry.market_cap_rank
    return ListedCoin(
        id=entry.id,
        symbol=entry.symbol.strip().upper(),
        name=entry.name.strip(),
        market_cap=_amount(entry.market_cap),
        rank=rank if isinstance(rank, int) and rank > 0 else None,
        price_usd=_amount(entry.current_price),
        updated_at=told.astimezone(UTC) if isinstance(told, datetime) and told.tzinfo else utc_now(),
    )


def _rate(entry: Any) -> float | None:
    """Units a bitcoin is worth; None for what is no rate of money a state makes."""
    return _amount(entry.value) if entry is not None and entry.type == "fiat" else None


def _amount(value: Any) -> float | None:
    """A finite amount above zero; CoinGecko writes 0 for a capitalisation it does not know."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    return float(value) if usable else None


def make(
    settings: Settings,
    redis: Redis | None,
    *,
    base_url: str | None = None,
    timeout_s: float = TIMEOUT_S,
    attempts: int = ATTEMPTS,
) -> CoinGecko:
    """CoinGecko as workers use it: its free plan with a key, its public limits without."""
    key = settings.coingecko_api_key
    interval_s = INTERVAL_S["key" if key else "public"]
    made = guard.make(NAME, SharedNumbers(redis), interval_s=interval_s, burst=BURST, attempts=attempts)
    hooks = {"request": [lambda _request: made.leave()]}
    # a proxy is for the internet, not for loopback
    http = httpx.Client(timeout=timeout_s, event_hooks=hooks, trust_env=base_url is None)
    client = Coingecko(
        demo_api_key=key or None,
        environment="demo",
        base_url=base_url,
        timeout=timeout_s,
        max_retries=0,  # the guard repeats
        http_client=http,
    )
    return CoinGecko(client, made)
