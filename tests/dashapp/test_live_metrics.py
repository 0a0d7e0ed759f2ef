"""What /metrics says about streams of exchanges and to browsers."""

import pytest
from flask import Flask
from prometheus_client.core import CollectorRegistry
from redis import Redis
from sqlalchemy.orm import Session

from core import job_queue, tallies, ticks
from core.shared import SharedNumbers
from core.tallies import Tallies
from core.ticks import Tick
from dashapp import live_hub
from dashapp.desk_metrics import DeskCollector
from tests.candle_data import store, walk
from tests.dashapp.test_stream import BTC, Open, listed, listening, open_stream, subscribed, until, viewer

__all__ = ["listed", "open_stream", "viewer"]


@pytest.fixture
def said(session: Session, redis_url: str):
    """`said(name, **labels)` reads one sample."""
    job_queue.connect(redis_url)
    registry = CollectorRegistry()
    registry.register(DeskCollector())
    return lambda name, **labels: registry.get_sample_value(f"bolt_{name}", labels)


def test_streams_of_followed_exchanges_say_what_became_of_them(session: Session, said, redis_url: str) -> None:
    store(session, "binance:BTC/USDT", walk(10), followed=True)
    counts = Tallies(SharedNumbers(Redis.from_url(redis_url)), tallies.STREAM + "binance")
    for word, n in {"opened": 4, "ended": 3, "silent": 1, "ticks": 700, "stood_in": 2}.items():
        counts.add(word, n)
    counts.mark(tallies.HEARD, 1_700_000_000.5)
    counts.flush()
    assert said("stream_connections_total", exchange="binance") == 4
    assert said("stream_ends_total", exchange="binance", reason="silent") == 1
    assert said("stream_ends_total", exchange="binance", reason="fault") == 2
    assert said("stream_ticks_total", exchange="binance", source="stream") == 700
    assert said("stream_ticks_total", exchange="binance", source="candles") == 2
    assert said("stream_last_message_timestamp_seconds", exchange="binance") == 1_700_000_000.5
    assert said("stream_connections_total", exchange="kraken") is None


def test_browsers_streams_ticks_and_their_lag_are_counted(
    open_stream: Open, app: Flask, said, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub, "COUNTED", 0.1)
    monkeypatch.setattr(live_hub, "LOOK", 0.1)
    redis = Redis.from_url(redis_url)
    names = ("live_ticks_total", "live_dropped_total", "live_lag_seconds_count", "live_lag_seconds_sum")
    before = {name: said(name) or 0 for name in names}  # other tests of this process counted as well
    both = [open_stream(BTC) for _ in range(2)]
    listening(app, 2)
    subscribed(app)
    for n in range(4):  # the first may still be told as what was missed before, which counts as no tick of now
        ticks.publish(redis, Tick("binance", "BTC/USDT", 64_000.0 + n, 1_700_000_000_000))
        for one in both:
            assert one.tick()["price"] == 64_000.0 + n

    def counted(name: str) -> float:
        return said(name) - before[name]

    until(lambda: 6 <= counted("live_ticks_total") == counted("live_lag_seconds_count") <= 8)
    assert said("live_streams") == 2
    assert said("live_dropped_total") == before["live_dropped_total"]
    assert said("live_lag_seconds_bucket", le="+Inf") == said("live_lag_seconds_count")
    assert 0 <= said("live_lag_seconds_sum") - before["live_lag_seconds_sum"] < 8
    for one in both:
        one.close()
