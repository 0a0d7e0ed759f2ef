"""Real messages of Kraken, Coinbase and Binance through ccxt.pro's own handlers, as a live process hears them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from core.clock import to_ms
from core.errors import ExchangeUnavailable
from market.ccxt_live import Feed, Minute, Price
from tests.market import recorded_streams as recorded
from tests.market.stream_server import Answer, follow, take

MINUTE = 60_000


def listed(name: str, symbol: str) -> dict[str, Any]:
    base, quote = symbol.split("/")
    return {"id": name, "symbol": symbol, "base": base, "quote": quote, "type": "spot", "spot": True}


KRAKEN = [listed("XBTUSDT", "BTC/USDT"), listed("ALGOUSD", "ALGO/USD")]
COINBASE = [listed("BTC-USD", "BTC/USD"), listed("DOGE-USD", "DOGE/USD")]


def at(text: str) -> int:
    """Milliseconds UTC of a time as the exchanges write it."""
    return to_ms(datetime.fromisoformat(text))


def of_channel(*messages: str) -> Answer:
    """Each channel's own messages, in order, and those of no channel with whichever is asked for."""
    told = [(json.loads(message), message) for message in messages]

    def answer(order: dict[str, Any]) -> list[Any]:
        wanted = order.get("channel") or order["params"]["channel"]
        others = {"ticker", "ohlc", "ticker_batch"} - {wanted}
        return [text for message, text in told if message.get("channel") not in others]

    return answer


def rows(message: str) -> list[list[float]]:
    """Time and OHLCV of the minutes of a Kraken message, read without ccxt."""
    names = ("open", "high", "low", "close", "volume")
    return [[at(row["interval_begin"]), *(row[name] for name in names)] for row in json.loads(message)["data"]]


# Kraken


def hear_kraken(*messages: str) -> list[Minute]:
    """Every minute that is told of recorded messages, up to the newest one."""
    newest = max(row[0] for message in messages if '"ohlc","type"' in message for row in rows(message))

    async def use(feed: Feed) -> list[Minute]:
        told = await take(feed, Minute, 1)
        while told[-1].final or told[-1].bar[0] != newest:
            told += await take(feed, Minute, 1)
        return told

    heard: list[Minute] = follow("kraken", KRAKEN, of_channel(*messages), use, now_ms=at("2026-09-10T17:44:43Z"))
    return heard


def test_a_recorded_minute_of_kraken_is_final_with_its_successor_and_as_the_snapshot_after_it_says() -> None:
    told = hear_kraken(recorded.KRAKEN_SUBSCRIBED, recorded.KRAKEN_UPDATE, recorded.KRAKEN_SNAPSHOT)
    finals = [one for one in told if one.final]
    assert [one.bar for one in finals] == rows(recorded.KRAKEN_UPDATE)
    assert finals[0].bar in rows(recorded.KRAKEN_SNAPSHOT)
    assert {one.symbol for one in told} == {"BTC/USDT"}
    nobody_traded = {at(f"2026-09-10T17:{minute}:00Z") for minute in (36, 37, 42)}
    assert nobody_traded.isdisjoint(one.bar[0] for one in told)


def test_of_a_recorded_snapshot_of_kraken_only_the_newest_minute_is_told_as_it_runs() -> None:
    told = hear_kraken(recorded.KRAKEN_STATUS, recorded.KRAKEN_SUBSCRIBED, recorded.KRAKEN_SNAPSHOT)
    assert [(one.bar, one.final) for one in told] == [(rows(recorded.KRAKEN_SNAPSHOT)[-1], False)]


def test_kraken_s_words_about_itself_are_no_news_and_a_refused_market_harms_no_other() -> None:
    chatter = (recorded.KRAKEN_STATUS, recorded.KRAKEN_HEARTBEAT, recorded.KRAKEN_REFUSED, recorded.KRAKEN_HEARTBEAT)
    told = hear_kraken(*chatter, recorded.KRAKEN_SNAPSHOT)
    assert [one.bar for one in told] == rows(recorded.KRAKEN_SNAPSHOT)[-1:]


def test_prices_of_kraken_are_those_of_its_documentation_and_of_the_wire() -> None:
    answer = of_channel(recorded.KRAKEN_TICKER_DOCUMENTED, recorded.KRAKEN_TICKER)
    now_ms = at("2026-09-07T17:10:52Z")
    told = follow("kraken", KRAKEN, answer, lambda feed: take(feed, Price, 2), now_ms=now_ms)
    assert [(one.symbol, one.price, one.change) for one in told] == [
        ("ALGO/USD", 0.10035, -0.0017),
        ("BTC/USDT", 79_102.6, -0.0066),
    ]


# Coinbase


def hear_coinbase(count: int, *messages: str) -> list[Price]:
    now_ms = at("2026-09-01T10:16:19Z")
    told: list[Price] = follow(
        "coinbase", COINBASE, of_channel(*messages), lambda feed: take(feed, Price, count), now_ms=now_ms
    )
    return told


def test_prices_of_coinbase_are_those_of_its_documentation_and_of_the_wire() -> None:
    chatter = (recorded.COINBASE_SUBSCRIBED, recorded.COINBASE_HEARTBEAT)
    told = hear_coinbase(3, *chatter, recorded.COINBASE_DOCUMENTED, recorded.COINBASE_DOGE, recorded.COINBASE_BATCH)
    assert [(one.symbol, one.price, one.change) for one in told] == [
        ("BTC/USD", 21_932.98, -0.04157756),
        ("DOGE/USD", 0.08212, 0.00501775),
        ("BTC/USD", 77_863.33, -0.00709984),
    ]
    assert told[2].time == at("2026-09-01T10:16:18.822Z")


def test_a_recorded_ticker_of_no_product_takes_no_other_market_with_it() -> None:
    told = hear_coinbase(2, recorded.COINBASE_EMPTY, recorded.COINBASE_DOGE, recorded.COINBASE_BATCH)
    assert [(one.symbol, one.price) for one in told] == [("DOGE/USD", 0.08212), ("BTC/USD", 77_863.33)]


def test_a_recorded_error_of_coinbase_ends_the_connection() -> None:
    with pytest.raises(ExchangeUnavailable, match="coinbase"):
        hear_coinbase(1, recorded.COINBASE_ERROR, recorded.COINBASE_BATCH)


# Binance


@pytest.mark.shared
def test_each_recorded_minute_of_binance_is_told_as_the_file_says(shared: Path) -> None:
    streams = json.loads((shared / "exchange" / "binance_ws_recorded.json").read_text())["streams"]
    messages = [message["data"] for message in streams["kline_1m"]]
    markets = [listed("NKNUSDT", "NKN/USDT"), listed("LRCBTC", "LRC/BTC")]

    def answer(order: dict[str, Any]) -> list[Any]:
        return messages if any("kline" in name for name in order["params"]) else []

    told: list[Minute] = follow(
        "binance",
        markets,
        answer,
        lambda feed: take(feed, Minute, len(messages)),
        now_ms=max(message["E"] for message in messages),
    )
    by_id = {market["id"]: market["symbol"] for market in markets}
    said = [message["k"] for message in messages]
    assert [(one.symbol, one.bar, one.final) for one in told] == [
        (by_id[k["s"]], [k["t"], *(float(k[name]) for name in "ohlcv")], k["x"]) for k in said
    ]
