"""Series of before get their coarser candles, by a job that may be killed and cancelled."""

from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, text

import db.engine
from core.errors import Cancelled
from core.timeframe import TIMEFRAMES
from db.queries import coarse_candles, markets
from market import candles as market_candles
from tests import candle_data
from workers import pyramid
from workers.context import JobContext

HOUR = TIMEFRAMES["1h"].ms
START_OF_2021 = candle_data.START_MS


@pytest.fixture
def context() -> JobContext:
    return JobContext(SimpleNamespace(), "job", 1)  # type: ignore[arg-type]


@pytest.fixture
def old(database: Engine) -> list[int]:
    """Two markets as an earlier Bolt left them."""
    made = candle_data.walk(3_000)
    with db.engine.session() as session:
        ids = [candle_data.store(session, f"{name}:BTC/USDT", made).id for name in ("binance", "kraken")]
        session.execute(text("DELETE FROM coarse_candles"))
        session.execute(text("UPDATE series SET pyramid = false"))
    return ids


def ready() -> list[bool]:
    with db.engine.session() as session:
        return [row.series["1h"].pyramid for row in markets.table(session)]


def test_missing_pyramids_are_built_and_nothing_looks_different(context: JobContext, old: list[int]) -> None:
    def shown() -> list[float]:
        with db.engine.session() as session:
            return market_candles.window(session, old[0], "1h", max_bars=200).candles.close.tolist()

    before = shown()
    assert pyramid.build_pyramid(context) == {"series": 2, "candles": 6_000}
    assert ready() == [True, True]
    assert shown() == before
    assert pyramid.build_pyramid(context) == {"series": 0, "candles": 0}


def test_a_cancelled_build_keeps_what_it_built_and_goes_on_later(
    context: JobContext, old: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = coarse_candles.build

    def build(session: object, *which: object) -> int:
        context.signals.cancelled.set()
        return plain(session, *which)  # type: ignore[arg-type]

    monkeypatch.setattr(coarse_candles, "build", build)
    with pytest.raises(Cancelled):
        pyramid.build_pyramid(context)
    assert sorted(ready()) == [False, True]
    context.signals.cancelled.clear()
    assert pyramid.build_pyramid(context)["series"] == 1


def test_a_market_that_vanished_meanwhile_is_passed_over(
    context: JobContext, old: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coarse_candles, "missing", lambda _session: [(old[0] + 1_000, "1h", 5)])
    assert pyramid.build_pyramid(context) == {"series": 1, "candles": 5}
