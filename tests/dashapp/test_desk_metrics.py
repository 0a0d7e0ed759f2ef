"""What /metrics says about sources, candles, holes, queues and the scheduler."""

from datetime import timedelta

import pytest
from prometheus_client.core import CollectorRegistry
from redis import Redis
from sqlalchemy.orm import Session

from core import clock_offsets, job_queue
from core.clock import from_ms, utc_now
from core.jobs import TOP_UP
from core.market_name import parse
from core.shared import SharedNumbers
from core.throttle import Throttle
from core.timeframe import TIMEFRAMES
from dashapp.desk_metrics import DeskCollector
from db.queries import gaps, jobs, leases, markets, sources
from market.gateway import NotCandles
from tests.candle_data import START_MS, store, walk
from tests.demo.server import running
from tests.market.test_guarded_gateway import make


@pytest.fixture
def desk(session: Session, redis_url: str):
    """`desk(name, **labels)` reads one sample."""
    job_queue.connect(redis_url)
    registry = CollectorRegistry()
    registry.register(DeskCollector())
    return lambda name, **labels: registry.get_sample_value(f"bolt_{name}", labels)


def test_sources_say_whether_they_answer_and_until_when_to_wait(session: Session, desk) -> None:
    until = utc_now() + timedelta(seconds=60)
    sources.record(session, "binance", "ok", now=utc_now())
    sources.record(session, "kraken", "waiting", now=utc_now(), wait_until=until)
    session.commit()
    assert [desk("exchange_up", exchange=name) for name in ("binance", "kraken")] == [1, 0]
    assert desk("exchange_backoff_until_seconds", exchange="kraken") == pytest.approx(until.timestamp())
    assert desk("exchange_breaker_state", exchange="binance") == 0


def test_refused_rows_and_errors_of_every_process_are_counted(session: Session, desk, redis_url: str) -> None:
    with running() as server:
        gateway = make(server, Redis.from_url(redis_url))
        server.fault("negative", every=5)
        with pytest.raises(NotCandles) as refused:
            now = int(utc_now().timestamp() * 1_000)
            gateway.candles("BTC/USDT", "1h", since_ms=now - 20 * 3_600_000, limit=20)
    (rows,) = refused.value.reasons.values()
    assert (
        desk("candles_rejected_total", exchange="demo", reason="not_positive") == rows
    )  # asked for three times, and still the same rows
    assert desk("exchange_errors_total", exchange="demo", kind="garbage") == 3


def test_lag_and_holes_of_followed_series(session: Session, desk) -> None:
    made = walk(100)
    cut = made[(made.time < made.time[50]) | (made.time >= made.time[57])]
    market = store(session, "binance:BTC/USDT", cut, followed=True)
    store(session, "binance:ETH/USDT", walk(100))
    gaps.note(session, market.id, "1h", gaps.holes(session, market.id, TIMEFRAMES["1h"]), now=utc_now())
    session.commit()
    late = (utc_now() - from_ms(START_MS + 100 * 3_600_000)).total_seconds()
    labels = {"exchange": "binance", "timeframe": "1h"}
    assert desk("candle_lag_seconds", symbol="BTC/USDT", **labels) == pytest.approx(late, abs=30)
    assert desk("candle_lag_seconds", symbol="ETH/USDT", **labels) is None
    assert (desk("candle_gaps", state="open"), desk("candle_gaps", state="confirmed")) == (1, 0)


def test_queues_and_the_scheduler(session: Session, desk) -> None:
    jobs.create(session, TOP_UP, {})
    leases.take(session, "scheduler", "me", seconds=20)
    session.commit()
    assert (desk("queue_jobs", queue="now"), desk("queue_jobs", queue="train")) == (1, 0)
    assert desk("queue_age_seconds", queue="market") >= 0
    assert desk("scheduler_last_tick_timestamp_seconds") == pytest.approx(utc_now().timestamp(), abs=30)


def test_used_weight_and_stand_ins_are_told(session: Session, desk, redis_url: str) -> None:
    own, other = (markets.get_or_create(session, parse(name)) for name in ("binance:BTC/USDT", "kraken:BTC/USDT"))
    sources.record(session, "binance", "blocked", now=utc_now())
    sources.begin(session, own.id, other.id, reason="binance refuses this address", automatic=True, now=utc_now())
    session.commit()
    shared = SharedNumbers(Redis.from_url(redis_url))
    Throttle(shared, "binance", interval_s=0.5).take(3)
    assert desk("exchange_used_weight", exchange="binance") in (3.0, 0.0)  # nought where the minute has just ended
    assert desk("markets_served_by_others", exchange="binance") == 1


def test_clocks_that_differ_are_told(session: Session, desk, redis_url: str) -> None:
    clock_offsets.note(SharedNumbers(Redis.from_url(redis_url)), "binance", -95.0)
    assert desk("exchange_clock_offset_seconds", exchange="binance") == -95.0
