"""Sheets of indicator values that others calculated, beside what Bolt says on the same candles.

A sheet that begins a mean elsewhere is compared `after` that is forgotten, or with `flat` candles at its first close
put before it, so that Bolt's means begin where the sheet's do.
"""

import csv
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators.catalog import parse
from market.indicators.compute import compute

REAL = {"binance_BTC_USDT-1h_2024": "BTC", "nasty_binance_FTT_USDT-1h_2019-12_2020-02": "FTT"}


@dataclass(frozen=True)
class Sheet:
    """`columns`: output → column of the sheet; `atol` is the precision the sheet is written in."""

    source: str
    file: str
    key: str
    columns: tuple[tuple[str, str], ...]
    atol: float
    flat: int = 0
    after: int = 0
    shift: int = 0  # bars by which the sheet draws later

    @property
    def name(self) -> str:
        return f"{self.source}-{self.file}-{self.key}"


@dataclass(frozen=True)
class Compared:
    output: str
    ours: Floats
    theirs: Floats

    @property
    def off(self) -> float:
        return float(np.max(np.abs(self.ours - self.theirs)))


def _sheet(source: str, file: str, key: str, columns: str, atol: float, **more: int) -> Sheet:
    pairs = tuple((pair.split("=")[0], pair.split("=")[-1]) for pair in columns.split())
    return Sheet(source, file, key, pairs, atol, **more)


