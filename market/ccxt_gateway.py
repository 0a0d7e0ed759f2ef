"""The only file that knows ccxt: any of its exchanges as an ExchangeGateway.

ccxt raises nothing for answers that are no JSON, loses its markets when such an answer meets `load_markets(True)`, and
hands every row through unseen. So each request passes `Wire`, markets are loaded once, and every row is checked.
"""

import functools
import logging
import re
import time
from collections.abc import Callable
from typing import Any, Protocol

import ccxt
import numpy as np

import core.timeframe as timeframes
from core import ohlcv
from core.clock import from_ms
from core.errors import ExchangeBackOff, ExchangeBlocked, ExchangeUnavailable, NotFound, Refused
from core.market_name import SYMBOL
from core.ohlcv import Candles, Floats
from core.timeframe import TIMEFRAMES, Timeframe
from market import quality
from market.ccxt_wire import BeforeRequest, Wire
from market.gateway import ListedMarket, NotCandles
from market.quality import Reason

DEMO = "demo"
DEMO_INTERVAL_S = 0.005
BUDGET_SHARE = 0.8  # of what an exchange allows: streams and other programs here ask too
TIMEOUT_S = 10.0
PAGE = {"kraken": 720, "coinbase": 300}  # candles in one answer; Kraken has its newest 720 only
PAGE_USUAL = 1_000
BLOCKED, BANNED = (403, 451), 418
CLOCK_SLACK_MS = 60_000  # a candle that opens no later than this after now is forming; clocks differ
TELLING_MS = 300_000  # after this long an exchange has told every candle it will ever have

GARBAGE = (TypeError, ValueError, KeyError, IndexError, AttributeError)  # ccxt on answers of another shape

KEPT = ("id", "symbol", "base", "quote", "baseId", "quoteId", "active", "type", "spot", "precision")

log = logging.getLogger(__name__)


class MarketMemory(Protocol):
    """Remembers the market lists of exchanges, which are megabytes long, between processes."""

    def get(self, exchange: str) -> list[dict[str, Any]] | None: ...

    def put(self, exchange: str, markets: list[dict[str, Any]]) -> None: ...


