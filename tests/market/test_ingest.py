"""Spans are fetched page by page, each in its own transaction, and a second run goes on where the first ended."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

import core.ohlcv as ohlcv
import db.engine
from core import timeframe as timeframes
from core.clock import from_ms, to_ms
from core.errors import Cancelled
from core.market_name import make as make_name
from db.queries import candles, markets, revisions
from db.tables import Market
from market import candles as market_candles
from market import ccxt_gateway, ingest
from market.ccxt_gateway import CcxtGateway
from market.gateway import NotCandles
from market.ingest import Fetched
from tests.candle_data import walk
from tests.demo.server import Server, running

HOUR, DAY = 3_600_000, 86_400_000
H1 = timeframes.parse("1h")
NOW = datetime.now(UTC)
LAST = H1.last_closed(to_ms(NOW))


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
    made = ccxt_gateway.make("demo", base_url=server.url, timeout_s=2)
    made.page = lambda _timeframe: 50
    return made


@pytest.fixture
def market(database: Engine) -> Market:
    with db.engine.session() as session:
        return markets.get_or_create(session, make_name("demo", "BTC/USDT"), simulated=True)


def fetch(gateway: CcxtGateway, market: Market, hours: int, **more) -> Fetched:
    begin = LAST - (hours - 1) * HOUR
    return ingest.fetch_span(gateway, db.engine.session, market, "1h", begin, LAST + HOUR, now=NOW, **more)


def stored(market: Market) -> ohlcv.Candles:
    with db.engine.session() as session:
        return candles.read(session, market.id, "1h")


def test_a_span_is_stored_whole_and_equals_what_the_exchange_says(gateway: CcxtGateway, market: Market) -> None:
    fetched = fetch(gateway, market, 170)
    got = stored(market)
    assert fetched.stored == len(got) == 170
    del gateway.page
    said = gateway.candles("BTC/USDT", "1h", since_ms=int(got.time[0]), limit=170)
    assert all(np.array_equal(a, b) for a, b in zip(got.columns(), said.columns(), strict=True))


def test_a_candle_that_has_not_closed_is_not_stored(gateway: CcxtGateway, market: Market) -> None:
    fetched = ingest.fetch_span(
        gateway, db.engine.session, market, "1h", LAST - 3 * HOUR, to_ms(NOW) + 9 * HOUR, now=NOW
    )
    assert fetched.stored == 4
    assert int(stored(market).time[-1]) == LAST


def test_a_second_run_asks_for_nothing(gateway: CcxtGateway, market: Market, server: Server) -> None:
    fetch(gateway, market, 170)
    before = server.requests("klines")
    again = fetch(gateway, market, 170)
    assert (again.stored, again.asked) == (0, 0)
    assert again.skipped >= 4
    assert server.requests("klines") == before


def test_a_run_that_was_killed_keeps_its_pages_and_the_next_fetches_only_the_rest(
    gateway: CcxtGateway, market: Market, server: Server
) -> None:
    pages = iter([None, None, Cancelled("stop")])

    def stop() -> None:
        if (what := next(pages)) is not None:
            raise what

    with pytest.raises(Cancelled):
        fetch(gateway, market, 170, check_cancelled=stop)
    kept = len(stored(market))
    assert 50 < kept < 170
    rest = fetch(gateway, market, 170)
    assert rest.stored == 170 - kept
    assert len(ohlcv.gaps(stored(market).time, HOUR)) == 0


def test_a_page_that_fails_leaves_the_pages_before_it(gateway: CcxtGateway, market: Market, server: Server) -> None:
    gateway.markets()
    fetch(gateway, market, 60)
    kept = len(stored(market))
    server.fault("nan", match="klines", every=1)
    with pytest.raises(NotCandles):
        fetch(gateway, market, 170, newest_first=True)
    assert len(stored(market)) == kept


def test_a_page_with_a_row_that_is_no_candle_is_asked_for_in_halves(
    gateway: CcxtGateway, market: Market, server: Server
) -> None:
    server.fault("nan", match="klines", every=40)
    made = fetch(gateway, market, 170)
    assert (made.stored, made.left_out) == (170, 0)
    assert len(ohlcv.gaps(stored(market).time, HOUR)) == 0


def test_newest_first_brings_the_newest_page_first(gateway: CcxtGateway, market: Market) -> None:
    first: list[int] = []
    fetch(gateway, market, 170, newest_first=True, progress=lambda _: first.append(int(stored(market).time[0])))
    assert first == sorted(first, reverse=True)
    assert int(stored(market).time[-1]) == LAST


def test_going_back_ends_where_the_history_begins(gateway: CcxtGateway, market: Market, server: Server) -> None:
    gateway.markets()
    begin = LAST - 20 * HOUR
    plain = gateway.candles

    def young(symbol: str, timeframe: str, *, since_ms: int, limit: int) -> ohlcv.Candles:
        got = plain(symbol, timeframe, since_ms=since_ms, limit=limit)
        return got[got.time >= begin]

    gateway.candles = young
    fetched = fetch(gateway, market, 10_000, newest_first=True)
    assert fetched.stored == 21
    assert fetched.asked <= 2 + ingest.EMPTY_PAGES


def test_answers_that_end_early_leave_no_hole(gateway: CcxtGateway, market: Market) -> None:
    plain = gateway.candles
    gateway.candles = lambda *names, since_ms, limit: plain(*names, since_ms=since_ms, limit=min(limit, 7))
    assert fetch(gateway, market, 120).stored == 120


def test_gaps_of_the_exchange_stay_gaps(gateway: CcxtGateway, market: Market, server: Server) -> None:
    gateway.markets()
    server.fault("gap", match="klines", every=10)
    fetched = fetch(gateway, market, 100)
    assert 80 <= fetched.stored < 100
    with db.engine.session() as session:
        assert markets.series_of(session, market.id)["1h"].missing > 0


def test_progress_ends_at_one(gateway: CcxtGateway, market: Market) -> None:
    told: list[float] = []
    fetch(gateway, market, 170, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_huge_wick_is_stored_and_flagged(gateway: CcxtGateway, market: Market, server: Server) -> None:
    fetch(gateway, market, 170)
    with db.engine.session() as session:
        session.execute(text("DELETE FROM candles WHERE open_time = :at"), {"at": from_ms(LAST - 5 * HOUR)})
    server.fault("spike", match="klines", every=1, factor=5)
    one = gateway.candles("BTC/USDT", "1h", since_ms=LAST - 5 * HOUR, limit=1)
    ingest.store(db.engine.session, market.id, H1, one)
    with db.engine.session() as session:
        flagged = session.execute(text("SELECT open_time FROM candles WHERE flags <> 0")).scalars().all()
    assert flagged == [from_ms(LAST - 5 * HOUR)]


def test_a_wick_on_the_newest_candle_is_judged_again_when_the_next_one_comes(market: Market) -> None:
    n = 80
    at = LAST - np.arange(n)[::-1] * HOUR
    close = np.full(n, 100.0)
    high, low = close + 0.3, close - 0.3
    high[-2] = 160.0
    close[-1] = 158.0
    high[-1] = 162.0  # the rise goes on: no wick
    series = ohlcv.Candles(at.astype(np.int64), np.full(n, 100.0), high, low, close, np.full(n, 5.0))

    def flags() -> int:
        with db.engine.session() as session:
            return session.execute(text("SELECT count(*) FROM candles WHERE flags <> 0")).scalar_one()

    ingest.store(db.engine.session, market.id, H1, series[: n - 1])
    assert flags() == 1
    ingest.store(db.engine.session, market.id, H1, series[n - 1 :])
    assert flags() == 0


def test_fetching_is_quick(gateway: CcxtGateway, market: Market) -> None:
    del gateway.page
    began = time.monotonic()
    assert fetch(gateway, market, 5_000).stored == 5_000
    assert time.monotonic() - began < 20


def test_a_candle_the_exchange_tells_differently_leaves_a_revision(market: Market) -> None:
    close = np.array([100.0, 101.0, 102.0])
    candles = ohlcv.Candles(LAST - np.array([2, 1, 0]) * HOUR, close, close + 1, close - 1, close, np.ones(3))
    ingest.store(db.engine.session, market.id, H1, candles)
    later = replace(candles, close=close + np.array([0.0, 0.5, 0.0]))
    assert ingest.store(db.engine.session, market.id, H1, later[1:]).changed == 1
    with db.engine.session() as session:
        (revision,) = revisions.latest(session, market_id=market.id)
        assert (revision.source, revision.old_close, revision.new_close) == (market.exchange, 101.0, 101.5)


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_order_candles_come_in_the_table_is_the_same_to_the_byte(market: Market, data: st.DataObject) -> None:
    """Late, doubled and out of order: any pages, in any order, in any number, end in the same rows."""
    made = walk(40, start_ms=LAST - 39 * HOUR)
    cuts = sorted(data.draw(st.sets(st.integers(1, 39), max_size=6)))
    pages = [made[a:b] for a, b in pairwise([0, *cuts, 40])]
    again = data.draw(st.lists(st.sampled_from(range(len(pages))), max_size=4))
    order = data.draw(st.permutations([*range(len(pages)), *again]))
    with db.engine.session() as session:
        session.execute(text("DELETE FROM series WHERE market_id = :m"), {"m": market.id})
    for number in order:
        ingest.store(db.engine.session, market.id, H1, pages[number])
    shuffled = table(market)
    with db.engine.session() as session:
        session.execute(text("DELETE FROM series WHERE market_id = :m"), {"m": market.id})
    ingest.store(db.engine.session, market.id, H1, made)
    assert shuffled == table(market)
    with db.engine.session() as session:
        assert revisions.latest(session, market_id=market.id) == []


def table(market: Market) -> bytes:
    """The rows of the series as PostgreSQL writes them in binary, in the order of time."""
    query = "COPY (SELECT * FROM candles WHERE market_id = {} ORDER BY open_time) TO STDOUT (FORMAT binary)"
    out = BytesIO()
    with db.engine.session() as session:
        session.connection().connection.cursor().copy_expert(query.format(market.id), out)
    return out.getvalue()


def test_what_is_built_of_a_revised_candle_is_built_anew(market: Market) -> None:
    """Windows of coarser bars, kept or not, show the new value at once."""
    n = 24 * 60
    made = walk(n, start_ms=to_ms(NOW) // DAY * DAY - n * HOUR)
    ingest.store(db.engine.session, market.id, H1, made)
    wide = {"start_ms": int(made.time[0]), "end_ms": int(made.time[-1]), "max_bars": 60}
    with db.engine.session() as session:
        before = market_candles.window(session, market.id, "1h", **wide)
    assert before.step_ms == DAY
    high = made.high.copy()
    high[30 * 24 + 5] *= 3
    revised = replace(made, high=high)[30 * 24 : 31 * 24]
    assert ingest.store(db.engine.session, market.id, H1, revised).changed == 1
    with db.engine.session() as session:
        after = market_candles.window(session, market.id, "1h", **wide)
    assert after.candles.high[30] == high[30 * 24 + 5]
    assert np.array_equal(np.delete(after.candles.high, 30), np.delete(before.candles.high, 30))
