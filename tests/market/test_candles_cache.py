"""The newest bars are shared by all who look; no answer outlives the candles it was made of."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis
from sqlalchemy.orm import Session

import core.cache
import db.queries.candles as stored
import db.queries.coarse_candles as coarse
import db.queries.markets as markets
from core import market_name, ohlcv
from core.timeframe import TIMEFRAMES
from market import candles as market_candles
from tests.candles import START_MS, same, walk

HOUR = TIMEFRAMES["1h"].ms


@pytest.fixture
def cached(redis_url: str) -> Iterator[Redis]:
    core.cache.connect(redis_url)
    client = Redis.from_url(redis_url)
    yield client
    client.close()
    core.cache.connect(None)


@pytest.fixture
def market(session: Session) -> int:
    market_id = markets.get_or_create(session, market_name.parse("binance:BTC/USDT")).id
    stored.upsert(session, market_id, "1h", walk(500))
    return market_id


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read of PostgreSQL."""
    seen: list[str] = []
    for module in (stored, coarse):
        plain = module.read

        def watched(*args: object, plain: object = plain, **named: object) -> ohlcv.Candles:
            seen.append(str(args[2]))
            return plain(*args, **named)  # type: ignore[operator, no-any-return]

        monkeypatch.setattr(module, "read", watched)
    return seen


def test_the_same_window_is_read_once_and_equal(session: Session, market: int, cached: Redis, reads: list[str]) -> None:
    shown = [market_candles.window(session, market, "1h", start_ms=START_MS + 400 * HOUR, lead=50) for _ in range(3)]
    assert len(reads) == 2  # the bars and those before them
    assert same(shown[0].candles, shown[2].candles)
    assert [(one.lead, len(one.visible)) for one in shown] == [(50, 100)] * 3


def test_what_is_shared_can_be_calculated_with(session: Session, market: int, cached: Redis) -> None:
    for _ in range(2):
        market_candles.window(session, market, "4h").candles.close[0] = 1.0


def test_a_very_long_lead_is_not_kept(session: Session, market: int, cached: Redis) -> None:
    market_candles.window(session, market, "1h", start_ms=START_MS + 400 * HOUR, lead=10_000_000)
    assert cached.keys("*") == []


def test_a_new_and_a_revised_candle_are_seen_at_once(session: Session, market: int, cached: Redis) -> None:
    for part in (walk(501)[500:], replace(walk(501)[500:], volume=walk(1).volume + 5)):
        before = market_candles.window(session, market, "1h").candles
        stored.upsert(session, market, "1h", part)
        after = market_candles.window(session, market, "1h").candles
        assert not same(before[len(before) - 1 :], after[len(after) - 1 :])
        assert same(after[len(after) - 1 :], part)


def test_only_windows_that_reach_the_newest_bar_are_kept(session: Session, market: int, cached: Redis) -> None:
    market_candles.window(session, market, "1h", end_ms=START_MS + 100 * HOUR)
    assert cached.keys("*") == []
    market_candles.window(session, market, "1h")
    assert len(cached.keys("bolt:cache:candles:*")) == 1


def test_candles_survive_being_packed() -> None:
    assert same(ohlcv.from_bytes(ohlcv.to_bytes(walk(10))), walk(10))
    assert len(ohlcv.from_bytes(ohlcv.to_bytes(ohlcv.empty()))) == 0
    with pytest.raises(ValueError, match="no candles"):
        ohlcv.from_bytes(b"12345")
