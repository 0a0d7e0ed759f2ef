"""Coins of our markets are found, and prices that differ from CoinGecko's are flagged."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

import core.settings
import db.engine
from core import job_queue
from core.clock import to_ms, utc_now
from core.errors import ExchangeUnavailable
from core.ohlcv import Candles
from core.timeframe import TIMEFRAMES
from db.queries import coins
from market import coingecko
from market.coingecko import ListedCoin
from tests.candle_data import store
from workers.coins import read_coins
from workers.context import JobContext

MINUTE = TIMEFRAMES["1m"]


def listed(symbol: str, cap: float | None, price: float | None, name: str = "") -> ListedCoin:
    return ListedCoin((name or symbol).lower(), symbol, name or symbol, cap, 1, price, utc_now())


class Answers:
    """In the place of CoinGecko."""

    def __init__(self, pages: list[list[ListedCoin]]) -> None:
        self.pages, self.asked = pages, []
        self.told: dict[str, float] | None = {"EUR": 0.9}
        self.rates_asked = 0

    def rates(self) -> dict[str, float]:
        self.rates_asked += 1
        if self.told is None:
            raise ExchangeUnavailable("No readable exchange rates.")
        return self.told

    def coins(self, page: int) -> list[ListedCoin]:
        self.asked.append(page)
        return self.pages[page - 1] if page <= len(self.pages) else []


@pytest.fixture
def answers(database: Engine, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    job_queue.connect(redis_url)
    made = Answers([])
    monkeypatch.setattr(coingecko, "make", lambda _settings, _redis: made)
    return made


def context(**values: str) -> JobContext:
    return JobContext(core.settings.read(values), "test", 1)


def priced(name: str, price: float, *, minutes_ago: int = 0, followed: bool = True, simulated: bool = False) -> int:
    """A market whose newest minute closed at this price."""
    newest = MINUTE.last_closed(to_ms(utc_now() - timedelta(minutes=minutes_ago)))
    values = np.array([price])
    made = Candles(np.array([newest]), values, values, values, values, np.array([1.0]))
    with db.engine.session() as session:
        return store(session, name, made, timeframe="1m", followed=followed, simulated=simulated).id


def test_caps_are_kept_and_a_symbol_means_its_largest_coin(answers: Answers) -> None:
    priced("binance:BTC/USDT", 100.0)
    answers.pages = [
        [listed("BTC", 2e12, 100.0, "Bitcoin"), listed("BTC", 5.0, 0.1, "Batcat"), listed("ETH", 1e11, 9.0)]
    ]
    assert read_coins(context()) == {"coins": 3, "checked": 1, "flagged": 0, "rates": 1}
    with db.engine.session() as session:
        known = coins.caps(session, ["btc", "ETH", "NOPE"])
    assert (known["BTC"].id, known["BTC"].namesakes, known["BTC"].market_cap) == ("bitcoin", 1, 2e12)
    assert set(known) == {"BTC", "ETH"}


@pytest.mark.parametrize(("ours", "flagged"), [(102.9, False), (103.1, True), (96.9, True)])
def test_a_price_too_far_off_is_flagged(answers: Answers, ours: float, flagged: bool) -> None:
    market_id = priced("binance:BTC/USDT", ours)
    answers.pages = [[listed("BTC", 2e12, 100.0, "Bitcoin")]]
    assert read_coins(context())["flagged"] == int(flagged)
    with db.engine.session() as session:
        found = coins.checks(session)[market_id]
    assert (found.coin_id, found.ours, found.theirs, found.flagged) == ("bitcoin", ours, 100.0, flagged)
    assert found.difference == pytest.approx(ours / 100 - 1)


def test_how_far_is_a_setting(answers: Answers) -> None:
    priced("binance:BTC/USDT", 108.0)
    answers.pages = [[listed("BTC", 2e12, 100.0)]]
    assert read_coins(context(PRICE_CHECK_PERCENT="10"))["flagged"] == 0


def test_old_prices_other_quotes_and_unfollowed_markets_are_not_compared(answers: Answers) -> None:
    priced("binance:BTC/USDT", 200.0, minutes_ago=30)
    priced("binance:BTC/EUR", 200.0)
    priced("binance:ETH/USDT", 200.0, followed=False)
    answers.pages = [[listed("BTC", 2e12, 100.0), listed("ETH", 2e12, 100.0)]]
    assert read_coins(context())["checked"] == 0


def test_it_asks_for_pages_until_all_coins_are_found(answers: Answers) -> None:
    priced("binance:SMALL/USDT", 1.0)
    filler = [[listed(f"X{page}N{k}", 1e9, 1.0) for k in range(coingecko.PAGE)] for page in (1, 2)]
    answers.pages = [*filler, [listed("SMALL", 1e6, 1.0)]]
    assert read_coins(context())["coins"] == 2 * coingecko.PAGE + 1
    assert answers.asked == [1, 2, 3]


@pytest.mark.parametrize("why", ["off", "simulated", "nothing"])
def test_nobody_is_asked_where_it_is_off_or_all_is_simulated(answers: Answers, why: str) -> None:
    if why != "nothing":
        priced("demo:BTC/USDT" if why == "simulated" else "binance:BTC/USDT", 1.0, simulated=why == "simulated")
    assert read_coins(context(COINGECKO="off" if why == "off" else "on"))["coins"] == 0
    assert answers.asked == []


def test_rates_are_asked_for_every_few_hours_and_stay_where_none_come(answers: Answers) -> None:
    priced("binance:BTC/USDT", 100.0)
    answers.pages = [[listed("BTC", 2e12, 100.0)]]
    before = utc_now()
    assert [read_coins(context())["rates"] for _ in range(2)] == [1, 0]
    assert answers.rates_asked == 1
    with db.engine.session() as session:
        kept = coins.rate(session, "EUR")
        assert kept is not None
        assert (kept.per_dollar, kept.asked_at >= before) == (0.9, True)
        kept.asked_at -= timedelta(hours=7)
    answers.told = None
    assert read_coins(context()) == {"coins": 1, "checked": 1, "flagged": 0, "rates": 0}
    answers.told = {"EUR": 0.8, "CHF": 0.95}
    assert read_coins(context())["rates"] == 2
    with db.engine.session() as session:
        known = [coins.rate(session, code) for code in ("EUR", "CHF", "USD")]
        assert [one.per_dollar if one else None for one in known] == [0.8, 0.95, None]
