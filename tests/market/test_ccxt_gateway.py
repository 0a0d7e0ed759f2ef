"""The gateway talks through the real ccxt client to the demo exchange, well and ill."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from core import timeframe as timeframes
from core.errors import ExchangeBackOff, ExchangeBlocked, ExchangeUnavailable, NotFound, Refused
from core.ohlcv import aggregate
from market import ccxt_gateway
from market.ccxt_gateway import CcxtGateway
from tests.demo.server import Server, running

HOUR = 3_600_000
KLINES = "klines"


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    running_server.forget()
    yield running_server
    running_server.forget()


@pytest.fixture
def gateway(server: Server) -> CcxtGateway:
    return ccxt_gateway.make("demo", base_url=server.url, timeout_s=0.5)


def now_ms() -> int:
    return int(time.time() * 1_000)


def some(gateway: CcxtGateway, *, hours: int = 48, limit: int = 100):
    return gateway.candles("BTC/USDT", "1h", since_ms=now_ms() - hours * HOUR, limit=limit)


def test_markets_come_with_the_decimals_of_their_ticks(gateway: CcxtGateway) -> None:
    listed = {m.symbol: m for m in gateway.markets()}
    assert len(listed) == 12
    assert listed["BTC/USDT"].price_decimals == 2
    assert listed["DOGE/USDT"].price_decimals == 5
    assert all(m.active for m in listed.values())


@pytest.mark.parametrize(
    ("exchange", "told", "decimals"),
    [("okx", 0.01, 2), ("bitfinex", 5, None), ("bitfinex", 0.01, None), ("bithumb", 4, None)],
)
def test_significant_digits_are_no_decimals(exchange: str, told: float, decimals: int | None) -> None:
    other = ccxt_gateway.make(exchange, base_url="http://127.0.0.1:9")
    market = {"symbol": "BTC/USDT", "spot": True, "active": True, "precision": {"price": told}}
    other.client.markets = {"BTC/USDT": market}
    assert [one.price_decimals for one in other.markets()] == [decimals]


def test_only_closed_candles_come_oldest_first(gateway: CcxtGateway) -> None:
    got = some(gateway)
    assert len(got) in (47, 48)
    assert np.all(np.diff(got.time) == HOUR)
    assert int(got.time[-1]) == timeframes.parse("1h").last_closed(now_ms())


def test_a_candle_still_forming_by_the_exchanges_clock_is_dropped_though_ours_runs_ahead(server: Server) -> None:
    ahead = ccxt_gateway.make("demo", base_url=server.url, clock=lambda: time.time() + 7_200)
    assert int(some(ahead).time[-1]) == timeframes.parse("1h").last_closed(now_ms())


def test_since_inside_a_candle_starts_with_the_next_one(gateway: CcxtGateway) -> None:
    start = timeframes.parse("1h").floor(now_ms()) - 10 * HOUR
    got = gateway.candles("ETH/USDT", "1h", since_ms=start + 1, limit=3)
    assert got.time.tolist() == [start + HOUR, start + 2 * HOUR, start + 3 * HOUR]


def test_markets_are_loaded_once(gateway: CcxtGateway, server: Server) -> None:
    some(gateway)
    some(gateway)
    assert server.requests("exchangeInfo") == 1
    assert server.requests(KLINES) == 2


def test_long_candles_the_exchange_lacks_are_made_of_shorter_ones(gateway: CcxtGateway) -> None:
    start = timeframes.parse("4h").floor(now_ms()) - 24 * HOUR
    own = gateway.candles("SOL/USDT", "4h", since_ms=start, limit=5)
    gateway.client.timeframes = {"1m": "1m", "1h": "1h", "1d": "1d"}
    made = gateway.candles("SOL/USDT", "4h", since_ms=start, limit=5)
    assert made.time.tolist() == own.time.tolist()
    assert np.array_equal(made.high, own.high)
    assert np.array_equal(made.close, own.close)
    assert gateway.page("4h") == 250
    assert gateway.page("1h") == 1_000


def test_a_long_candle_whose_last_part_has_not_been_told_is_not_made(gateway: CcxtGateway) -> None:
    start = timeframes.parse("4h").floor(now_ms()) - 24 * HOUR
    fine = gateway.candles("SOL/USDT", "1h", since_ms=start, limit=8)
    one, four = timeframes.parse("1h"), timeframes.parse("4h")
    gateway._clock = lambda: (start + 8 * HOUR + 1_000) / 1_000
    assert gateway._joined(fine[:7], one, four).time.tolist() == [start]
    gateway._clock = lambda: (start + 8 * HOUR + 600_000) / 1_000
    assert len(gateway._joined(fine[:7], one, four)) == 2
    assert np.array_equal(gateway._joined(fine, one, four).high, aggregate(fine, four.ms).high)


def test_server_time_is_the_exchanges(gateway: CcxtGateway, server: Server) -> None:
    assert abs(gateway.server_time() - now_ms()) < 2_000
    server.fault("skew", seconds=600)
    assert gateway.server_time() - now_ms() > 590_000


def test_unknown_symbol_is_not_found(gateway: CcxtGateway) -> None:
    with pytest.raises(NotFound, match="NOPE/USDT"):
        gateway.candles("NOPE/USDT", "1h", since_ms=0, limit=5)


def test_unknown_exchange_is_not_found() -> None:
    with pytest.raises(NotFound, match="ccxt ids"):
        ccxt_gateway.make("not_an_exchange")


def test_demo_without_an_address_is_not_found() -> None:
    with pytest.raises(NotFound, match="make demo"):
        ccxt_gateway.make("demo")


def test_a_timeframe_nothing_makes_up_is_refused(gateway: CcxtGateway) -> None:
    gateway.client.timeframes = {"1d": "1d"}
    with pytest.raises(Refused, match="no candles of 1h"):
        some(gateway)


@pytest.mark.parametrize("fault", ["reset", "truncated", "malformed", "html", "empty", "hang"])
def test_a_broken_answer_is_said_as_unavailable(gateway: CcxtGateway, server: Server, fault: str) -> None:
    gateway.markets()
    server.fault(fault, match=KLINES)
    with pytest.raises(ExchangeUnavailable):
        some(gateway)


@pytest.mark.parametrize("fault", ["malformed", "html", "empty", "truncated"])
def test_a_broken_market_list_leaves_nothing_behind(gateway: CcxtGateway, server: Server, fault: str) -> None:
    server.fault(fault, match="exchangeInfo", count=1)
    with pytest.raises(ExchangeUnavailable):
        gateway.markets()
    assert len(gateway.markets()) == 12


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_server_errors_are_unavailable(gateway: CcxtGateway, server: Server, code: int) -> None:
    gateway.markets()
    server.fault("status", code=code)
    with pytest.raises(ExchangeUnavailable, match=str(code)) as raised:
        some(gateway)
    assert not isinstance(raised.value, ExchangeBlocked | ExchangeBackOff)


@pytest.mark.parametrize("code", [403, 451])
def test_a_refused_address_is_blocked(gateway: CcxtGateway, server: Server, code: int) -> None:
    server.fault("status", code=code)
    with pytest.raises(ExchangeBlocked, match=str(code)):
        gateway.server_time()


@pytest.mark.parametrize(
    ("code", "asked", "seconds"), [(429, "7", 7), (418, "120", 120), (429, None, 60), (418, None, 300)]
)
def test_retry_after_is_read(gateway: CcxtGateway, server: Server, code: int, asked: str | None, seconds: int) -> None:
    server.fault("status", code=code, retry_after=asked)
    with pytest.raises(ExchangeBackOff) as raised:
        gateway.server_time()
    assert abs(raised.value.until.timestamp() - time.time() - seconds) < 2


def test_retry_after_may_be_a_date(gateway: CcxtGateway, server: Server) -> None:
    from email.utils import formatdate

    server.fault("status", code=429, retry_after=formatdate(time.time() + 90, usegmt=True))
    with pytest.raises(ExchangeBackOff) as raised:
        gateway.server_time()
    assert abs(raised.value.until.timestamp() - time.time() - 90) < 3


@pytest.mark.parametrize(("fault", "reason"), [("nan", "finite"), ("negative", "zero or negative")])
def test_rows_that_are_no_candles_spoil_the_answer(
    gateway: CcxtGateway, server: Server, fault: str, reason: str
) -> None:
    gateway.markets()
    server.fault(fault, match=KLINES)
    with pytest.raises(ExchangeUnavailable, match=reason):
        some(gateway)


def test_duplicates_and_disorder_make_no_difference(gateway: CcxtGateway, server: Server) -> None:
    clean = some(gateway)
    server.fault("duplicate", match=KLINES)
    server.fault("unsorted", match=KLINES)
    again = some(gateway)
    assert [c.tolist() for c in again.columns()] == [c.tolist() for c in clean.columns()]


def test_gaps_stay_gaps(gateway: CcxtGateway, server: Server) -> None:
    clean = some(gateway)
    server.fault("gap", match=KLINES, every=7)
    assert 0 < len(some(gateway)) < len(clean)


def test_an_empty_answer_is_no_candles(gateway: CcxtGateway, server: Server) -> None:
    gateway.markets()
    server.fault("no_candles", match=KLINES)
    assert len(some(gateway)) == 0


def test_every_request_asks_for_leave(server: Server) -> None:
    leaves = []
    gateway = ccxt_gateway.make("demo", base_url=server.url, before_request=leaves.append)
    some(gateway)
    gateway.server_time()
    assert len(leaves) == server.requests() == 3


def test_all_addresses_of_an_exchange_are_moved() -> None:
    gateway = ccxt_gateway.make("coinbase", base_url="http://127.0.0.1:1/x/")
    assert gateway.client.urls["api"]["rest"] == "http://127.0.0.1:1/x"
    assert gateway.page("4h") == 300 // 4
