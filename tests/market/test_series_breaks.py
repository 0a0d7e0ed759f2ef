"""A long hole with a price of another order is a break; crashes, outages and ordinary holes are none."""

import gzip
from pathlib import Path

import numpy as np
import pytest

import core.ohlcv as ohlcv
from core.ohlcv import Candles
from market import series_breaks
from market.series_breaks import Break
from tests.candle_data import walk

HOUR, DAY = 3_600_000, 86_400_000


def apart(days: float, ratio: float) -> Candles:
    """Two walks with a hole between them, after which the price is `ratio` times as high."""
    first = walk(100, price=80.0)
    second = walk(100, start_ms=int(first.time[-1]) + HOUR + int(days * DAY), seed=8, price=1.0)
    scale = float(first.close[-1]) * ratio / float(second.open[0])
    prices = [column * scale for column in (second.open, second.high, second.low, second.close)]
    return ohlcv.join([first, Candles(second.time, *prices, second.volume)])


@pytest.mark.parametrize("ratio", [9.0, 1 / 9, 100_000.0])
def test_another_coin_after_weeks_is_found(ratio: float) -> None:
    made = apart(18, ratio)
    (found,) = series_breaks.find(made)
    assert found == Break(int(made.time[99]), int(made.time[100]), float(made.close[99]), float(made.open[100]))


@pytest.mark.parametrize(("days", "ratio"), [(6, 100.0), (18, 7.0), (18, 1.0), (0, 100_000.0)])
def test_a_hole_or_a_jump_alone_is_no_break(days: float, ratio: float) -> None:
    assert series_breaks.find(apart(days, ratio)) == []


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_candles_have_no_break(n: int) -> None:
    assert series_breaks.find(walk(5)[:n]) == []


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["BTC_USDT-1h_2018-02_outage", "FTT_USDT-1h_2019-12_2020-02", "UST_USDT-1h_2022_depeg"]
)
def test_real_outages_crashes_and_depegs_are_no_breaks(shared: Path, name: str) -> None:
    with gzip.open(shared / "data" / f"nasty_binance_{name}.csv.gz", "rt") as file:
        rows = [line.split(",") for line in file if line[:1].isdigit()]
    made = ohlcv.from_rows([[float(value) for value in row[:6]] for row in rows])
    assert len(made) > 100
    assert np.all(np.diff(made.time) > 0)
    assert series_breaks.find(made) == []