# The RSI sheet begins with gains and losses of zero, fourteen bars earlier; the ATR sheet counts the range of its first
# bar as a true range; PPO begins its averages with the first close.
STOCKCHARTS = tuple(
    _sheet("StockCharts", *row[:4], **row[4])  # type: ignore[arg-type]
    for row in (
        ("cs-rsi", "rsi:14", "rsi", 1e-4, {"flat": 14}),
        ("cs-soo", "stoch:14:1:3", "k=so d=so_sig", 1e-4, {"after": 13}),
        ("cs-atr", "atr:14", "atr", 1e-8, {"flat": 1, "after": 13}),
        ("cs-bbands", "bb:20:2", "upper=highband middle=middleband lower=lowband", 1e-5, {}),
        ("cs-bbands", "bbw:20:2", "width=widthband", 1e-5, {}),
        ("cs-bbands", "bbp:20:2", "place=percentageband", 1e-5, {}),
        ("cs-macd", "macd:12:26:9", "macd=macd_line signal=macd_signal", 2e-3, {"after": 110}),
        ("cs-wma", "wma:9", "wma", 1e-4, {}),
        ("cs-vwap", "vwap:14", "vwap", 1e-9, {"after": 13}),
        ("cs-obv", "obv", "obv", 1e-9, {}),
        ("cs-cci", "cci:20", "cci", 1e-2, {}),
        ("cs-kama", "kama:10", "kama", 1e-4, {}),
        ("cs-mfi", "mfi:14", "mfi", 1e-4, {}),
        ("cs-ppo", "ppo:12:26:9", "ppo signal=ppo_signal_line histogram=ppo_histogram", 1e-6, {"flat": 60}),
        ("cs-roc", "roc:12", "roc", 1e-6, {}),
    )
)
STOCK_INDICATORS = tuple(
    _sheet("Stock.Indicators", *row[:4], **row[4])  # type: ignore[arg-type]
    for row in (
        ("sma", "sma:20", "sma", 1e-9, {}),
        ("ema", "ema:20", "ema", 1e-9, {}),
        ("wma", "wma:14", "wma", 1e-9, {}),
        ("dema", "dema:14", "dema", 1e-9, {"after": 200}),
        ("bb", "bb:20:2", "upper=upperband middle=sma lower=lowerband", 1e-7, {}),
        ("bb", "bbp:20:2", "place=percentb", 1e-7, {}),
        ("macd", "macd:12:26:9", "macd signal histogram", 1e-8, {"after": 300}),
        ("rsi", "rsi:14", "rsi", 1e-9, {}),
        ("stoch", "stoch:14:3:3", "k=oscillator d=signal", 1e-9, {}),
        ("atr", "atr:14", "atr", 1e-9, {}),
        ("atr", "natr:14", "natr=atrp", 1e-9, {}),
        ("cci", "cci:20", "cci", 1e-8, {}),
        ("donchian", "donchian:20", "upper=upperband middle=centerline lower=lowerband", 1e-9, {"shift": 1}),
        ("roc", "roc:14", "roc", 1e-9, {}),
        ("roc", "mom:14", "mom=momentum", 1e-9, {}),
    )
)
TULIP = tuple(
    _sheet("Tulip", file, key, columns, 6e-4, flat=flat)
    for file, key, columns, flat in (
        ("sma", "sma:5", "sma=0", 0),
        ("wma", "wma:5", "wma=0", 0),
        ("hma", "hma:5", "hma=0", 0),
        ("kama", "kama:5", "kama=0", 0),
        ("rsi", "rsi:5", "rsi=0", 0),
        ("bbands", "bb:5:2", "lower=0 middle=1 upper=2", 0),
        ("stoch", "stoch:5:3:3", "k=0 d=1", 0),
        ("atr", "atr:5", "atr=0", 1),  # Tulip, too, counts the range of the first bar as a true range
        ("natr", "natr:5", "natr=0", 1),
        ("bop", "bop", "bop=0", 0),
        ("ultosc", "ultosc:2:3:5", "ultosc=0", 0),
        ("fisher", "fisher:5", "fisher=0 trigger=1", 0),
        ("kvo", "kvo:2:5:2", "kvo=0", 0),
    )
)
TULIP_INPUTS = {"kvo": ("high", "low", "close", "volume")}
TALIB = tuple(
    _sheet("TA-Lib", file, key, columns, 1e-8)
    for file in REAL
    for key, columns in (
        ("sma:20", "sma=sma_20"),
        ("sma:200", "sma=sma_200"),
        ("ema:12", "ema=ema_12"),
        ("ema:50", "ema=ema_50"),
        ("wma:9", "wma=wma_9"),
        ("kama:10", "kama=kama_10"),
        ("rsi:14", "rsi=rsi_14"),
        ("macd:12:26:9", "macd signal=macd_signal histogram=macd_hist"),
        ("bb:20:2", "upper=bb_upper middle=bb_mid lower=bb_lower"),
        ("atr:14", "atr=atr_14"),
        ("adx:14", "adx=adx_14 plus_di=plus_di minus_di=minus_di"),
        ("stoch:14:1:3", "k=fastk_14"),
        ("stoch:14:3:3", "k=slowk d=slowd"),
        ("obv", "obv"),
        ("cci:20", "cci=cci_20"),
        ("mfi:14", "mfi=mfi_14"),
        ("willr:14", "willr=willr_14"),
        ("roc:12", "roc=roc_12"),
        ("ad", "ad"),
        ("psar", "psar"),
        ("trix:15", "trix=trix_15"),
        ("ultosc:7:14:28", "ultosc"),
    )
)
SHEETS = STOCKCHARTS + STOCK_INDICATORS + TULIP + TALIB

