"""Columns packed and read back, as the browser does it."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from core.ohlcv import Candles, Floats
from layouts.components import packing
from tests.candle_data import walk


def unpack(packed: dict[str, Any]) -> npt.NDArray[np.float64]:
    """What `unpack` of assets/60-charts.js does."""
    values = np.cumsum(np.cumsum(json.loads(packed["d"]))) / 10.0 ** packed["k"]
    for start, stop in packed.get("n", []):
        values[start:stop] = np.nan
    return values


def unpack_prices(packed: dict[str, Any]) -> tuple[Floats, Floats, Floats, Floats]:
    o, h, low, c = (np.array(json.loads(packed[name]), dtype=np.int64) for name in "ohlc")
    close = np.cumsum(o + c)
    opened = close - c
    whole = (opened, np.maximum(opened, close) + h, np.minimum(opened, close) - low, close)
    return tuple(column / 10.0 ** packed["k"] for column in whole)  # type: ignore[return-value]


def test_prices_come_back_to_the_last_bit() -> None:
    candles = walk(1_000)
    opened, high, low, close = unpack_prices(packing.pack_prices(candles, 2))
    for read, meant in ((opened, candles.open), (high, candles.high), (low, candles.low), (close, candles.close)):
        assert np.array_equal(read, meant)


def test_a_column_keeps_its_decimals_and_its_unknown_numbers() -> None:
    values = np.array([np.nan, np.nan, 1.25, 1.5, np.nan, -3.75])
    packed = packing.pack(values, 2)
    assert packed["n"] == [[0, 2], [4, 5]]
    assert np.array_equal(unpack(packed), values, equal_nan=True)


def test_a_column_of_nothing_known_comes_back_as_such() -> None:
    assert np.isnan(unpack(packing.pack(np.full(4, np.nan)))).all()


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e6, 1e11])
def test_seven_digits_of_the_largest_value_are_kept(scale: float) -> None:
    values = np.random.default_rng(1).normal(0, scale, 500)
    assert np.abs(unpack(packing.pack(values)) - values).max() <= np.abs(values).max() * 1e-6


@pytest.mark.parametrize(
    ("values", "decimals"), [([1.0, 20.0], 0), ([4_261.48, 1.5], 2), ([0.00001791], 8), ([0.1 + 0.2], 10)]
)
def test_decimals_are_those_the_prices_are_written_with(values: list[float], decimals: int) -> None:
    assert packing.decimals_of(np.array(values)) == decimals


def test_missing_steps_are_told_by_index() -> None:
    time = np.array([0, 60, 120, 300, 360], dtype=np.int64)
    assert packing.pack_times(time, 60) == {"first": 0, "step": 60, "count": 5, "skips": [[3, 2]]}


def test_no_candles_pack_to_nothing() -> None:
    none = np.empty(0)
    candles = Candles(np.empty(0, dtype=np.int64), none, none, none, none, none)
    assert packing.pack_times(candles.time, 60)["count"] == 0
    assert packing.pack_prices(candles, 2)["o"] == "[]"
    assert packing.pack(none)["d"] == "[]"
