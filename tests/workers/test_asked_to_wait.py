"""While an exchange asks to be left alone, no job of any worker asks it for anything: counted where requests arrive."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

import core.settings
import db.engine
from core import job_queue
from core.clock import to_ms, utc_now
from core.errors import ExchangeBackOff
from core.market_name import make as make_name
from core.timeframe import TIMEFRAMES
from db.queries import candles, markets, sources
from db.tables import Market
from market import ccxt_gateway
from tests.candle_data import walk
from tests.demo.server import Server, running
from workers import history, listings, market_data, stand_ins
from workers.context import JobContext
from workers.live import Live

HOURS = 200
JOBS = {
    "probe_exchanges": market_data.probe_exchanges,
    "top_up": market_data.top_up,
    "mend_history": history.mend_history,
    "read_listings": listings.read_listings,
    "switch_sources": stand_ins.switch_sources,
}


@pytest.fixture
def server(database: Engine, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The demo exchange under Binance's name."""
    job_queue.connect(redis_url)
    with running() as found:
        plain = ccxt_gateway.make
        monkeypatch.setattr(ccxt_gateway, "make", lambda name, **more: plain(name, **{**more, "base_url": found.url}))
        yield found


@pytest.fixture
def context() -> JobContext:
    return JobContext(core.settings.read({"EXCHANGES": "binance"}), "test", 1)


@pytest.fixture
def market(server: Server) -> Market:
    """A followed market that is some hours behind and has a hole: there is something to ask for."""
    frame = TIMEFRAMES["1h"]
    begin = frame.floor(to_ms(utc_now() - timedelta(hours=HOURS + 10)))
    made = walk(HOURS, start_ms=begin)
    with db.engine.session() as session:
        found = markets.get_or_create(session, make_name("binance", "BTC/USDT"))
        markets.set_followed(session, found.id, True)
        markets.set_timeframes(session, found.id, ["1h"])
        candles.upsert(session, found.id, "1h", made[(made.time < made.time[50]) | (made.time > made.time[60])])
    return found


@pytest.mark.parametrize("code", [429, 418])
def test_no_job_asks_an_exchange_that_wants_to_be_left_alone(
    server: Server, context: JobContext, market: Market, code: int
) -> None:
    server.fault("status", code=code, retry_after=120, count=1)
    with pytest.raises(ExchangeBackOff):
        context.gateway("binance").server_time()
    for name, job in JOBS.items():
        job(context)
        assert server.requests() == 1, name
    for one_market in (lambda: market_data.backfill(context, market.id), lambda: open_stream(context)):
        with pytest.raises(ExchangeBackOff):
            one_market()
    assert server.requests() == 1
    with db.engine.session() as session:
        assert sources.get(session, "binance").state == "waiting"
        assert sources.wait_until(session, "binance", now=utc_now() + timedelta(seconds=110)) is not None


def open_stream(context: JobContext) -> None:
    asyncio.run(Live(context.settings, "binance", "one")._connect())


def test_the_same_jobs_ask_it_where_it_does_not(
    server: Server, context: JobContext, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "RUN_S", 0.1)
    for name in ("probe_exchanges", "top_up", "read_listings", "mend_history"):
        before = server.requests()
        JOBS[name](context)
        assert server.requests() > before, name
