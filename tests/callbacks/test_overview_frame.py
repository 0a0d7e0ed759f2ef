"""A row of the watch-list whose exchange is silent: it shows who serves in its place, says so, and goes back."""

from typing import Any

import pytest
from redis import Redis
from sqlalchemy.orm import Session

from core import ticks
from core.clock import to_ms, utc_now
from core.market_name import parse
from core.roles import Role
from core.ticks import Tick
from core.timeframe import TIMEFRAMES
from db.queries import markets, sources, watchlists
from market import watch
from tests.candle_data import store, walk
from tests.fire import fire
from tests.web import SignIn

HOUR = 3_600_000
TICK = {"overview-tick.n_intervals": 0, "overview-done.data": None}


@pytest.fixture
def own(session: Session) -> int:
    """A followed market of Binance whose newest candle is two days old."""
    end = TIMEFRAMES["1h"].floor(to_ms(utc_now()))
    made = walk(300, start_ms=end - 348 * HOUR, seed=1, price=900.0)
    return store(session, "binance:BTC/USDT", made, followed=True).id


def serve(session: Session, own: int, name: str = "kraken:BTC/USDT", *, candles: int = 300) -> float:
    """Let another market stand in for it; the close of its newest candle."""
    end, close = TIMEFRAMES["1h"].floor(to_ms(utc_now())), 0.0
    other = markets.get_or_create(session, parse(name), price_decimals=1)
    if candles:
        made = walk(candles, start_ms=end - candles * HOUR, seed=2, price=500.0)
        other, close = store(session, name, made, followed=True), float(made.close[-1])
    other.followed, other.price_decimals = True, 1
    session.flush()
    sources.begin(session, own, other.id, reason="binance does not answer", automatic=True, now=utc_now())
    session.commit()
    return close


def shown(client: Any) -> tuple[list[dict[str, Any]], str]:
    told = fire(client, TICK, output="overview-frame").get_json()["response"]
    return told["overview-frame"]["data"]["rows"], str(told["overview-head"]["children"])


def test_a_row_shows_the_price_of_the_stand_in_and_stays_the_row_of_its_person(
    signed_in: SignIn, session: Session, own: int
) -> None:
    client = signed_in(Role.VIEWER)
    close = serve(session, own)
    (row,), head = shown(client)
    assert (row["id"], row["path"], row["exchange"], row["last"]) == (own, "binance/BTC-USDT", "binance", close)
    assert row["at"] == TIMEFRAMES["1h"].floor(to_ms(utc_now()))
    assert (row["served"]["path"], row["served"]["exchange"], row["served"]["quote"]) == (
        "kraken/BTC-USDT",
        "kraken",
        "USDT",
    )
    assert "Kraken serves BTC/USDT in its place" in row["served"]["why"]
    assert "Binance does not answer." in head
    assert "Kraken stands in for it: " in head
    assert "It goes back by itself" in head
    assert "is stale" not in head


def test_all_figures_of_a_row_are_of_one_market(signed_in: SignIn, session: Session, own: int) -> None:
    client = signed_in(Role.VIEWER)
    serve(session, own)
    (row,), _ = shown(client)
    other = markets.get(session, parse("kraken:BTC/USDT"))
    (alone,) = watch.read(session, [other.id], now_ms=to_ms(utc_now()))
    assert alone.figures is not None
    assert (row["volume"], row["dec"]) == (alone.figures.volume, 1)
    assert row["past"] == alone.figures.past
    assert row["spark"] == ",".join("" if height is None else str(height) for height in alone.figures.spark)


def test_its_ticks_are_those_of_the_stand_in(signed_in: SignIn, session: Session, own: int, redis_url: str) -> None:
    client, redis = signed_in(Role.VIEWER), Redis.from_url(redis_url)
    serve(session, own)
    ticks.publish(redis, Tick("binance", "BTC/USDT", 1.0, to_ms(utc_now()) + 9))
    ticks.publish(redis, Tick("kraken", "BTC/USDT", 777.5, to_ms(utc_now()) + 5))
    (row,), _ = shown(client)
    assert row["last"] == 777.5


def test_another_quote_is_said_plainly(signed_in: SignIn, session: Session, own: int) -> None:
    client = signed_in(Role.VIEWER)
    serve(session, own, "coinbase:BTC/USD")
    (row,), head = shown(client)
    assert (row["quote"], row["served"]["quote"]) == ("USDT", "USD")
    assert "USD is near USDT, but not the same price." in row["served"]["why"]
    assert "Coinbase stands in for it: " in head


def test_until_the_stand_in_has_candles_the_row_is_its_own_and_stale(
    signed_in: SignIn, session: Session, own: int
) -> None:
    client = signed_in(Role.VIEWER)
    serve(session, own, candles=0)
    (row,), head = shown(client)
    assert "served" not in row
    assert "Binance is stale." in head
    assert "stands in" not in head


def test_the_row_goes_back_when_its_exchange_answers_again(signed_in: SignIn, session: Session, own: int) -> None:
    client = signed_in(Role.VIEWER)
    before = shown(client)[0][0]["last"]
    close = serve(session, own)
    assert shown(client)[0][0]["last"] == close
    sources.end(session, sources.stand_ins(session)[own], now=utc_now())
    session.commit()
    (row,), head = shown(client)
    assert (row["last"], "served" in row) == (before, False)
    assert "Binance is stale." in head


def test_a_list_nobody_changed_does_not_grow_by_stand_ins(session: Session, signed_in: SignIn, own: int) -> None:
    user_id = signed_in(Role.VIEWER).user_id  # type: ignore[attr-defined]
    serve(session, own)
    assert watchlists.shown(session, user_id).market_ids == (own,)
    sources.end(session, sources.stand_ins(session)[own], now=utc_now())
    assert watchlists.shown(session, user_id).market_ids == (own,)
