"""Indicator values against sheets that others calculated, each within its own precision."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.ohlcv import Candles
from market.indicators.catalog import parse
from market.indicators.compute import compute
from tests.market.reference_sheets import JESSE, SHEETS, Sheet, candles, compare, last_value, table

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_values_agree_with_the_sheet(shared: Path, sheet: Sheet) -> None:
    for compared in compare(shared / "reference", sheet):
        assert len(compared.ours) >= 5
        np.testing.assert_allclose(compared.ours, compared.theirs, rtol=1e-9, atol=sheet.atol)


@pytest.mark.parametrize(("file", "key", "output", "value", "decimals"), JESSE)
def test_last_values_agree_with_those_checked_on_a_chart(
    shared: Path, file: str, key: str, output: str, value: float, decimals: int
) -> None:
    assert round(last_value(shared / "reference", file, key, output), decimals) == value


def test_stock_indicators_begin_obv_at_zero(shared: Path) -> None:
    folder = shared / "reference" / "skender"
    quotes = candles(table(folder / "quotes_default.csv"))
    (line,) = compute(quotes, parse("obv")).values()
    np.testing.assert_allclose(line - quotes.volume[0], table(folder / "obv.csv")["obv"], rtol=1e-9, atol=1e-6)


def test_stock_indicators_anchor_vwap_at_the_first_bar(shared: Path) -> None:
    folder = shared / "reference" / "skender"
    quotes = candles(table(folder / "quotes_default.csv"))
    sheet = table(folder / "vwap.csv")["vwap"]
    for bars in (2, 14, 100, 500):
        (line,) = compute(quotes, parse(f"vwap:{bars}")).values()
        assert np.isclose(line[bars - 1], sheet[bars - 1], rtol=1e-12)


def test_tulip_takes_simple_returns_and_252_bars_a_year(shared: Path) -> None:
    cases = json.loads((shared / "reference" / "tulip.json").read_text())["cases"]
    (case,) = (case for case in cases if case["indicator"] == "volatility")
    close, theirs = (np.array(values) for values in case["arrays_inputs_then_outputs"])
    daily = np.arange(len(close), dtype=np.int64) * 86_400_000
    (ours,) = compute(Candles(daily, close, close, close, close, np.ones(len(close))), parse("hv:5")).values()
    simple, logs = close[1:] / close[:-1] - 1, np.log(close[1:] / close[:-1])
    spread, of_logs = (np.lib.stride_tricks.sliding_window_view(moves, 5).std(axis=1) for moves in (simple, logs))
    np.testing.assert_allclose(np.sqrt(252) * spread, theirs, atol=6e-4)
    np.testing.assert_allclose(ours[5:], 100 * np.sqrt(365) * of_logs, rtol=1e-9)
