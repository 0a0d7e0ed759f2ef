"""Five years of real hourly candles with their holes, from features to a split."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from core.ohlcv import Candles
from ml import labels, leak_lab
from ml.config import TrainingConfig
from ml.dataset import Dataset, Frame, prepare

HOUR = 3_600_000
ASKED = TrainingConfig(("binance:BTC/USDT", "binance:ETH/USDT"), "1h", 24)

pytestmark = pytest.mark.shared


def read(path: Path) -> Candles:
    with gzip.open(path) as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1)
    return Candles(table[:, 0].astype(np.int64), *(np.ascontiguousarray(table[:, k]) for k in range(1, 6)))


@pytest.fixture(scope="module")
def data(shared: Path) -> Dataset:
    files = (shared / "data" / f"binance_{name}_USDT-1h_2017-2021.csv.gz" for name in ("BTC", "ETH"))
    return prepare([Frame(m, False, read(f)) for m, f in zip(ASKED.markets, files, strict=True)], ASKED)


def test_classes_are_balanced_on_train_rows(data: Dataset) -> None:
    found = labels.shares(data.rows.y[data.parts.train])
    assert found.min() >= 0.25
    assert found.max() <= 0.45


def test_no_row_spans_one_of_the_holes(data: Dataset) -> None:
    spans = data.rows.spans
    assert data.data[0].gaps == 27
    assert (spans.t0 - spans.start == (ASKED.window - 1) * HOUR).all()
    assert (spans.t1 - spans.t0 <= ASKED.horizon * HOUR).all()
    for market, span in enumerate(data.data):
        assert span.missing == 127
        rows = data.rows.market == market
        bars = (spans.t1[rows] - spans.start[rows]) // HOUR
        ends = data.rows.ends[rows]
        first = ends - (ASKED.window - 1)
        assert np.isfinite(data.table[first]).all()
        assert bars.max() <= ASKED.window - 1 + ASKED.horizon


def test_most_candles_become_rows_and_most_rows_are_used(data: Dataset) -> None:
    assert len(data.rows.ends) > 0.9 * 2 * 38_221
    used = sum(len(part) for part in (data.parts.train, data.parts.validation, data.parts.test))
    assert used > 0.95 * len(data.rows.ends)


def test_both_markets_are_split_at_the_same_moments(data: Dataset) -> None:
    for rows in (data.parts.train, data.parts.validation, data.parts.test):
        first = [data.rows.spans.t0[rows[data.rows.market[rows] == m]].min() for m in (0, 1)]
        assert first[0] == first[1]


def test_the_leak_lab_finds_nothing_in_them(shared: Path) -> None:
    frame = Frame(ASKED.markets[0], False, read(shared / "data" / "binance_BTC_USDT-1h_2017-2021.csv.gz"))
    report = leak_lab.examine([frame], TrainingConfig(ASKED.markets[:1], "1h", 24))
    assert report.alarms == []
    assert report.windows > 30_000
