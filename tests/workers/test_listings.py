"""The exchanges' lists of markets are read; an exchange that fails keeps what it listed before."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

import core.clock
import core.settings
import db.engine
from core.errors import ExchangeUnavailable
from db.queries import listings
from market.gateway import ListedMarket
from workers import listings as worker
from workers.context import JobContext

LISTED = [
    ListedMarket("BTC/USDT", 2, True),
    ListedMarket("OLD/USDT", 2, False),
    ListedMarket("no symbol", None, True),
    ListedMarket("ETH/BTC", None, True),
]


class Gateway:
    def __init__(self, listed: list[ListedMarket] | None) -> None:
        self.listed = listed

    def markets(self) -> list[ListedMarket]:
        if self.listed is None:
            raise ExchangeUnavailable("It does not answer.")
        return self.listed


@pytest.fixture
def context(database: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobContext]:
    answers = {"binance": Gateway(LISTED), "kraken": Gateway(None)}
    made = JobContext(core.settings.read({"EXCHANGES": "binance,kraken"}), "test", 1)
    monkeypatch.setattr(JobContext, "gateway", lambda _self, name: answers[name])
    monkeypatch.setattr(JobContext, "check_cancelled", lambda _self: None)
    yield made


def test_active_markets_with_a_symbol_are_kept_and_a_failure_stops_nobody(context: JobContext) -> None:
    with db.engine.session() as session:
        listings.put(session, "kraken", {"BTC/USD": 1}, now=core.clock.utc_now() - worker.GOOD_FOR)
    told = worker.read_listings(context)
    assert told == {"listed": {"binance": 2}, "failed": {"kraken": "It does not answer."}}
    with db.engine.session() as session:
        assert [row.symbol for row in listings.search(session, "", exchange="binance")] == ["BTC/USDT", "ETH/BTC"]
        assert listings.count(session, "", exchange="kraken") == 1
    again = worker.read_listings(context)
    assert again == {"listed": {}, "failed": {"kraken": "It does not answer."}}