# (candles, indicator, output, last value, its decimals): checked against TradingView by the Jesse project.
JESSE = (
    ("test_candles_19", "ad", "ad", 6346031, 0),
    ("test_candles_19", "alma:9:0.85:6", "alma", 179.17, 2),
    ("test_candles_19", "aroon:14", "up", 64.29, 2),
    ("test_candles_19", "aroon:14", "down", 100, 2),
    ("test_candles_11", "bb:20:2", "upper", 145.8, 1),
    ("test_candles_11", "bb:20:2", "lower", 136.7, 1),
    ("test_candles_2", "atr:14", "atr", 2.8, 1),
    ("test_candles_19", "cks:10:1:9", "short", 127.89, 2),
    ("test_candles_19", "fisher:9", "fisher", -1.77, 2),
    ("test_candles_19", "fisher:9", "trigger", -1.31, 2),
    ("test_candles_19", "adx:14", "plus_di", 10.80, 2),
    ("test_candles_19", "adx:14", "minus_di", 45.3, 1),
    ("test_candles_19", "eri:13", "bull", -7.14, 2),
    ("test_candles_19", "eri:13", "bear", -101.49, 2),
    ("test_candles_19", "macd:12:26:9", "macd", -15.32, 2),
    ("test_candles_19", "macd:12:26:9", "signal", -4.10, 2),
    ("test_candles_19", "macd:12:26:9", "histogram", -11.22, 2),
    ("test_candles_19", "mass:9:5", "mass", 5.76, 2),
    ("test_candles_19", "natr:14", "natr", 22.55, 2),
    ("wavetrend_candles", "rma:14", "rma", 31887.21, 2),
    ("test_candles_14", "rsi:14", "rsi", 57.84, 2),
    ("test_candles_4", "stochrsi:14:14:3:3", "k", 21.36, 2),
    ("test_candles_4", "stochrsi:14:14:3:3", "d", 12.4, 2),
    ("test_candles_19", "stc:10:23:50", "stc", 0.0, 2),
    ("test_candles_17", "tema:9", "tema", 213.2, 2),
    ("test_candles_19", "vortex:14", "plus", 0.66, 2),
    ("test_candles_19", "vortex:14", "minus", 1.13, 2),
    ("test_candles_19", "zlema:20", "zlema", 189, 0),
)


def compare(reference: Path, sheet: Sheet) -> list[Compared]:
    """Both values wherever both have one."""
    read = {"StockCharts": _stockcharts, "Stock.Indicators": _stock, "Tulip": _tulip, "TA-Lib": _talib}[sheet.source]
    given, columns = read(reference, sheet)
    lines = compute(given, parse(sheet.key))
    found = []
    for output, column in sheet.columns:
        theirs = columns[column]
        ours = lines[output][sheet.flat :] if sheet.source != "Tulip" else lines[output][-len(theirs) :]
        ours, theirs = ours[: len(ours) - sheet.shift], theirs[sheet.shift :]
        both = ~np.isnan(ours) & ~np.isnan(theirs) & (np.arange(len(ours)) >= sheet.after)
        found.append(Compared(output, ours[both], theirs[both]))
    return found


def last_value(reference: Path, file: str, key: str, output: str) -> float:
    """What Bolt says of the newest of Jesse's candles."""
    return float(compute(candles(table(reference / "jesse" / f"{file}.csv")), parse(key))[output][-1])


@cache
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


def _stockcharts(reference: Path, sheet: Sheet) -> tuple[Candles, dict[str, Floats]]:
    columns = table(reference / "stockcharts" / f"{sheet.file}.csv")
    return candles(columns, sheet.flat), columns


def _stock(reference: Path, sheet: Sheet) -> tuple[Candles, dict[str, Floats]]:
    folder = reference / "skender"
    return candles(table(folder / "quotes_default.csv")), table(folder / f"{sheet.file}.csv")


def _tulip(reference: Path, sheet: Sheet) -> tuple[Candles, dict[str, Floats]]:
    cases = json.loads((reference / "tulip.json").read_text())["cases"]
    (case,) = [case for case in cases if case["indicator"] == sheet.file]
    arrays = [np.array(values, dtype=np.float64) for values in case["arrays_inputs_then_outputs"]]
    inputs = arrays[: -len(sheet.columns)]
    outputs = arrays[-len(sheet.columns) :]
    names = {1: ("close",), 2: ("high", "low"), 3: ("high", "low", "close"), 4: ("open", "high", "low", "close")}
    named = dict(zip(TULIP_INPUTS.get(sheet.file, names[len(inputs)]), inputs, strict=True))
    given = candles({"close": inputs[0], **named}, sheet.flat)
    return given, {str(place): values for place, values in enumerate(outputs)}


def _talib(reference: Path, sheet: Sheet) -> tuple[Candles, dict[str, Floats]]:
    columns = table(reference / "talib" / f"{sheet.file}.talib.csv.gz")
    given = candles(table(reference.parent / "data" / f"{sheet.file}.csv.gz"))
    return given[: len(columns["timestamp"])], columns
