"""Ticks through a real Redis: the channel, the backlog, the last of each market."""

import json
import time

import pytest
from redis import Redis

from core import ticks
from core.ticks import Tick

BTC = Tick("demo", "BTC/USDT", 64_000.5, 1_700_000_000_000, bars={"1m": [1_699_999_980_000, 1.0, 2.0, 0.5, 1.5, 7.0]})


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


def test_who_listens_hears_price_time_and_forming_candle(redis: Redis) -> None:
    listener = redis.pubsub()
    listener.psubscribe(ticks.CHANNEL + "*")
    listener.get_message(timeout=2)
    told_id = ticks.publish(redis, BTC)
    message = listener.get_message(timeout=2)
    assert message is not None
    assert message["channel"] == b"bolt:tick:demo:BTC/USDT"
    told = json.loads(message["data"])
    assert told == {
        "id": told_id,
        "market": "demo/BTC-USDT",
        "price": 64_000.5,
        "change": None,
        "time": 1_700_000_000_000,
        "source": "klines",
        "candle": [1_699_999_980_000, 1.0, 2.0, 0.5, 1.5, 7.0],
        "bars": {"1m": [1_699_999_980_000, 1.0, 2.0, 0.5, 1.5, 7.0]},
    }
    heard = ticks.heard(message["channel"], message["data"])
    assert heard is not None
    assert (heard.id, heard.market) == (told_id, "demo:BTC/USDT")
    listener.close()


def test_ids_grow_and_what_was_missed_is_told_again(redis: Redis) -> None:
    ids = [ticks.publish(redis, BTC) for _ in range(5)]
    assert sorted(ids, key=ticks.position) == ids
    missed = ticks.since(redis, ids[1])
    assert [told.id for told in missed] == ids[2:]
    assert json.loads(missed[0].text)["id"] == ids[2]
    assert ticks.since(redis, ids[-1]) == []


def test_the_last_tick_of_each_market_is_kept(redis: Redis) -> None:
    ticks.publish(redis, BTC)
    newest = ticks.publish(redis, BTC)
    found = ticks.last(redis, ["demo:BTC/USDT", "demo:ETH/USDT"])
    assert [(told.id, told.market) for told in found] == [(newest, "demo:BTC/USDT")]
    assert ticks.last(redis, []) == []


def test_the_backlog_is_bounded(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "KEPT", 200)
    for _ in range(900):
        ticks.publish(redis, BTC)
    assert int(redis.xlen(ticks.BACKLOG)) < 500


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b'"x"', b"\xff"])
def test_what_is_no_tick_is_not_heard(data: bytes) -> None:
    assert ticks.heard(b"bolt:tick:demo:BTC/USDT", data) is None


def test_a_tick_without_an_id_is_heard_without_one() -> None:
    for data in (b'{"price":1}', b'{"id":"x\\nevent: y","price":1}', b'{"id":7}'):
        heard = ticks.heard(b"bolt:tick:demo:BTC/USDT", data)
        assert heard is not None
        assert heard.id == ""


def test_prices_that_are_no_numbers_are_not_told() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Tick("demo", "BTC/USDT", float("nan"), 1).text()


def test_positions_compare_as_numbers() -> None:
    assert ticks.position("9-2") < ticks.position("10-1") < ticks.position(f"{int(time.time() * 1000)}-0")
    assert ticks.position("") == ticks.position("x-1") == (0, 0)
