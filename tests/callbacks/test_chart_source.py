"""What the chart says while the exchange it comes from is silent."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from callbacks import chart_source, chart_view
from db.queries import sources
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
