"""What the chart says while the exchange it comes from is silent."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from callbacks import chart_source, chart_view
from core.market_name import parse
from db.queries import markets, sources
from tests.candle_data import store, walk

NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)


def strip(session: Session) -> str:
    view = chart_view.read({"market": "binance/BTC-USDT", "tf": "1h"}, now=NOW)
    stands = chart_view.place(session, view)
    assert stands is not None
    return str(chart_source.stand_in(session, stands))


@pytest.fixture(autouse=True)
def two_exchanges(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(50), followed=True)
    store(session, "kraken:BTC/USDT", walk(50))
    sources.record(session, "kraken", "ok", now=NOW)


@pytest.mark.parametrize("state", ["ok", "waiting"])
def test_a_source_that_answers_or_waits_needs_no_word(session: Session, state: str) -> None:
    sources.record(session, "binance", state, now=NOW)
    assert strip(session) == "None"


@pytest.mark.parametrize(("state", "why"), [("blocked", "refuses this address"), ("down", "does not answer")])
def test_the_same_symbol_of_another_exchange_is_offered_with_the_reason(session: Session, state: str, why: str) -> None:
    sources.record(session, "binance", state, now=NOW)
    said = strip(session)
    assert f"binance {why}" in said
    assert "/charts/kraken/BTC-USDT?tf=1h" in said


def test_an_exchange_that_is_silent_too_is_not_offered(session: Session) -> None:
    sources.record(session, "binance", "blocked", now=NOW)
    sources.record(session, "kraken", "down", now=NOW)
    said = strip(session)
    assert "kraken" not in said
    assert "/markets" in said


def test_a_market_nobody_follows_needs_no_source(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(50), followed=False)
    sources.record(session, "binance", "down", now=NOW)
    assert strip(session) == "None"


def place(session: Session) -> chart_view.Place:
    view = chart_view.read({"market": "binance/BTC-USDT", "tf": "1h"}, now=NOW)
    stands = chart_view.place(session, view)
    assert stands is not None
    return stands


def serve(session: Session, name: str = "kraken:BTC/USDT", *, candles: int = 40) -> int:
    """Let another market serve in place of binance:BTC/USDT."""
    own, other = place(session).market, markets.get_or_create(session, parse(name))
    if candles:
        other = store(session, name, walk(candles, seed=9))
    sources.begin(session, own.id, other.id, reason="binance does not answer", automatic=True, now=NOW)
    session.commit()
    return other.id


def test_the_chart_switches_to_the_stand_in_and_says_so(session: Session) -> None:
    other_id = serve(session)
    shown = chart_source.switched(session, place(session))
    assert (shown.market.id, str(shown.name), str(shown.asked)) == (other_id, "kraken:BTC/USDT", "binance:BTC/USDT")
    assert shown.series["1h"].rows == 50
    assert shown.shown.path == "binance/BTC-USDT"  # the address stays, so that it goes back by itself
    said = strip(session)
    assert "Binance does not answer. Since Sun 29 Dec 2024, 23:41 UTC Kraken serves BTC/USDT in its place." in said
    assert "near" not in said


def test_another_quote_is_said_plainly(session: Session) -> None:
    serve(session, "coinbase:BTC/USD")
    assert "Coinbase serves BTC/USD in its place: USD is near USDT, but not the same price." in strip(session)


def test_until_the_stand_in_has_candles_the_old_ones_are_shown_as_such(session: Session) -> None:
    serve(session, "coinbase:BTC/USD", candles=0)
    stands = place(session)
    assert chart_source.switched(session, stands) is stands
    assert "its candles are being fetched, these are older." in strip(session)


def test_it_goes_back_when_the_stand_in_has_ended(session: Session) -> None:
    serve(session)
    stands = place(session)
    sources.end(session, sources.stand_ins(session)[stands.market.id], now=NOW)
    assert chart_source.switched(session, stands) is stands
    assert strip(session) == "None"
