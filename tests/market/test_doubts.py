"""Wicks that may be a fault are left out until they are told again."""

import numpy as np
import pytest
from redis import Redis
from sqlalchemy import Engine

import db.engine
from core import job_queue, ohlcv
from core.clock import from_ms
from core.market_name import make as make_name
from core.ohlcv import Candles
from core.shared import SharedNumbers
from core.timeframe import MINUTE_MS, TIMEFRAMES
from db.queries import candles as stored_candles
from db.queries import gaps, markets, refused_rows
from db.tables import Market
from market import doubts, ingest
from tests.candle_data import START_MS, walk
from workers.live_told import store_minute

MINUTE = TIMEFRAMES["1m"]
MADE = walk(60, timeframe="1m")


class Clock:
    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at


class Gateway:
    """Answers with what it is given."""

    name = "binance"

    def __init__(self, told: Candles) -> None:
        self.told = told

    def page(self, _timeframe: str) -> int:
        return 1_000

    def candles(self, _symbol: str, _timeframe: str, *, since_ms: int, limit: int) -> Candles:
        return self.told[self.told.time >= since_ms][:limit]


@pytest.fixture(autouse=True)
def connected(redis_url: str, database: Engine) -> None:
    job_queue.connect(redis_url)


@pytest.fixture
def market() -> Market:
    with db.engine.session() as session:
        made = markets.get_or_create(session, make_name("binance", "BTC/USDT"))
        markets.set_followed(session, made.id, True)
    return made


def spiked(made: Candles, *, every: int, factor: float = 10.0) -> Candles:
    high = made.high.copy()
    high[every - 1 :: every] *= factor
    return Candles(made.time, made.open, high, made.low, made.close, made.volume)


def fetch(gateway: Gateway, market: Market) -> ingest.Fetched:
    end = int(MADE.time[-1]) + MINUTE_MS
    return ingest.fetch_span(gateway, db.engine.session, market, "1m", START_MS, end, now=from_ms(end + 1))


def stored(market: Market) -> Candles:
    with db.engine.session() as session:
        return stored_candles.read(session, market.id, "1m")


def test_ordinary_candles_are_believed_at_once() -> None:
    assert not doubts.far_out(MADE).any()
    assert doubts.believed(1, MINUTE, MADE) is MADE


@pytest.mark.parametrize(
    ("high", "low", "far"), [(124, 100, False), (126, 100, True), (100, 81, False), (100, 79, True)]
)
def test_a_quarter_outside_the_body_is_far(high: float, low: float, far: bool) -> None:
    one = ohlcv.from_rows([[START_MS, 100.0, float(high), float(low), 100.0, 1.0]])
    assert doubts.far_out(one).tolist() == [far]


def test_a_wick_is_believed_when_it_is_told_again_unchanged_and_later(redis_url: str) -> None:
    clock, told = Clock(), spiked(MADE, every=20)
    assert len(doubts.believed(1, MINUTE, told, clock=clock)) == 57
    clock.at += doubts.BELIEVED_S - 31
    assert len(doubts.believed(1, MINUTE, told, clock=clock)) == 57
    clock.at += 31
    assert len(doubts.believed(1, MINUTE, told, clock=clock)) == 60
    assert len(doubts.believed(1, MINUTE, spiked(MADE, every=20, factor=9), clock=clock)) == 57
    assert len(doubts.believed(2, MINUTE, told, clock=clock)) == 57
    assert Redis.from_url(redis_url).exists("bolt:shared:doubts:1:1m") == 1


def test_two_answers_are_not_enough_however_far_apart_and_many_at_once_count_as_one() -> None:
    clock, told = Clock(), spiked(MADE, every=20)
    for passed in (0, 1, 1, doubts.BELIEVED_S):
        clock.at += passed
        assert len(doubts.believed(1, MINUTE, told, clock=clock)) == 57
    clock.at += doubts.APART_S
    assert len(doubts.believed(1, MINUTE, told, clock=clock)) == 60


def test_a_spike_that_an_exchange_tells_for_five_minutes_is_not_believed() -> None:
    clock, told = Clock(), spiked(MADE, every=20)
    for _ in range(11):
        assert len(doubts.believed(1, MINUTE, told, clock=clock)) == 57
        clock.at += 30
    assert len(doubts.believed(1, MINUTE, MADE, clock=clock)) == 60


@pytest.mark.parametrize("by", [("", doubts.TOLD_BY_STREAM), (doubts.TOLD_BY_STREAM, "")])
def test_stream_and_answer_that_agree_are_believed_at_once(by: tuple[str, str]) -> None:
    clock, told = Clock(), spiked(MADE, every=20)
    assert len(doubts.believed(1, MINUTE, told, by=by[0], clock=clock)) == 57
    assert len(doubts.believed(1, MINUTE, spiked(MADE, every=20, factor=9), by=by[1], clock=clock)) == 57
    assert len(doubts.believed(1, MINUTE, told, by=by[1], clock=clock)) == 60


def test_a_stream_alone_is_not_believed_however_often_it_says_so() -> None:
    clock, told = Clock(), spiked(MADE, every=20)
    for _ in range(5):
        assert len(doubts.believed(1, MINUTE, told, by=doubts.TOLD_BY_STREAM, clock=clock)) == 57
        clock.at += doubts.BELIEVED_S


def test_old_doubts_are_forgotten() -> None:
    clock, told = Clock(), spiked(MADE, every=20)
    doubts.believed(1, MINUTE, told, clock=clock)
    clock.at += doubts.FORGOTTEN_S + 1
    assert len(doubts.believed(1, MINUTE, told, clock=clock)) == 57


def test_an_answer_half_of_spikes_leaves_holes_that_the_next_answer_fills(market: Market) -> None:
    gateway = Gateway(spiked(MADE, every=2))
    fetch(gateway, market)
    kept = stored(market)
    assert len(kept) == 30
    assert np.array_equal(kept.high, MADE.high[::2])
    with db.engine.session() as session:
        assert sum(gaps.holes(session, market.id, MINUTE).values()) == 29
    gateway.told = MADE
    fetch(gateway, market)
    assert np.array_equal(stored(market).high, MADE.high)


def test_what_is_kept_back_is_counted_once(market: Market, redis_url: str) -> None:
    gateway, bar = Gateway(spiked(MADE, every=20)), [float(column[-1]) for column in spiked(MADE, every=60).columns()]
    for _ in range(2):
        fetch(gateway, market)
        store_minute(market, [*bar[:2], bar[2] * 2, *bar[3:]])
    with db.engine.session() as session:
        counted = {one.row.source: (one.row.reason, one.row.n) for one in refused_rows.latest(session)}
    assert counted == {"request": ("far_out", 3), "stream": ("far_out", 1)}
    tallied = SharedNumbers(Redis.from_url(redis_url)).change("rejected:binance", lambda numbers, _now: dict(numbers))
    assert tallied == {"far_out": 4}


def test_a_minute_of_a_stream_that_is_far_out_waits_for_another_answer(market: Market) -> None:
    fetch(Gateway(MADE[:-1]), market)
    bar = [float(column[-1]) for column in spiked(MADE, every=60).columns()]
    store_minute(market, bar)
    assert len(stored(market)) == 59
    bar[2] = float(MADE.high[-1])
    store_minute(market, bar)
    assert stored(market).time[-1] == MADE.time[-1]
