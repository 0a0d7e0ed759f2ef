"""While an exchange is silent the next one serves its markets; nothing is mixed, and it goes back by itself."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

import core.settings
import db.engine
from core import job_queue, market_name
from core.clock import utc_now
from core.errors import ExchangeUnavailable
from core.jobs import BACKFILL
from db.queries import jobs, markets, sources
from db.queries.sources import StandIn
from market.gateway import ListedMarket
from workers import stand_ins
from workers.context import JobContext
from workers.stand_ins import switch_sources

LISTS = {"binance": ["BTC/USDT"], "coinbase": ["BTC/USD", "ETH/USD"], "kraken": ["BTC/USDT", "BTC/USD", "ETH/USD"]}


class Gateways:
    """What each exchange lists; one that is named in `failing` does not answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing: set[str] = set()

    def __call__(self, exchange: str) -> "Gateways.Listing":
        self.asked.append(exchange)
        return Gateways.Listing(exchange, exchange in self.failing)

    class Listing:
        def __init__(self, exchange: str, fails: bool) -> None:
            self.exchange, self.fails = exchange, fails

        def markets(self) -> list[ListedMarket]:
            if self.fails:
                raise ExchangeUnavailable("no answer")
            return [ListedMarket(symbol, 2, True) for symbol in LISTS[self.exchange]]


@pytest.fixture
def gateways(database: Engine, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateways]:
    job_queue.connect(redis_url)
    made = Gateways()
    monkeypatch.setattr(JobContext, "gateway", lambda _context, name, **_limits: made(name))
    return made


def run() -> dict:
    return switch_sources(JobContext(core.settings.read({}), "test", 1))


def follow(name: str, *, on: bool = True) -> int:
    with db.engine.session() as session:
        market = markets.get_or_create(session, market_name.parse(name))
        markets.set_followed(session, market.id, on)
        return market.id


def says(exchange: str, state: str, *, minutes_ago: float = 10, wait: datetime | None = None) -> None:
    """The exchange has said this for so long."""
    with db.engine.session() as session:
        then = utc_now() - timedelta(minutes=minutes_ago)
        sources.record(session, exchange, state, now=then, detail="why", wait_until=wait)
        sources.record(session, exchange, state, now=utc_now(), detail="why", wait_until=wait)


def serving() -> dict[int, StandIn]:
    with db.engine.session() as session:
        return sources.stand_ins(session)


def is_followed(name: str) -> bool:
    with db.engine.session() as session:
        return markets.get(session, market_name.parse(name)).followed


def test_a_blocked_exchange_is_served_by_the_next_that_lists_the_symbol(gateways: Gateways) -> None:
    market_id = follow("binance:BTC/USDT")
    says("binance", "blocked", minutes_ago=0)
    assert run() == {"begun": 1, "ended": 0, "alone": []}
    one = serving()[market_id]
    assert str(one.name) == "kraken:BTC/USDT"  # coinbase lists it against USD only
    assert (one.reason, one.same_symbol, one.automatic) == ("binance refuses this address", True, True)
    assert is_followed("kraken:BTC/USDT")
    with db.engine.session() as session:
        (job,) = jobs.latest(session, name=BACKFILL.name)
    assert (job.args, job.asked_by) == ({"market_id": one.stand_in_id}, "source chain")
    assert "binance" not in gateways.asked


def test_a_second_run_changes_nothing_and_asks_nobody(gateways: Gateways) -> None:
    follow("binance:BTC/USDT")
    says("binance", "blocked")
    run()
    gateways.asked.clear()
    assert run() == {"begun": 0, "ended": 0, "alone": []}
    assert gateways.asked == []


@pytest.mark.parametrize(("minutes", "begun"), [(1, 0), (4, 1)])
def test_one_that_is_down_is_waited_for_a_few_minutes(gateways: Gateways, minutes: int, begun: int) -> None:
    follow("binance:BTC/USDT")
    says("binance", "down", minutes_ago=minutes)
    assert run()["begun"] == begun


@pytest.mark.parametrize(("ahead", "begun"), [(-1, 0), (60, 1)])
def test_a_long_ban_counts_as_silence_until_it_ends(gateways: Gateways, ahead: int, begun: int) -> None:
    follow("binance:BTC/USDT")
    says("binance", "waiting", wait=utc_now() + timedelta(minutes=ahead))
    assert run()["begun"] == begun


def test_another_dollar_serves_where_nobody_has_the_quote(gateways: Gateways) -> None:
    market_id = follow("binance:ETH/USDT")
    says("binance", "blocked")
    run()
    assert str(serving()[market_id].name) == "coinbase:ETH/USD"
    assert not serving()[market_id].same_symbol


def test_other_quotes_have_no_equivalent_and_stay_alone(gateways: Gateways) -> None:
    follow("binance:ETH/BTC")
    says("binance", "blocked")
    assert run() == {"begun": 0, "ended": 0, "alone": ["binance:ETH/BTC"]}


def test_it_goes_back_once_the_first_exchange_has_answered_for_a_while(gateways: Gateways) -> None:
    market_id = follow("binance:BTC/USDT")
    says("binance", "blocked")
    run()
    says("binance", "ok", minutes_ago=0)
    assert run()["ended"] == 0
    with db.engine.session() as session:
        row = sources.get(session, "binance")
        assert row is not None
        row.since = utc_now() - timedelta(minutes=2)
    assert run()["ended"] == 1
    assert serving() == {}
    assert is_followed("binance:BTC/USDT")
    assert not is_followed("kraken:BTC/USDT")
    assert market_id


def test_a_stand_in_that_was_followed_before_or_meanwhile_stays_followed(gateways: Gateways) -> None:
    follow("binance:BTC/USDT")
    says("binance", "blocked")
    run()
    follow("kraken:BTC/USDT")
    says("binance", "ok")
    assert run()["ended"] == 1
    assert is_followed("kraken:BTC/USDT")


def test_a_stand_in_that_falls_silent_too_is_replaced(gateways: Gateways) -> None:
    market_id = follow("binance:BTC/USDT")
    says("binance", "blocked")
    run()
    says("kraken", "down")
    assert run() == {"begun": 1, "ended": 1, "alone": []}
    assert str(serving()[market_id].name) == "coinbase:BTC/USD"
    assert not is_followed("kraken:BTC/USDT")


def test_a_market_nobody_follows_any_more_needs_no_stand_in(gateways: Gateways) -> None:
    follow("binance:BTC/USDT")
    says("binance", "blocked")
    run()
    follow("binance:BTC/USDT", on=False)
    assert run() == {"begun": 0, "ended": 1, "alone": []}


def test_an_exchange_that_fails_now_is_passed_over(gateways: Gateways) -> None:
    market_id = follow("binance:BTC/USDT")
    says("binance", "blocked")
    gateways.failing = {"kraken"}
    run()
    assert str(serving()[market_id].name) == "coinbase:BTC/USD"


def test_the_demo_exchange_has_no_stand_in(gateways: Gateways) -> None:
    follow("demo:BTC/USDT")
    says("demo", "down")
    assert run() == {"begun": 0, "ended": 0, "alone": []}


def test_choosing_keeps_to_the_order_of_the_chain() -> None:
    listings = {name: {s: ListedMarket(s, 2, True) for s in symbols} for name, symbols in LISTS.items()}
    own = market_name.parse("other:BTC/USDT")
    assert str(stand_ins.choose(own, ("kraken", "binance"), listings)) == "kraken:BTC/USDT"
    assert str(stand_ins.choose(own, ("binance", "kraken"), listings)) == "binance:BTC/USDT"
