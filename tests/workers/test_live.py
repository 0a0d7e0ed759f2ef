"""The live process against the demo exchange's real streams, real PostgreSQL and a real Redis."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest
from redis import Redis
from sqlalchemy import Engine, delete

import core.settings
import db.engine
from core import job_queue, tallies, ticks
from core.clock import from_ms
from core.market_name import make as make_name
from core.ohlcv import Candles
from core.shared import SharedNumbers
from core.timeframe import MINUTE_MS, TIMEFRAMES
from db.queries import candles, instance, leases, markets, refused_rows
from db.tables import Lease, Market
from demo import market_model
from demo.exchange import Exchange
from demo.listings import LISTINGS
from market import ccxt_gateway, forming
from market.gateway import NotCandles
from tests.demo.server import Server, running
from workers import live, live_told
from workers.live import Live
from workers.live_told import Followed, StandIn, publish, store_minute

BTC = LISTINGS["BTCUSDT"]
MINUTE = TIMEFRAMES["1m"]


@pytest.fixture
def server(database: Engine, redis_url: str) -> Iterator[Server]:
    job_queue.connect(redis_url)
    with running(Exchange(pulse_s=0.1)) as server, db.engine.session() as session:
        instance.get(session).demo_url = server.url
        session.commit()
        yield server


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


def now_ms() -> int:
    return int(time.time() * 1_000)


def follow(symbol: str = "BTC/USDT", minutes: int = 300, *, until_ms: int | None = None) -> Market:
    """A followed demo market with its closed minutes of the last hours."""
    listing = LISTINGS[symbol.replace("/", "")]
    end = MINUTE.floor(until_ms or now_ms())
    stored = demo_minutes(end - minutes * MINUTE_MS, end - 1, symbol)
    with db.engine.session() as session:
        market = markets.get_or_create(session, make_name("demo", listing.symbol), simulated=True)
        markets.set_followed(session, market.id, True)
        candles.upsert(session, market.id, "1m", stored)
    return market


def demo_minutes(start: int, end: int, symbol: str = "BTC/USDT") -> Candles:
    return market_model.candles(
        LISTINGS[symbol.replace("/", "")], MINUTE, start_ms=start, end_ms=end, now_ms=end + 10 * MINUTE_MS
    )


def stored(market: Market) -> Candles:
    with db.engine.session() as session:
        return candles.read(session, market.id, "1m")


def make(name: str = "one", **more: float) -> Live:
    return Live(core.settings.read({}), "demo", name, **more)


def run(made: Live, use: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    """Run the live process while `use` does, then stop it."""

    async def work() -> Any:
        running_ = asyncio.create_task(made.run())
        try:
            return await asyncio.wait_for(use(), seconds)
        finally:
            made.stop.set()
            await asyncio.wait_for(running_, 10)

    return asyncio.run(work())


async def until(true: Callable[[], Any]) -> Any:
    while not (found := await asyncio.to_thread(true)):
        await asyncio.sleep(0.05)
    return found


def told(redis: Redis) -> list[dict[str, Any]]:
    return [json.loads(one.text) for one in ticks.since(redis, "0-1")]


def test_ticks_come_with_the_forming_bar_of_every_timeframe(server: Server, redis: Redis) -> None:
    market = follow()
    run(make(), lambda: until(lambda: [t for t in told(redis) if t["candle"] and len(t["bars"]) == 7][3:]))
    tick = told(redis)[-1]
    assert tick["market"] == "demo/BTC-USDT"
    assert tick["source"] == "klines"
    assert abs(tick["time"] - now_ms()) < 15_000
    minute = int(tick["candle"][0])
    have = stored(market)
    for name in ("5m", "15m", "1h", "4h"):
        opened = TIMEFRAMES[name].floor(minute)
        part = have[(have.time >= opened) & (have.time < minute)]
        bar = tick["bars"][name]
        assert bar[0] == opened
        assert bar[1] == (part.open[0] if len(part) else tick["candle"][1])
        assert bar[2] == max([*part.high, tick["candle"][2]])
        assert bar[5] == pytest.approx(float(np.sum(part.volume)) + tick["candle"][5])


def test_a_minute_that_closed_is_stored_as_the_exchange_has_it(server: Server) -> None:
    market = follow(until_ms=now_ms() - MINUTE_MS)
    before = stored(market)
    closed = demo_minutes(int(before.time[-1]) + MINUTE_MS, int(before.time[-1]) + MINUTE_MS)
    bar = [float(column[0]) for column in closed.columns()]
    store_minute(market, bar)
    store_minute(market, bar)
    after = stored(market)
    assert len(after) == len(before) + 1
    gateway = ccxt_gateway.make("demo", base_url=server.url)
    said = gateway.candles("BTC/USDT", "1m", since_ms=int(bar[0]), limit=1)
    assert [float(column[-1]) for column in after.columns()] == [float(column[0]) for column in said.columns()]


def test_after_a_hole_nothing_is_stored_so_that_topping_up_fills_it(server: Server) -> None:
    market = follow(until_ms=now_ms() - 5 * MINUTE_MS)
    before = stored(market)
    closed = demo_minutes(now_ms() - 3 * MINUTE_MS, now_ms() - 2 * MINUTE_MS)
    store_minute(market, [float(column[0]) for column in closed.columns()])
    assert len(stored(market)) == len(before)


@pytest.mark.parametrize("fault", [{"name": "drop"}, {"name": "garbage", "kind": 1}])
def test_a_broken_stream_is_opened_again(server: Server, redis: Redis, fault: dict[str, Any]) -> None:
    follow()
    made = make()

    async def use() -> None:
        await until(lambda: told(redis))
        server.fault(**fault, count=1)
        await until(lambda: made.connections >= 2)
        seen = len(told(redis))
        await until(lambda: len(told(redis)) > seen + 2)

    run(made, use)


def test_a_row_of_a_stream_that_is_no_candle_is_counted(
    server: Server, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow()
    told_wrong = NotCandles("A minute is none", {"negative_volume": 1}, symbol="BTC/USDT")
    made = make()

    async def broken() -> None:
        raise told_wrong

    monkeypatch.setattr(made, "_connect", broken)

    def noted() -> list[refused_rows.RefusedOf]:
        with db.engine.session() as session:
            return refused_rows.latest(session)

    async def use() -> None:
        following = asyncio.create_task(made._follow())
        await until(noted)
        following.cancel()

    asyncio.run(use())
    assert SharedNumbers(redis).change("rejected:demo", lambda numbers, _now: dict(numbers)) == {"negative_volume": 1}
    (one,) = noted()
    assert (one.market.symbol, one.row.timeframe, one.row.source, one.row.n) == ("BTC/USDT", "1m", "stream", 1)


def test_a_silent_stream_is_opened_again(server: Server, redis: Redis) -> None:
    follow()
    made = make(silence_s=0.6)

    async def use() -> None:
        await until(lambda: told(redis))
        server.fault("silent")
        await until(lambda: made.connections >= 2)
        server.exchange.faults.order({"fault": None})
        seen = len(told(redis))
        await until(lambda: len(told(redis)) > seen + 2)

    run(made, use)


def test_minutes_alone_that_stop_coming_are_silence_too(server: Server) -> None:
    follow()
    server.fault("silent", match="kline")
    made = make(silence_s=0.6)
    run(made, lambda: until(lambda: made.connections >= 2))


def test_a_connection_is_begun_anew_once_a_day(server: Server) -> None:
    follow()
    made = make(day_s=0.5)
    run(made, lambda: until(lambda: made.connections >= 3))


def test_what_is_followed_later_is_told_too(server: Server, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RELOOK_S", 0.2)
    made = make()

    async def use() -> None:
        await asyncio.sleep(0.5)
        assert made.connections == 0  # nothing is followed, so nothing is asked for
        await asyncio.to_thread(follow)
        await until(lambda: told(redis))
        await asyncio.to_thread(follow, "ETH/USDT")
        await until(lambda: any(t["market"] == "demo/ETH-USDT" for t in told(redis)))

    run(made, use)


def test_of_two_one_works_and_the_other_takes_over(
    server: Server, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RENEW", 0.2)
    follow()
    first, second = make("first"), make("second")

    async def use() -> None:
        await until(lambda: first.connections)
        standby = asyncio.create_task(second.run())
        await asyncio.sleep(1)
        assert second.connections == 0
        assert len(server.exchange.streams.connections) == 2  # prices and minutes, of one process
        first.stop.set()
        await until(lambda: second.connections)
        second.stop.set()
        await standby

    run(first, use)
    with db.engine.session() as session:
        assert leases.current(session, "live:demo") is None
    assert live.LEASE_SECONDS + live.RENEW < 30


def test_one_that_lost_its_lease_stops(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RENEW", 0.2)
    follow()
    made = make("mine")

    async def use() -> None:
        await until(lambda: server.exchange.streams.connections)
        with db.engine.session() as session:
            session.execute(delete(Lease))
            assert leases.take(session, made.lease, "somebody else", seconds=60)
        await until(lambda: not server.exchange.streams.connections)

    run(made, use)
    with db.engine.session() as session:
        lease = leases.current(session, made.lease)
        assert lease is not None
        assert lease.holder == "somebody else"


def test_without_redis_minutes_are_stored_and_nothing_ends(server: Server) -> None:
    market = follow(until_ms=now_ms() - MINUTE_MS)
    job_queue.connect("redis://127.0.0.1:1/0")
    last = int(stored(market).time[-1])
    closed = demo_minutes(last + MINUTE_MS, last + MINUTE_MS)
    store_minute(market, [float(column[0]) for column in closed.columns()])
    assert not publish(Followed(market, price=1.0, time=now_ms()))
    assert int(stored(market).time[-1]) == last + MINUTE_MS


def test_without_postgresql_prices_go_on_with_the_minute_alone(server: Server, redis: Redis) -> None:
    market = follow()
    db.engine.connect("postgresql://bolt:x@127.0.0.1:1/bolt")
    minute = [float(MINUTE.floor(now_ms())), 1.0, 2.0, 0.5, 1.5, 3.0]
    assert publish(Followed(market, minute=minute, price=1.5, time=now_ms(), change=-0.0123))
    tick = told(redis)[-1]
    assert tick["bars"] == {"1m": minute}
    assert tick["change"] == -0.0123


def test_where_no_stream_answers_the_newest_stored_minute_is_told_once(server: Server, redis: Redis) -> None:
    market = follow()
    newest = stored(market)
    stand_in = StandIn()
    assert stand_in.tell([market]) == 1
    assert stand_in.tell([market]) == 0
    (tick,) = told(redis)
    assert tick["source"] == "candles"
    assert tick["price"] == newest.close[-1]
    assert tick["time"] == newest.time[-1] + MINUTE_MS
    hour = tick["bars"]["1h"]
    assert hour[0] == TIMEFRAMES["1h"].floor(int(newest.time[-1]))
    assert hour[4] == newest.close[-1]


def test_an_exchange_whose_stream_is_refused_is_told_from_what_is_stored(server: Server, redis: Redis) -> None:
    follow()
    server.fault("refuse")
    made = make(silence_s=0.4)
    run(made, lambda: until(lambda: [tick for tick in told(redis) if tick["source"] == "candles"]))


def test_quiet_markets_are_waited_for_longer_and_a_dead_stream_is_not() -> None:
    job_queue.connect("redis://127.0.0.1:1/0")
    made = make()
    waited = [made._silent(quiet=True).sentence.split(" for ")[1].split(" s")[0] for _ in range(5)]
    assert waited == ["30", "60", "120", "240", "240"]
    made._silent(quiet=False)
    assert made._patience_s == live.SILENCE_S


def test_what_a_stream_did_is_counted_for_everybody(server: Server, redis: Redis) -> None:
    follow()
    made = make()

    async def use() -> None:
        await until(lambda: told(redis)[2:])
        server.fault("drop", count=1)
        await until(lambda: made.connections >= 2)

    run(made, use)
    made.counts.flush()
    counted = tallies.read(SharedNumbers(redis), tallies.STREAM + "demo")
    assert counted["opened"] >= 2
    assert counted["ended"] >= 1
    assert counted["ticks"] >= 3
    assert abs(counted[tallies.HEARD] - time.time()) < 30


def test_the_past_is_read_at_the_minutes_beginning_and_once_more_late_in_it() -> None:
    start = 1_714_996_800_000.0
    state = Followed(Market(), minute=[start, 1.0, 1.0, 1.0, 1.0, 1.0], time=int(start) + 500)
    assert state.needs_past()
    state.before_of = int(start)
    assert not state.needs_past()
    state.time += live_told.CLOSED_LATE_MS
    assert state.needs_past()
    state.complete = True
    assert not state.needs_past()
    assert from_ms(int(start)).second == 0
    assert forming.spans(int(start))[0] % MINUTE_MS == 0


def test_the_process_follows_and_ends_on_sigterm(server: Server, redis: Redis, postgres: Any, redis_url: str) -> None:
    follow()
    env = dict(os.environ) | {"DATABASE_URL": postgres.url, "REDIS_URL": redis_url}
    process = subprocess.Popen([sys.executable, "-m", "workers", "live", "--exchange", "demo"], env=env)
    try:
        over = time.monotonic() + 90
        while not told(redis):
            assert time.monotonic() < over
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
    with db.engine.session() as session:
        assert leases.current(session, "live:demo") is None
