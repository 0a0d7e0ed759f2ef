"""A closed candle that comes back different leaves what it was and what it became."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import db.queries.candles as stored
import db.queries.markets as markets
import db.queries.revisions as revisions
from core import market_name
from core.clock import from_ms
from core.ohlcv import Candles
from core.timeframe import TIMEFRAMES
from db.queries.candles import Stored
from tests.candles import START_MS, same, walk

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def market(session: Session) -> int:
    return markets.get_or_create(session, market_name.parse("binance:BTC/USDT")).id


def revised(candles: Candles, *at: int) -> Candles:
    volume = candles.volume.copy()
    volume[list(at)] += 1
    return replace(candles, volume=volume)


@pytest.mark.parametrize("timeframe", list(TIMEFRAMES))
def test_what_changed_is_kept_with_its_source(session: Session, market: int, timeframe: str) -> None:
    before = walk(50, timeframe)
    after = revised(before, 3, 41)
    stored.upsert(session, market, timeframe, before, source="binance")
    assert stored.upsert(session, market, timeframe, after, source="binance") == Stored(0, 48, 2)
    newest, oldest = revisions.latest(session, market_id=market, timeframe=timeframe)
    assert (newest.open_time, oldest.open_time) == (from_ms(int(before.time[41])), from_ms(int(before.time[3])))
    assert (oldest.source, oldest.timeframe, oldest.market_id) == ("binance", timeframe, market)
    for prefix, candles in (("old", before), ("new", after)):
        for name in ("open", "high", "low", "close", "volume"):
            assert getattr(oldest, f"{prefix}_{name}") == getattr(candles, name)[3]
    assert same(stored.read(session, market, timeframe), after)


def test_equal_and_new_candles_are_no_revision(session: Session, market: int) -> None:
    candles = walk(60)
    for part in (candles[:30], candles[:30], candles[20:50], candles[50:]):
        stored.upsert(session, market, "1h", part, np.zeros(len(part), dtype=np.int32), source="binance")
    assert revisions.count(session, since=LONG_AGO) == 0


def test_a_flag_that_changes_is_no_revision(session: Session, market: int) -> None:
    candles = walk(10)
    stored.upsert(session, market, "1h", candles, source="binance")
    assert stored.upsert(session, market, "1h", candles, np.ones(10, dtype=np.int32), source="binance").changed == 10
    assert revisions.count(session, since=LONG_AGO) == 0


def test_without_a_source_nothing_is_kept(session: Session, market: int) -> None:
    stored.upsert(session, market, "1h", walk(10))
    stored.upsert(session, market, "1h", revised(walk(10), 2))
    assert revisions.latest(session) == []


def test_only_the_series_that_changed_is_told(session: Session, market: int) -> None:
    other = markets.get_or_create(session, market_name.parse("kraken:BTC/USDT")).id
    for one in (market, other):
        stored.upsert(session, one, "1h", walk(10), source="x")
    stored.upsert(session, other, "1h", revised(walk(10), 5), source="kraken")
    assert revisions.latest(session, market_id=market) == []
    assert [r.market_id for r in revisions.latest(session)] == [other]


def test_every_change_of_a_candle_is_told_in_its_order(session: Session, market: int) -> None:
    candles = walk(3)
    for _ in range(3):
        stored.upsert(session, market, "1h", candles, source="binance")
        candles = revised(candles, 1)
    found = revisions.of_candle(session, market, "1h", from_ms(START_MS + 3_600_000))
    assert [r.new_volume - r.old_volume for r in found] == [1, 1]
    assert found[0].new_volume == found[1].old_volume
    assert revisions.of_candle(session, market, "1h", from_ms(START_MS)) == []


def test_a_revision_is_written_with_its_candle_or_not_at_all(session: Session, market: int) -> None:
    stored.upsert(session, market, "1h", walk(5), source="binance")
    with session.begin_nested() as savepoint:
        stored.upsert(session, market, "1h", revised(walk(5), 2), source="binance")
        savepoint.rollback()
    assert revisions.latest(session) == []
    assert same(stored.read(session, market, "1h"), walk(5))


def test_the_planner_learns_of_many_rows(session: Session, market: int) -> None:
    stored.upsert(session, market, "1w", walk(400, "1w"))
    stored.analyze(session, "1w")
    known = session.execute(text("SELECT reltuples FROM pg_class WHERE relname = 'candles_1w'")).scalar_one()
    assert known >= 400