class CcxtGateway:
    """An exchange through ccxt. `clock` gives seconds since 1970; `before_request` may raise to forbid a request."""

    def __init__(
        self,
        name: str,
        client: Any,
        *,
        before_request: BeforeRequest,
        clock: Callable[[], float],
        memory: MarketMemory | None = None,
        on_weight: Callable[[float], None] = lambda _used: None,
        on_time: Callable[[int], None] = lambda _ms: None,
    ) -> None:
        self.name = name
        self._memory = memory
        self.client = client
        self._clock = clock
        self._wire = Wire(client, name, before_request, on_weight, on_time)

    def server_time(self) -> int:
        told = self._ask(lambda: self.client.fetch_time())
        if not isinstance(told, int):
            raise self._garbage("the time")
        self._wire.on_time(told)
        return told

    def markets(self) -> list[ListedMarket]:
        self._load_markets()
        listed = [
            ListedMarket(m["symbol"], self._decimals(m), m.get("active") is not False)
            for m in self.client.markets.values()
            if m.get("spot") and SYMBOL.fullmatch(m["symbol"])
        ]
        return sorted(listed, key=lambda m: m.symbol)

    def _decimals(self, market: dict[str, Any]) -> int | None:
        """Decimals of a market's prices; unknown where its exchange counts significant digits instead."""
        steps = getattr(self.client, "precisionMode", None) == ccxt.TICK_SIZE
        return _decimals(market["precision"].get("price")) if steps else None

    def page(self, timeframe: str) -> int:
        wanted = timeframes.parse(timeframe)
        source = self._source(wanted)
        return max(1, PAGE.get(self.name, PAGE_USUAL) // (wanted.ms // source.ms))

    def candles(self, symbol: str, timeframe: str, *, since_ms: int, limit: int) -> Candles:
        wanted = timeframes.parse(timeframe)
        source = self._source(wanted)
        self._load_markets(symbol)
        since = wanted.floor(since_ms + wanted.ms - 1)
        count = min(limit, self.page(timeframe)) * (wanted.ms // source.ms)
        rows = self._ask(lambda: self.client.fetch_ohlcv(symbol, source.name, since=since, limit=count))
        fine = self._checked(rows, symbol, source)
        fine = fine[fine.time >= since]
        if source is not wanted:
            fine = self._joined(fine, source, wanted)
        return fine[fine.time < since + limit * wanted.ms][:limit]

    def _source(self, wanted: Timeframe) -> Timeframe:
        """The timeframe itself, or the longest one the exchange has that makes it up."""
        known = self.client.timeframes or {}
        fitting = [t for t in TIMEFRAMES.values() if t.name in known and t.divides(wanted)]
        if not fitting:
            raise Refused(f"{self.name} has no candles of {wanted}. Choose another timeframe.")
        return max(fitting, key=lambda t: t.ms)

    def _joined(self, fine: Candles, source: Timeframe, wanted: Timeframe) -> Candles:
        """Whole candles of `wanted`; where the last part is missing, only once it must have been told."""
        if not len(fine):
            return fine
        told_ms = max(int(fine.time[-1]) + source.ms, self._now_ms() - TELLING_MS)
        made = ohlcv.aggregate(fine, wanted.ms, wanted.offset_ms)
        return made[made.time + wanted.ms <= told_ms]

    def _checked(self, rows: Any, symbol: str, timeframe: Timeframe) -> Candles:
        """Closed candles of ccxt's rows, one a time; raises ExchangeUnavailable when any row is no candle.

        One bad row puts all in doubt: nothing of such an answer is used, and it is asked for again.
        """
        columns = self._columns(rows)
        good, reasons = quality.check(columns, timeframe.name, self._now_ms())
        soon = self._now_ms() + CLOCK_SLACK_MS
        bad = {
            k: reason
            for k, reason in reasons.items()
            if reason is not Reason.NOT_CLOSED and not (reason is Reason.FUTURE and columns[0][k] <= soon)
        }
        if bad:
            first = next(iter(bad.values()))
            counts = {str(reason): list(bad.values()).count(reason) for reason in set(bad.values())}
            log.warning("candles_rejected", extra={"exchange": self.name, "symbol": symbol, "reasons": counts})
            raise NotCandles(
                f"{self.name} answered {len(bad)} rows for {symbol} {timeframe} that are no candles: {first.sentence}. "
                "Nothing of that answer is stored; Bolt asks again by itself.",
                counts,
            )
        return _one_a_time(tuple(column[good] for column in columns))

    def _columns(self, rows: Any) -> tuple[Floats, ...]:
        """Time, OHLC and volume of ccxt's rows; what is no number becomes NaN."""
        if not isinstance(rows, list) or any(not isinstance(row, list) or len(row) < 6 for row in rows):
            raise self._garbage("candles")
        table = [[_number(value) for value in row[:6]] for row in rows]
        return tuple(np.array(table, dtype=np.float64).reshape(-1, 6).T)

    def _now_ms(self) -> int:
        """The earlier of both clocks, so that a wrong clock here takes no forming candle for closed."""
        return min(int(self._clock() * 1_000), self._wire.date_ms() or 2**62)

    def _load_markets(self, symbol: str | None = None) -> None:
        """Have the markets, from memory where it holds `symbol`; raises NotFound for a symbol that is not listed."""
        if not self.client.markets and symbol and (kept := self._memory and self._memory.get(self.name)):
            self.client.set_markets(kept)
            if symbol not in self.client.markets:
                self.client.markets = None
        if not self.client.markets:
            self._ask(lambda: self.client.load_markets())
            if not self.client.markets:
                self.client.markets = None
                raise self._garbage("its markets")
            if self._memory:
                self._memory.put(self.name, [_brief(m) for m in self.client.markets.values() if m.get("spot")])
        if symbol and symbol not in self.client.markets:
            raise NotFound(f"{self.name} has no market {symbol}. Choose one it lists.")

    def _garbage(self, what: str) -> ExchangeUnavailable:
        return ExchangeUnavailable(f"{self.name} answered no readable list for {what}. Bolt tries again by itself.")

    def _ask(self, call: Callable[[], Any]) -> Any:
        """Call ccxt and say its errors in our words."""
        try:
            return call()
        except ccxt.BadSymbol as error:
            raise NotFound(f"{self.name} does not know this market. Choose one it lists.") from error
        except ccxt.BaseError as error:
            raise self._translated(error) from error
        except GARBAGE as error:
            raise self._garbage("this request") from error

    def _translated(self, error: ccxt.BaseError) -> Exception:
        status = self._wire.status
        if status in BLOCKED:
            return ExchangeBlocked(
                f"{self.name} does not serve this address (HTTP {status}). Choose another exchange in EXCHANGES."
            )
        if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
            until = from_ms(self._wire.wait_until_ms(int(self._clock() * 1_000)))
            said = "bans this address" if status == BANNED else "asked to wait"
            text = f"{self.name} {said} until {until:%Y-%m-%d %H:%M:%S} UTC. Bolt goes on by itself then."
            return ExchangeBackOff(text, until, banned=status == BANNED)
        if isinstance(error, ccxt.NetworkError | ccxt.BadResponse | ccxt.NullResponse):
            reason = f"HTTP {status}" if status and status >= 400 else "no answer"
            return ExchangeUnavailable(f"{self.name} does not answer ({reason}). Bolt tries again by itself.")
        return Refused(f"{self.name} refuses this request: {type(error).__name__}. Try another market or timeframe.")


def _brief(market: dict[str, Any]) -> dict[str, Any]:
    """What is needed to ask for candles again, without the exchange's own words."""
    return {name: value for name, value in market.items() if name in KEPT and value is not None}


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _one_a_time(columns: tuple[Floats, ...]) -> Candles:
    """Sorted by time; of rows with the same time the last one counts."""
    order = np.argsort(columns[0], kind="stable")
    time, *values = (column[order] for column in columns)
    last = np.append(time[1:] != time[:-1], True)[: len(time)]
    return Candles(time[last].astype(np.int64), *(column[last] for column in values))


def _decimals(tick: Any) -> int | None:
    """Decimals of a price step such as 0.01."""
    if not isinstance(tick, int | float) or not tick > 0:
        return None
    text = f"{tick:.12f}".rstrip("0")
    return min(12, len(text.partition(".")[2]))


def _redirected(urls: Any, base_url: str) -> Any:
    """The nested addresses of a ccxt exchange, all moved to another host."""
    if isinstance(urls, dict):
        return {name: _redirected(url, base_url) for name, url in urls.items()}
    return re.sub(r"^https?://[^/]+", base_url.rstrip("/"), urls) if isinstance(urls, str) else urls


def make(
    exchange: str,
    *,
    base_url: str | None = None,
    timeout_s: float = TIMEOUT_S,
    before_request: BeforeRequest = lambda _cost: None,
    clock: Callable[[], float] = time.time,
    memory: MarketMemory | None = None,
    on_weight: Callable[[float], None] = lambda _used: None,
    on_time: Callable[[int], None] = lambda _ms: None,
) -> CcxtGateway:
    """The exchange with this ccxt id, or the demo exchange at `base_url`; raises NotFound for an unknown id."""
    if exchange == DEMO and not base_url:
        raise NotFound("The demo exchange does not run. Start Bolt with `make demo`.")
    maker = _maker(exchange)
    client = maker(
        {
            "timeout": int(timeout_s * 1_000),
            "enableRateLimit": False,
            "options": {"fetchMarkets": {"types": ["spot"]}} if maker.__name__.startswith("binance") else {},
            "requests_trust_env": base_url is None,  # a proxy is for the internet, not for loopback
        }
    )
    client.has["fetchCurrencies"] = False
    # an exchange answers for itself: an answer that leads elsewhere is no JSON, and as good as none
    client.session.request = functools.partial(client.session.request, allow_redirects=False)
    if base_url:
        client.urls["api"] = _redirected(client.urls["api"], base_url)
    return CcxtGateway(
        exchange,
        client,
        before_request=before_request,
        clock=clock,
        memory=memory,
        on_weight=on_weight,
        on_time=on_time,
    )


def interval_s(exchange: str) -> float:
    """Seconds a token of an exchange costs, of which a request takes as many as it weighs."""
    return DEMO_INTERVAL_S if exchange == DEMO else float(_maker(exchange)().rateLimit) / 1_000 / BUDGET_SHARE


def _maker(exchange: str) -> Any:
    """The ccxt class of an exchange; the demo exchange speaks Binance's protocol."""
    if exchange == DEMO:
        return ccxt.binance
    if exchange not in ccxt.exchanges:
        raise NotFound(f"There is no exchange {exchange}. EXCHANGES takes ccxt ids such as binance, coinbase, kraken.")
    return getattr(ccxt, exchange)
