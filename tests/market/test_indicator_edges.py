"""Indicators where nothing was traded, nothing moved, or there is hardly anything to look at."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import Refused
from core.ohlcv import Candles, Floats
from market.indicators.catalog import CATALOG, parse
from market.indicators.compute import compute
from tests.candles import walk

ROOT = Path(__file__).parents[2]
CANDLES = walk(300)
SILENT = slice(100, 140)  # bars without trades, or without a move


def values(key: str, candles: Candles = CANDLES) -> list[Floats]:
    return list(compute(candles, parse(key, repainting=True)).values())


def silent() -> Candles:
    volume = CANDLES.volume.copy()
    volume[SILENT] = 0
    return replace(CANDLES, volume=volume)


def still() -> Candles:
    columns = [column.copy() for column in (CANDLES.open, CANDLES.high, CANDLES.low, CANDLES.close)]
    for column in columns:
        column[SILENT] = 50.0
    return Candles(CANDLES.time, *columns, CANDLES.volume)


def undefined(line: Floats, first: int) -> list[int]:
    return (np.nonzero(np.isnan(line[first:]))[0] + first).tolist()


@pytest.mark.parametrize("key", ["vwap:14", "vwma:14", "cmf:14", "mfi:14"])
def test_without_any_trade_in_the_window_there_is_no_value(key: str) -> None:
    (line,) = values(key, silent())
    assert undefined(line, 14) == list(range(113, 140))


def test_one_bar_without_trades_leaves_ease_of_movement_undefined_as_long_as_it_counts() -> None:
    (line,) = values("eom:14", silent())
    assert undefined(line, 14) == list(range(100, 153))


def test_money_that_flows_at_a_still_price_is_no_flow() -> None:
    (line,) = values("mfi:14", still())
    assert undefined(line, 14) == list(range(114, 140))


def test_money_flow_counts_amounts_below_one() -> None:
    (whole,) = values("mfi:14")
    (crumbs,) = values("mfi:14", replace(CANDLES, volume=CANDLES.volume * 2.0**-30))
    np.testing.assert_array_equal(crumbs, whole)


@pytest.mark.parametrize(("key", "first"), [("chop:14", 14), ("bbp:14:2", 13)])
def test_without_a_range_there_is_no_place_in_it(key: str, first: int) -> None:
    (line,) = values(key, still())
    gone = undefined(line, first)
    assert set(range(114, 140)) <= set(gone) <= set(range(112, 141))


def test_the_cloud_stands_where_it_applies() -> None:
    near, far = values("ichimoku:9:26:52:26"), values("ichimoku:9:26:52:1")
    for span in (2, 3):
        np.testing.assert_array_equal(near[span][25:], far[span][:-25])
    np.testing.assert_array_equal(near[0], far[0])


def test_a_cloud_that_is_shifted_out_of_the_series_is_undefined() -> None:
    conversion, base, span_a, span_b = values("ichimoku:9:26:52:400")
    assert np.isnan(span_a).all()
    assert np.isnan(span_b).all()
    assert not np.isnan(base[25:]).any()
    assert not np.isnan(conversion[8:]).any()


def test_the_newest_bar_changes_no_span_drawn_today() -> None:
    jump = CANDLES.high.copy()
    jump[-1] *= 2
    for line, other in list(zip(values("ichimoku"), values("ichimoku", replace(CANDLES, high=jump)), strict=True))[2:]:
        np.testing.assert_array_equal(line, other)


def test_a_trailing_stop_is_below_a_rising_market_and_above_a_falling_one() -> None:
    rise = 100 * 1.01 ** np.arange(100.0)
    close = np.concatenate((rise, rise[::-1]))
    candles = Candles(walk(200).time, close, close * 1.002, close * 0.998, close, np.ones(200))
    for key in ("supertrend:10:3", "psar:0.02:0.2"):
        (line,) = values(key, candles)
        assert (line[20:95] < close[20:95]).all()
        assert (line[120:] > close[120:]).all()


def test_mcginley_never_goes_beyond_the_close_of_a_crash() -> None:
    close = np.concatenate((np.full(50, 100.0), np.full(50, 30.0)))
    (line,) = values("mcginley", Candles(walk(100).time, close, close, close, close, np.ones(100)))
    np.testing.assert_allclose(line[13:50], 100)
    assert ((line[50:] >= 30) & (line[50:] <= 100)).all()


def test_mcginley_stands_a_price_that_was_next_to_nothing() -> None:
    close = np.concatenate((np.full(20, 1e-300), np.full(20, 1.0), np.full(20, 0.0), np.full(20, -1e-300), np.ones(20)))
    (line,) = values("mcginley", Candles(walk(100).time, close, close, close, close, np.ones(100)))
    assert np.isfinite(line[13:]).all()


def test_donchian_holds_every_price_of_its_window() -> None:
    upper, middle, lower = values("donchian:20")
    assert (upper[19:] >= CANDLES.high[19:]).all()
    assert (lower[19:] <= CANDLES.low[19:]).all()
    np.testing.assert_allclose(middle, (upper + lower) / 2, rtol=1e-12)


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [
        ("stochrsi", 0, 100),
        ("stc", 0, 100),
        ("mfi", 0, 100),
        ("willr", -100, 0),
        ("ultosc", 0, 100),
        ("cmo", -100, 100),
        ("aroon", 0, 100),
        ("tsi", -100, 100),
        ("cmf", -1, 1),
        ("bop", -1, 1),
        ("crsi", 0, 100),
        ("rvi", 0, 100),
        ("rvgi", -1, 1),
        ("smi", -100, 100),
        ("ulcer", 0, 100),
    ],
)
def test_values_stay_on_their_scale(key: str, low: float, high: float) -> None:
    for seed in range(5):
        for line in values(key, walk(400, seed=seed)):
            known = line[~np.isnan(line)]
            assert len(known) > 250
            assert low - 1e-9 <= known.min() <= known.max() <= high + 1e-9


@pytest.mark.parametrize("key", list(CATALOG))
def test_no_candle_and_one_candle_are_enough_to_be_asked(key: str) -> None:
    for n in (0, 1, 2):
        assert all(len(line) == n for line in values(key, CANDLES[:n]))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("psar:0.3:0.2", "step to be smaller than most"),
        ("psar:0.001:0.2", "from 0.005 to 0.5"),
        ("ichimoku:30:26", "conversion to be smaller than base"),
        ("supertrend:10:11", "from 0.5 to 10"),
        ("stc:10:50:50", "fast to be smaller than slow"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        parse(text)


def test_pandas_is_loaded_by_the_indicators_that_need_it_only() -> None:
    program = """
import sys
from market.indicators.catalog import CATALOG, parse
from market.indicators.compute import compute
from tests.candles import walk
by_ta = {"stc", "ulcer", "eom"}
for key in set(CATALOG) - by_ta:
    compute(walk(900), parse(key, repainting=True))
assert "pandas" not in sys.modules and "ta" not in sys.modules
for key in by_ta:
    compute(walk(900), parse(key))
assert "pandas" in sys.modules and "ta" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
