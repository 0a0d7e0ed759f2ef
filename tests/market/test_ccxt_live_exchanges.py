"""Kraken's and Coinbase's messages through ccxt.pro's own handlers, told by a server on loopback.

The messages have the shape of the exchanges' public documentation; prices and times are our own. Real ones are played
in `test_recorded_streams`.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from core.errors import ExchangeUnavailable
from market.ccxt_live import Feed, Minute, Price
from tests.market.stream_server import Answer, take
from tests.market.stream_server import follow as follow_at

NOON = 1_714_996_800_000  # 2024-05-06 12:00 UTC
MINUTE = 60_000
KRAKEN = [{"id": "XXBTZUSD", "symbol": "BTC/USD", "base": "BTC", "quote": "USD", "type": "spot", "spot": True}]
COINBASE = [{"id": "BTC-USD", "symbol": "BTC/USD", "base": "BTC", "quote": "USD", "type": "spot", "spot": True}]
follow = partial(follow_at, now_ms=NOON + 2 * MINUTE + 30_000)


def stamp(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")


def ohlc(kind: str, *bars: tuple[int, float, float, float, float, float]) -> dict[str, Any]:
    """What Kraken's `ohlc` channel says of minutes: `kind` is snapshot or update."""
    names = ("open", "high", "low", "close", "volume")
    data = [
        {"symbol": "BTC/USD", "interval": 1, "interval_begin": stamp(at), "trades": 3, "vwap": values[0]}
        | dict(zip(names, values, strict=True))
        for at, *values in bars
    ]
    return {"channel": "ohlc", "type": kind, "timestamp": stamp(bars[-1][0]), "data": data}


def kraken_ticker(last: float, percent: float) -> dict[str, Any]:
    data = {"symbol": "BTC/USD", "bid": last - 0.1, "bid_qty": 1.0, "ask": last, "ask_qty": 2.0, "last": last}
    data |= {"volume": 1_500.5, "vwap": last, "low": last, "high": last, "change": 1.0, "change_pct": percent}
    return {"channel": "ticker", "type": "update", "data": [data]}


def coinbase_ticker(price: str, percent: str) -> dict[str, Any]:
    told = {"type": "ticker", "product_id": "BTC-USD", "price": price, "price_percent_chg_24_h": percent}
    told |= {"volume_24_h": "900.5", "low_24_h": price, "high_24_h": price, "best_bid": price, "best_ask": price}
    event = {"type": "update", "tickers": [told]}
    return {"channel": "ticker_batch", "timestamp": stamp(NOON), "sequence_num": 1, "events": [event]}


def kraken(*messages: dict[str, Any]) -> Answer:
    """Kraken's answers: each channel gets its own messages."""

    def answer(order: dict[str, Any]) -> list[dict[str, Any]]:
        if order.get("method") != "subscribe":
            return [{"method": "pong"}]
        channel = order["params"]["channel"]
        ack = {"method": "subscribe", "success": True, "result": {"channel": channel, "symbol": "BTC/USD"}}
        return [ack, *(message for message in messages if message["channel"] == channel)]

    return answer


def test_a_minute_of_kraken_is_final_once_the_next_one_is_told() -> None:
    first = (NOON + MINUTE, 100.0, 103.0, 99.0, 101.0, 2.5)
    moved = (NOON + MINUTE, 100.0, 103.5, 99.0, 103.5, 3.75)
    after = (NOON + 2 * MINUTE, 103.5, 103.5, 103.0, 103.0, 0.125)
    past = (NOON, 98.0, 100.0, 98.0, 100.0, 9.0)
    answer = kraken(
        ohlc("snapshot", past, first), ohlc("update", moved), ohlc("update", after), kraken_ticker(103.0, 1)
    )

    async def use(feed: Feed) -> list[Minute]:
        told = await take(feed, Minute, 1)
        while not (told[-1].bar[0] == after[0] and not told[-1].final):
            told += await take(feed, Minute, 1)
        return told

    told: list[Minute] = follow("kraken", KRAKEN, answer, use)
    finals = [one.bar for one in told if one.final]
    assert finals == [list(moved)]
    running = [one.bar for one in told if not one.final]
    assert list(past) not in running
    assert running[-1] == list(after)


def test_a_late_word_about_an_older_minute_of_kraken_changes_nothing() -> None:
    first = (NOON + MINUTE, 100.0, 103.0, 99.0, 101.0, 2.5)
    after = (NOON + 2 * MINUTE, 103.5, 103.5, 103.0, 103.0, 0.125)
    late = (NOON + MINUTE, 100.0, 999.0, 99.0, 999.0, 2.5)
    last = (NOON + 2 * MINUTE, 103.5, 104.0, 103.0, 104.0, 0.25)
    messages = [ohlc("snapshot", first), ohlc("update", after), ohlc("update", late), ohlc("update", last)]

    async def use(feed: Feed) -> list[Minute]:
        told = await take(feed, Minute, 1)
        while told[-1].bar != list(last):
            told += await take(feed, Minute, 1)
        return told

    told: list[Minute] = follow("kraken", KRAKEN, kraken(*messages), use)
    assert [one.bar for one in told if one.final] == [list(first)]
    assert all(999.0 not in one.bar for one in told)


def test_prices_of_kraken_come_with_the_change_of_a_day() -> None:
    (price,) = follow("kraken", KRAKEN, kraken(kraken_ticker(64_000.5, -2.41)), lambda feed: take(feed, Price, 1))
    assert (price.symbol, price.price, price.change) == ("BTC/USD", 64_000.5, -0.0241)


def test_a_minute_of_kraken_that_is_no_candle_ends_the_connection() -> None:
    wrong = (NOON + MINUTE, 100.0, 90.0, 99.0, 101.0, 2.5)
    with pytest.raises(ExchangeUnavailable, match="contradict each other"):
        follow("kraken", KRAKEN, kraken(ohlc("snapshot", wrong)), lambda feed: take(feed, Minute, 1))


def test_coinbase_tells_prices_and_no_minutes() -> None:
    def answer(order: dict[str, Any]) -> list[dict[str, Any]]:
        assert order["product_ids"] == ["BTC-USD"]
        subscribed = {"channel": "subscriptions", "events": [{"subscriptions": {order["channel"]: ["BTC-USD"]}}]}
        return [subscribed, coinbase_ticker("64000.25", "-1.5"), coinbase_ticker("64001.75", "-1.25")]

    async def use(feed: Feed) -> list[Price]:
        assert not feed.has_minutes
        return await take(feed, Price, 2)

    told = follow("coinbase", COINBASE, answer, use)
    assert [(one.price, one.change) for one in told] == [(64_000.25, -0.015), (64_001.75, -0.0125)]


def test_coinbase_s_ticker_without_a_price_is_none() -> None:
    def answer(_order: dict[str, Any]) -> list[dict[str, Any]]:
        return [coinbase_ticker("", "")]

    with pytest.raises(ExchangeUnavailable, match="coinbase"):
        follow("coinbase", COINBASE, answer, lambda feed: take(feed, Price, 1))
