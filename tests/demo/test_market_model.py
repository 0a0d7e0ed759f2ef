"""Simulated prices are the same from every window and at every length, and behave like a market."""

import subprocess
import sys

import numpy as np
import pytest

from core.ohlcv import Candles, aggregate
from core.timeframe import TIMEFRAMES
from demo import market_model
from demo.listings import LISTINGS, Listing

DAY = 86_400_000
NOW = 1_760_000_012_345  # 2025-10-09, inside a minute
BTC = LISTINGS["BTCUSDT"]


def draw(listing: Listing = BTC, timeframe: str = "1h", *, days: float = 30, end_ms: int = NOW, now_ms: int = NOW):
    frame = TIMEFRAMES[timeframe]
    return market_model.candles(listing, frame, start_ms=int(end_ms - days * DAY), end_ms=end_ms, now_ms=now_ms)


def same(one: Candles, other: Candles) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.columns(), other.columns(), strict=True))


@pytest.fixture(scope="module")
def two_years_of_minutes() -> Candles:
    return draw(timeframe="1m", days=730)


@pytest.mark.parametrize("timeframe", ["5m", "15m", "1h", "4h", "1d", "1w"])
def test_long_candles_are_the_aggregates_of_the_minutes_over_two_years(
    two_years_of_minutes: Candles, timeframe: str
) -> None:
    frame = TIMEFRAMES[timeframe]
    made = aggregate(two_years_of_minutes, frame.ms, frame.offset_ms)[1:]  # the first may be cut
    served = draw(timeframe=timeframe, days=730)
    served = served[served.time >= made.time[0]]
    assert np.array_equal(made.time, served.time)
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(made, name), getattr(served, name))
    assert np.allclose(made.volume, served.volume, rtol=1e-12)  # sums of floats here, of whole lots there


def test_a_candle_is_the_same_from_every_window() -> None:
    whole = draw(timeframe="5m", days=21)
    for start, end in ((0, 50), (1_000, 1_400), (len(whole) - 300, len(whole) - 1)):
        first, last = int(whole.time[start]), int(whole.time[end - 1])
        part = market_model.candles(BTC, TIMEFRAMES["5m"], start_ms=first, end_ms=last, now_ms=NOW)
        assert same(part, whole[start:end])


def test_a_closed_candle_is_the_same_whenever_it_is_asked_for() -> None:
    then, later = draw(now_ms=NOW), draw(now_ms=NOW + 100 * DAY)
    closed = then.time + TIMEFRAMES["1h"].ms <= NOW
    assert same(then[closed], later[closed])


def test_another_process_draws_the_same_prices() -> None:
    program = (
        "from demo import market_model as m; from demo.listings import LISTINGS as L; from core.timeframe import *;"
        f"c = m.candles(L['ETHUSDT'], TIMEFRAMES['1h'], start_ms={NOW - 3 * DAY}, end_ms={NOW}, now_ms={NOW});"
        "print(c.close.tolist())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(draw(LISTINGS["ETHUSDT"], days=3).close.tolist())


def test_candles_follow_each_other_without_holes_and_open_where_the_last_closed() -> None:
    minutes = draw(timeframe="1m", days=15)
    assert np.all(np.diff(minutes.time) == 60_000)
    assert np.array_equal(minutes.open[1:], minutes.close[:-1])


@pytest.mark.parametrize("listing", LISTINGS.values(), ids=list(LISTINGS))
def test_every_candle_is_one(listing: Listing) -> None:
    got = draw(listing, days=200)
    assert np.all(got.low > 0)
    assert np.all(got.low <= np.minimum(got.open, got.close))
    assert np.all(got.high >= np.maximum(got.open, got.close))
    assert np.all(got.volume > 0)
    ticks = got.close * 10**listing.price_decimals
    assert np.allclose(ticks, np.rint(ticks), atol=1e-4)
    assert listing.level / 8 < got.close.min() < got.close.max() < listing.level * 8


def test_the_forming_candle_grows_into_the_closed_one() -> None:
    frame = TIMEFRAMES["1m"]
    opened = frame.floor(NOW)
    steps = [draw(timeframe="1m", days=0.1, end_ms=opened + s * 1_000, now_ms=opened + s * 1_000) for s in range(60)]
    final = draw(timeframe="1m", days=0.1, end_ms=opened, now_ms=opened + 60_000)
    forming = [s[len(s) - 1 : len(s)] for s in steps]
    assert {int(f.time[0]) for f in forming} == {opened}
    assert np.all(np.diff([f.high[0] for f in forming]) >= 0)
    assert np.all(np.diff([f.low[0] for f in forming]) <= 0)
    assert np.all(np.diff([f.volume[0] for f in forming]) >= 0)
    assert forming[-1].high[0] <= final.high[-1]
    assert forming[-1].low[0] >= final.low[-1]
    assert forming[0].open[0] == final.open[-1]


def test_nothing_is_told_of_the_future() -> None:
    assert int(draw(days=9, end_ms=NOW + 5 * DAY).time[-1]) == TIMEFRAMES["1h"].floor(NOW)
    assert len(draw(days=2, end_ms=NOW + 5 * DAY)) == 0


def test_nothing_comes_before_the_first_candle() -> None:
    early = market_model.candles(BTC, TIMEFRAMES["1w"], start_ms=0, end_ms=NOW, now_ms=NOW)
    assert int(early.time[0]) == market_model.ORIGIN_MS
    assert len(market_model.candles(BTC, TIMEFRAMES["1h"], start_ms=0, end_ms=DAY, now_ms=NOW)) == 0


def test_volatility_clusters_and_returns_do_not() -> None:
    returns = np.diff(np.log(draw(days=700).close))
    size = np.abs(returns)
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.15
    assert np.corrcoef(size[24:], size[:-24])[0, 1] > 0.10
    assert abs(np.corrcoef(returns[1:], returns[:-1])[0, 1]) < 0.05
    kurtosis = float(((returns - returns.mean()) ** 4).mean() / returns.var() ** 2)
    assert 4 < kurtosis < 40


def test_volume_goes_with_the_range() -> None:
    hours = draw(days=300)
    assert np.corrcoef(np.log(hours.volume), np.log(hours.high / hours.low))[0, 1] > 0.4


def test_markets_move_together_but_not_as_one() -> None:
    one, other = (np.diff(np.log(draw(LISTINGS[name], days=400).close)) for name in ("BTCUSDT", "SOLUSDT"))
    assert 0.25 < np.corrcoef(one, other)[0, 1] < 0.85


def test_daily_volatility_is_near_what_the_listing_says() -> None:
    for listing in LISTINGS.values():
        deviation = float(np.diff(np.log(draw(listing, "1d", days=1_000).close)).std())
        assert 0.6 < deviation / listing.daily_vol < 2.0


def test_hashed_numbers_are_uniform_and_normal() -> None:
    index = np.arange(200_000)
    even, bell = market_model.uniform(3, 4, index), market_model.normal(3, 4, index)
    assert 0 < even.min() < even.max() < 1
    assert abs(even.mean() - 0.5) < 0.005
    assert abs(bell.mean()) < 0.01
    assert abs(bell.std() - 1) < 0.01
    assert abs(np.corrcoef(even[1:], even[:-1])[0, 1]) < 0.01
