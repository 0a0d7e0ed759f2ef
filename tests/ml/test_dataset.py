"""Rows of several markets on one time axis, fitted on train rows alone."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import NotEnoughData
from core.ohlcv import Candles
from ml import dataset, features, labels, scaling
from ml.config import TrainingConfig
from ml.dataset import Frame, prepare
from tests.candles import walk
from tests.ml import versions

HOUR = 3_600_000
TWO = TrainingConfig(("demo:BTC/USDT", "demo:ETH/USDT"), "1h", 6)
FRAMES = [Frame(TWO.markets[0], True, walk(3_000)), Frame(TWO.markets[1], True, walk(3_000, seed=9))]
DATA = prepare(FRAMES, TWO)


def test_rows_of_both_markets_stand_in_every_segment() -> None:
    for rows in (DATA.parts.train, DATA.parts.validation, DATA.parts.test):
        assert set(DATA.rows.market[rows]) == {0, 1}


def test_windows_are_the_scaled_features_of_their_own_market() -> None:
    row = int(np.nonzero(DATA.rows.market == 1)[0][700])
    candles = FRAMES[1].candles
    i = int(np.searchsorted(candles.time, DATA.rows.spans.t0[row]))
    expected = DATA.scaler.apply(features.compute(candles, HOUR))[i - 59 : i + 1]
    np.testing.assert_array_equal(DATA.x(np.array([row]))[0], expected)
    np.testing.assert_array_equal(DATA.last_bars(np.array([row]))[0], expected[-1])
    assert DATA.rows.spans.start[row] == candles.time[i - 59]


def test_the_scaler_and_k_change_not_when_the_future_does() -> None:
    """Everything from the begin of validation on is replaced; what was fitted stays."""
    border = DATA.rows.spans.t1[DATA.parts.train].max()
    changed = []
    for frame in FRAMES:
        later = frame.candles.time > border
        factor = np.where(later, 5.0, 1.0)
        columns = [c * factor for c in list(frame.candles.columns())[1:]]
        changed.append(replace(frame, candles=Candles(frame.candles.time, *columns)))
    other = prepare(changed, TWO)
    assert other.k == DATA.k
    assert other.scaler == DATA.scaler


def test_the_scaler_is_given_train_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(names: tuple[str, ...], rows: np.ndarray) -> scaling.Scaler:
        seen.append(rows)
        return scaling.Scaler(names, (0.0,) * 10, (1.0,) * 10)

    monkeypatch.setattr(dataset.scaling, "fit", spy)
    data = prepare(FRAMES, TWO)
    assert [len(rows) for rows in seen] == [len(data.parts.train)]


def test_train_and_validation_hold_no_ambiguous_row() -> None:
    assert not DATA.rows.ambiguous[DATA.parts.train].any()
    assert not DATA.rows.ambiguous[DATA.parts.validation].any()


def test_persistence_knows_only_labels_that_have_ended() -> None:
    at, end = np.array([10, 11, 12, 13]), np.array([12, 13, 13, 20])
    y = np.array([0, 1, 2, 0], dtype=np.int8)
    said = dataset.newest_settled(at, end, y, 30)
    assert said.tolist() == [labels.NEUTRAL, labels.NEUTRAL, 0, 2]


def test_a_window_costs_at_most_a_hundred_bytes() -> None:
    rows = DATA.rows
    spans = (rows.spans.start, rows.spans.t0, rows.spans.t1)
    single = (rows.ends, rows.market, rows.y, rows.ret, rows.ambiguous, rows.said_before, rows.momentum, rows.width)
    parts = (DATA.parts.train, DATA.parts.validation, DATA.parts.test)
    assert (DATA.table.nbytes + sum(a.nbytes for a in (*spans, *single, *parts))) / len(rows.ends) <= 100


def test_too_few_candles_are_refused_with_the_number_that_is_needed() -> None:
    asked = versions.config()
    with pytest.raises(NotEnoughData, match=rf"holds 120 candles.*needs {asked.least_candles:,}"):
        prepare([Frame(asked.markets[0], True, walk(120))], asked)


def test_the_least_number_of_candles_is_enough() -> None:
    for horizon in (1, 24, 96):
        asked = TrainingConfig(("demo:BTC/USDT",), "1h", horizon)
        data = prepare([Frame(asked.markets[0], True, walk(asked.least_candles))], asked)
        assert min(len(data.parts.validation), len(data.parts.test)) >= 50


def test_candles_full_of_holes_are_refused() -> None:
    asked = versions.config()
    holed = walk(4_000)[np.nonzero(np.arange(4_000) % 66 != 0)[0]]
    with pytest.raises(NotEnoughData, match="gapless windows"):
        prepare([Frame(asked.markets[0], True, holed)], asked)


def test_data_is_described_with_its_holes_and_a_hash() -> None:
    candles = walk(100)[np.delete(np.arange(100), [40, 41, 70])]
    found = dataset.describe(Frame("demo:BTC/USDT", True, candles), HOUR)
    assert (found.candles, found.gaps, found.missing, found.simulated) == (97, 2, 3, True)
    other = dataset.describe(Frame("demo:BTC/USDT", True, candles[:96]), HOUR)
    assert found.sha256 != other.sha256
