"""Indicator values against sheets that others calculated, each within its own precision.

Where a sheet begins an exponential mean differently, values are compared once that beginning is forgotten.
"""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from core.ohlcv import Candles, Floats
from market.indicators.catalog import parse
from market.indicators.compute import compute

pytestmark = pytest.mark.shared


def table(path: Path) -> dict[str, Floats]:
    """The columns of a CSV as numbers, NaN for what is none; names in lower case."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    header, *rows = list(csv.reader(text.splitlines()))
    return {name.lower(): np.array([number(row[k]) for row in rows]) for k, name in enumerate(header)}


def number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def candles(sheet: dict[str, Floats], flat: int = 0) -> Candles:
    """Candles of a sheet after `flat` ones at its first close; prices it leaves out are its high or close."""
    close = np.where(np.isnan(sheet["close"]), sheet.get("high", sheet["close"]), sheet["close"])
    prices = [sheet.get(name, close) for name in ("open", "high", "low")] + [close]
    volume = np.nan_to_num(sheet.get("volume", np.ones(len(close))))
    led = [np.concatenate((np.full(flat, close[0]), column)) for column in prices]
    return Candles(np.arange(len(led[0]), dtype=np.int64), *led, np.concatenate((np.ones(flat), volume)))


def agree(line: Floats, expected: Floats, *, after: int = 0, atol: float) -> None:
    """Equal wherever both have a value from bar `after` on; at least a few bars must be compared."""
    both = ~np.isnan(line) & ~np.isnan(expected) & (np.arange(len(line)) >= after)
    assert both.sum() >= 5
    np.testing.assert_allclose(line[both], expected[both], rtol=1e-9, atol=atol)


# `flat`: candles to put before a sheet so that TA-Lib begins its means where the sheet does. The RSI sheet begins with
# gains and losses of zero, fourteen bars earlier; the ATR sheet counts the range of its first bar as a true range.
@pytest.mark.parametrize(
    ("file", "key", "columns", "flat", "after", "atol"),
    [
        ("cs-rsi", "rsi:14", {"rsi": "rsi"}, 14, 0, 1e-4),
        ("cs-soo", "stoch:14:1:3", {"k": "so", "d": "so_sig"}, 0, 13, 1e-4),
        ("cs-atr", "atr:14", {"atr": "atr"}, 1, 13, 1e-8),
        ("cs-bbands", "bb:20:2", {"upper": "highband", "middle": "middleband", "lower": "lowband"}, 0, 0, 1e-5),
        ("cs-macd", "macd:12:26:9", {"macd": "macd_line", "signal": "macd_signal"}, 0, 110, 2e-3),
        ("cs-wma", "wma:9", {"wma": "wma"}, 0, 0, 1e-4),
        ("cs-vwap", "vwap:14", {"vwap": "vwap"}, 0, 13, 1e-9),
        ("cs-obv", "obv", {"obv": "obv"}, 0, 0, 1e-9),
    ],
)
def test_stockcharts(
    shared: Path, file: str, key: str, columns: dict[str, str], flat: int, after: int, atol: float
) -> None:
    sheet = table(shared / "reference" / "stockcharts" / f"{file}.csv")
    lines = compute(candles(sheet, flat), parse(key))
    for output, column in columns.items():
        agree(lines[output][flat:], sheet[column], after=after, atol=atol)


@pytest.mark.parametrize(
    ("file", "key", "columns", "after", "atol"),
    [
        ("sma", "sma:20", {"sma": "sma"}, 0, 1e-9),
        ("ema", "ema:20", {"ema": "ema"}, 0, 1e-9),
        ("wma", "wma:14", {"wma": "wma"}, 0, 1e-9),
        ("bb", "bb:20:2", {"upper": "upperband", "middle": "sma", "lower": "lowerband"}, 0, 1e-7),
        ("macd", "macd:12:26:9", {"macd": "macd", "signal": "signal", "histogram": "histogram"}, 300, 1e-8),
        ("rsi", "rsi:14", {"rsi": "rsi"}, 0, 1e-9),
        ("stoch", "stoch:14:3:3", {"k": "oscillator", "d": "signal"}, 0, 1e-9),
        ("atr", "atr:14", {"atr": "atr"}, 0, 1e-9),
    ],
)
def test_stock_indicators(shared: Path, file: str, key: str, columns: dict[str, str], after: int, atol: float) -> None:
    folder = shared / "reference" / "skender"
    lines = compute(candles(table(folder / "quotes_default.csv")), parse(key))
    sheet = table(folder / f"{file}.csv")
    for output, column in columns.items():
        agree(lines[output], sheet[column], after=after, atol=atol)


def test_stock_indicators_begin_obv_at_zero(shared: Path) -> None:
    folder = shared / "reference" / "skender"
    quotes = candles(table(folder / "quotes_default.csv"))
    (line,) = compute(quotes, parse("obv")).values()
    agree(line - quotes.volume[0], table(folder / "obv.csv")["obv"], atol=1e-6)


def test_stock_indicators_anchor_vwap_at_the_first_bar(shared: Path) -> None:
    folder = shared / "reference" / "skender"
    quotes = candles(table(folder / "quotes_default.csv"))
    sheet = table(folder / "vwap.csv")["vwap"]
    for bars in (2, 14, 100, 500):
        (line,) = compute(quotes, parse(f"vwap:{bars}")).values()
        assert np.isclose(line[bars - 1], sheet[bars - 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("indicator", "outputs"),
    [
        ("sma", ["sma"]),
        ("wma", ["wma"]),
        ("rsi", ["rsi"]),
        ("bbands", ["lower", "middle", "upper"]),
        ("stoch", ["k", "d"]),
        ("atr", ["atr"]),
    ],
)
def test_tulip(shared: Path, indicator: str, outputs: list[str]) -> None:
    cases = json.loads((shared / "reference" / "tulip.json").read_text())["cases"]
    (case,) = [c for c in cases if c["indicator"] == indicator]
    arrays = [np.array(a) for a in case["arrays_inputs_then_outputs"]]
    inputs, expected = arrays[: -len(outputs)], arrays[-len(outputs) :]
    names = ("close",) if len(inputs) == 1 else ("high", "low", "close")
    key = {"bbands": "bb"}.get(indicator, indicator)
    chosen = parse(":".join([key, *(f"{option:g}" for option in case["options"])]))
    flat = int(indicator == "atr")  # Tulip, too, counts the range of the first bar as a true range
    lines = compute(candles(dict(zip(names, inputs, strict=True)), flat), chosen)
    for output, values in zip(outputs, expected, strict=True):
        line = lines[output][-len(values) :]
        known = ~np.isnan(line)
        assert known.sum() >= 7
        np.testing.assert_allclose(line[known], values[known], atol=6e-4)


TALIB = {
    "sma:20": {"sma": "sma_20"},
    "sma:200": {"sma": "sma_200"},
    "ema:12": {"ema": "ema_12"},
    "ema:50": {"ema": "ema_50"},
    "wma:9": {"wma": "wma_9"},
    "rsi:14": {"rsi": "rsi_14"},
    "macd:12:26:9": {"macd": "macd", "signal": "macd_signal", "histogram": "macd_hist"},
    "bb:20:2": {"upper": "bb_upper", "middle": "bb_mid", "lower": "bb_lower"},
    "atr:14": {"atr": "atr_14"},
    "adx:14": {"adx": "adx_14", "plus_di": "plus_di", "minus_di": "minus_di"},
    "stoch:14:1:3": {"k": "fastk_14"},
    "stoch:14:3:3": {"k": "slowk", "d": "slowd"},
    "obv": {"obv": "obv"},
}


@pytest.mark.parametrize("file", ["binance_BTC_USDT-1h_2024", "nasty_binance_FTT_USDT-1h_2019-12_2020-02"])
@pytest.mark.parametrize("key", list(TALIB))
def test_talib_on_real_candles(shared: Path, file: str, key: str) -> None:
    sheet = table(shared / "reference" / "talib" / f"{file}.talib.csv.gz")
    real = candles(table(shared / "data" / f"{file}.csv.gz"))[: len(sheet["timestamp"])]
    for output, column in TALIB[key].items():
        line = compute(real, parse(key))[output]
        agree(line, sheet[column], atol=1e-8)
