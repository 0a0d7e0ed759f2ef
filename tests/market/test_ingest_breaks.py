"""Fetching stops where a series breaks: the old coin and the new one are never joined without somebody's word."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

import core.ohlcv as ohlcv
import db.engine
from core.clock import from_ms, to_ms
from core.market_name import parse
from core.ohlcv import Candles
from core.timeframe import TIMEFRAMES
from db.queries import breaks, candles, markets
from db.tables import Market
from market import ingest, series_breaks
from market.ingest import SilentMarket
from tests.candle_data import walk
from tests.market.test_series_breaks import apart

H1 = TIMEFRAMES["1h"]
BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)


class Told:
    """An exchange that has these candles, `page_length` in an answer."""

    name = "binance"

    def __init__(self, made: Candles, page_length: int = 50) -> None:
        self.made, self.page_length, self.asked = made, page_length, 0

    def page(self, _timeframe: str) -> int:
        return self.page_length

    def candles(self, _symbol: str, _timeframe: str, *, since_ms: int, limit: int) -> Candles:
        self.asked += 1
        return self.made[(self.made.time >= since_ms) & (self.made.time < since_ms + limit * H1.ms)]


@pytest.fixture
def market(database: Engine) -> Market:
    with db.engine.session() as session:
        return markets.get_or_create(session, parse("binance:LUNA/USDT"))


def fetch(told: Told, market: Market, start: int, *, newest_first: bool = False) -> ingest.Fetched:
    end = int(told.made.time[-1]) + H1.ms if len(told.made) else start + 400 * H1.ms
    now = from_ms(end + H1.ms)
    return ingest.fetch_span(told, db.engine.session, market, "1h", start, end, now=now, newest_first=newest_first)


def stored(market: Market) -> Candles:
    with db.engine.session() as session:
        return candles.read(session, market.id, "1h")


def state() -> list[str]:
    with db.engine.session() as session:
        return [row.found.state for row in breaks.latest(session)]


def keep(market: Market, made: Candles) -> None:
    with db.engine.session() as session:
        candles.upsert(session, market.id, "1h", made)


@pytest.mark.parametrize("length", [50, 1_000])
def test_going_on_after_a_relisting_pauses_the_series(market: Market, length: int) -> None:
    made = apart(18, 100_000.0)
    keep(market, made[:100])
    fetched = fetch(Told(made, length), market, int(made.time[99]))
    assert fetched.ended
    assert len(stored(market)) == 100
    assert state() == ["paused"]


@pytest.mark.parametrize("length", [50, 1_000])
def test_going_back_over_a_relisting_leaves_the_older_coin_out(market: Market, length: int) -> None:
    made = apart(7.5, 100_000.0)  # with short pages it ends at the empty ones in between
    fetched = fetch(Told(made, length), market, int(made.time[0]), newest_first=True)
    kept = stored(market)
    assert int(kept.time[0]) >= int(made.time[100])
    assert fetched.ended
    if length == 1_000:
        assert len(kept) == 100
        assert state() == ["apart"]


def test_going_back_in_steps_meets_the_break_at_what_is_stored(market: Market) -> None:
    made = apart(7.5, 100_000.0)
    keep(market, made[100:])
    told = Told(made, 1_000)
    now = from_ms(int(made.time[-1]) + 2 * H1.ms)
    start, end = int(made.time[0]), int(made.time[100])
    fetched = ingest.fetch_span(told, db.engine.session, market, "1h", start, end, now=now, newest_first=True)
    assert fetched.ended
    assert len(stored(market)) == 100
    assert state() == ["apart"]


def test_once_somebody_said_that_it_is_one_coin_all_is_stored(market: Market) -> None:
    made = apart(18, 100_000.0)
    keep(market, made[:100])
    fetch(Told(made), market, int(made.time[99]))
    with db.engine.session() as session:
        breaks.join(session, market.id, now=BEGINNING)
    assert not fetch(Told(made), market, int(made.time[99])).ended
    assert len(stored(market)) == 200


def test_three_empty_pages_end_a_history_of_an_exchange_that_still_has_the_newest(market: Market) -> None:
    made = walk(60)
    start = int(made.time[0]) - 400 * H1.ms
    fetched = fetch(Told(made), market, start, newest_first=True)
    assert (fetched.ended, fetched.stored, state()) == (True, 60, [])


def test_an_exchange_that_lost_the_newest_ends_nothing(market: Market) -> None:
    keep(market, walk(60))
    with pytest.raises(SilentMarket, match="though it had some"):
        fetch(Told(ohlcv.empty()), market, to_ms(BEGINNING), newest_first=True)


def test_what_makes_a_break_is_the_same_as_for_whole_series() -> None:
    assert len(series_breaks.find(apart(18, 100_000.0))) == 1
