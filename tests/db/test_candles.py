"""Stored candles: what goes in comes out, equal ones are not written again, the series row is always true."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import db.engine
import db.queries.candles as stored
import db.queries.markets as markets
from core import market_name, ohlcv
from core.ohlcv import Candles
from core.timeframe import TIMEFRAMES
from db.queries.candles import Stored
from db.tables import Market, Series
from tests.candles import START_MS, same, walk

HOUR = TIMEFRAMES["1h"].ms


@pytest.fixture
def market(session: Session) -> int:
    return markets.get_or_create(session, market_name.parse("binance:BTC/USDT")).id


def check_series(session: Session, market_id: int, timeframe: str = "1h") -> None:
    """The series row says what the candles say."""
    row = markets.series_of(session, market_id)[timeframe]
    candles = stored.read(session, market_id, timeframe)
    holes = ohlcv.gaps(candles.time, TIMEFRAMES[timeframe].ms)
    flagged = session.execute(
        text("SELECT count(*) FROM candles WHERE market_id = :m AND timeframe = :t AND flags <> 0"),
        {"m": market_id, "t": timeframe},
    ).scalar_one()
    assert (row.rows, row.first_ms, row.last_ms) == (len(candles), candles.time[0], candles.time[-1])
    assert (row.gaps, row.missing) == (len(holes), sum(missing for _, missing in holes))
    assert row.flagged == flagged


@pytest.mark.parametrize("timeframe", list(TIMEFRAMES))
def test_candles_come_back_as_they_went_in(session: Session, market: int, timeframe: str) -> None:
    candles = walk(100, timeframe)
    assert stored.upsert(session, market, timeframe, candles) == Stored(100, 0, 0)
    assert same(stored.read(session, market, timeframe), candles)
    check_series(session, market, timeframe)


def test_extreme_values_come_back_exactly(session: Session, market: int) -> None:
    tiny = Candles(np.array([START_MS]), *(np.array([v]) for v in (1e-17, 1.1e300, 5e-324, 0.1 + 0.2, 0.0)))
    stored.upsert(session, market, "1h", tiny)
    assert same(stored.read(session, market, "1h"), tiny)


def test_equal_candles_are_not_written_again(session: Session, market: int) -> None:
    stored.upsert(session, market, "1h", walk(50))
    before = session.execute(text("SELECT array_agg(ctid::text ORDER BY open_time) FROM candles")).scalar_one()
    assert stored.upsert(session, market, "1h", walk(50)) == Stored(0, 50, 0)
    assert session.execute(text("SELECT array_agg(ctid::text ORDER BY open_time) FROM candles")).scalar_one() == before


def test_differing_candles_replace_what_stood_there(session: Session, market: int) -> None:
    candles = walk(50)
    stored.upsert(session, market, "1h", candles[:40])
    revised = replace(candles, volume=np.where(np.arange(50) < 10, 7.0, candles.volume))
    assert stored.upsert(session, market, "1h", revised) == Stored(10, 30, 10)
    assert same(stored.read(session, market, "1h"), revised)
    check_series(session, market)


def test_nothing_is_stored_of_no_candles(session: Session, market: int) -> None:
    assert stored.upsert(session, market, "1h", ohlcv.empty()) == Stored(0, 0, 0)
    assert markets.series_of(session, market) == {}
    assert len(stored.read(session, market, "1h")) == 0
    assert stored.last_open_ms(session, market, "1h") is None


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_unsorted_or_repeated_candles_are_an_error(session: Session, market: int, order: list[int]) -> None:
    with pytest.raises(ValueError, match="sorted, unique"):
        stored.upsert(session, market, "1h", walk(2)[np.array(order)])


def test_candles_off_the_grid_are_an_error(session: Session, market: int) -> None:
    with pytest.raises(ValueError, match="grid"):
        stored.upsert(session, market, "1h", walk(2, start_ms=START_MS + 1))


def test_the_database_refuses_what_is_no_candle(session: Session, market: int) -> None:
    bad = replace(walk(2), low=np.array([1e9, 1e9]))
    with pytest.raises(Exception, match="ck_candles_ohlcv"):
        stored.upsert(session, market, "1h", bad)


def test_the_database_refuses_the_same_candle_twice(session: Session, market: int) -> None:
    stored.upsert(session, market, "1h", walk(1))
    again = text("INSERT INTO candles SELECT * FROM candles")
    with pytest.raises(IntegrityError, match="candles_1h_pkey"):
        session.execute(again)


def test_reading_a_span_includes_both_ends(session: Session, market: int) -> None:
    candles = walk(50)
    stored.upsert(session, market, "1h", candles)
    part = stored.read(session, market, "1h", start_ms=int(candles.time[10]), end_ms=int(candles.time[19]))
    assert same(part, candles[10:20])


def test_a_limit_keeps_the_newest(session: Session, market: int) -> None:
    candles = walk(50)
    stored.upsert(session, market, "1h", candles)
    assert same(stored.read(session, market, "1h", limit=7), candles[-7:])
    assert same(stored.read(session, market, "1h", end_ms=int(candles.time[9]), limit=4), candles[6:10])
    assert len(stored.read(session, market, "1h", limit=0)) == 0


def test_series_of_different_timeframes_and_markets_stay_apart(session: Session, market: int) -> None:
    other = markets.get_or_create(session, market_name.parse("kraken:BTC/USDT")).id
    stored.upsert(session, market, "1h", walk(5, seed=1))
    stored.upsert(session, market, "1d", walk(6, "1d", seed=2))
    stored.upsert(session, other, "1h", walk(7, seed=3))
    assert [len(stored.read(session, m, t)) for m, t in ((market, "1h"), (market, "1d"), (other, "1h"))] == [5, 6, 7]
    assert stored.last_open_ms(session, other, "1h") == START_MS + 6 * HOUR


def test_flags_are_counted_and_kept_while_values_stay(session: Session, market: int) -> None:
    flags = np.array([0, 1, 0, 1], dtype=np.int32)
    stored.upsert(session, market, "1h", walk(4), flags)
    check_series(session, market)
    assert stored.upsert(session, market, "1h", walk(4)) == Stored(0, 4, 0)
    check_series(session, market)
    assert markets.series_of(session, market)["1h"].flagged == 2


def test_a_new_judgement_on_equal_values_is_stored(session: Session, market: int) -> None:
    stored.upsert(session, market, "1h", walk(3))
    assert stored.upsert(session, market, "1h", walk(3), np.array([0, 0, 1], dtype=np.int32)) == Stored(0, 2, 1)
    check_series(session, market)


def test_a_revised_candle_loses_its_flag(session: Session, market: int) -> None:
    candles = walk(3)
    stored.upsert(session, market, "1h", candles, np.array([1, 1, 0], dtype=np.int32))
    stored.upsert(session, market, "1h", replace(candles, volume=candles.volume + np.array([1.0, 0, 0])))
    check_series(session, market)
    assert markets.series_of(session, market)["1h"].flagged == 1


def test_what_is_rolled_back_was_never_there(database: Engine) -> None:
    with db.engine.session() as session:
        market_id = markets.get_or_create(session, market_name.parse("binance:BTC/USDT")).id
    with pytest.raises(RuntimeError), db.engine.session() as session:
        stored.upsert(session, market_id, "1h", walk(5))
        raise RuntimeError
    with db.engine.session() as session:
        assert len(stored.read(session, market_id, "1h")) == 0
        assert markets.series_of(session, market_id) == {}


def test_two_writers_leave_a_true_series_row(database: Engine) -> None:
    candles = walk(240)
    with db.engine.session() as session:
        market_id = markets.get_or_create(session, market_name.parse("binance:BTC/USDT")).id

    def write(part: int) -> int:
        with db.engine.session() as session:
            return stored.upsert(session, market_id, "1h", candles[part::3] if part < 3 else candles[::2]).stored

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, [0, 1, 2, 3, 3])) == 240
    with db.engine.session() as session:
        check_series(session, market_id)
        assert same(stored.read(session, market_id, "1h"), candles)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(0, 40), min_size=1, max_size=15), min_size=1, max_size=5), st.randoms())
def test_any_order_of_batches_gives_the_same_table(database: Engine, batches: list[set[int]], random: object) -> None:
    candles, everything = walk(41), sorted(set().union(*batches))
    with Session(database) as session:
        market = Market(exchange="binance", symbol="BTC/USDT")
        session.add(market)
        session.flush()
        shuffled = batches[:]
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        for batch in shuffled:
            stored.upsert(session, market.id, "1h", candles[np.array(sorted(batch))])
            check_series(session, market.id)
        assert same(stored.read(session, market.id, "1h"), candles[np.array(everything)])
        assert session.scalars(select(Series.rows)).all() == [len(everything)]
        session.rollback()
