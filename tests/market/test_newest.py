"""Values at the newest candle: those of the full run, from a small part of the history."""

import math

import numpy as np
import pytest

from core import ohlcv
from core.ohlcv import Candles
from market.indicators import compute
from market.indicators.catalog import CATALOG, parse
from market.indicators.compute import compute_all, newest
from tests.candles import walk

HISTORY = walk(6_000)


@pytest.mark.parametrize("key", [key for key, entry in CATALOG.items() if not entry.repaints])
def test_the_newest_value_is_that_of_the_full_run(key: str) -> None:
    chosen = parse(key)
    full = compute_all(HISTORY, [chosen])[chosen.key]
    for name, value in newest(HISTORY, [chosen])[chosen.key].items():
        assert math.isclose(value, full[name][-1], rel_tol=1e-9, abs_tol=1e-8)


def test_a_short_history_gives_what_there_is() -> None:
    found = newest(HISTORY[:10], [parse("sma:5"), parse("sma:20")])
    assert found["sma:5"]["sma"] == pytest.approx(HISTORY.close[5:10].mean())
    assert np.isnan(found["sma:20"]["sma"])
    assert np.isnan(newest(ohlcv.empty(), [parse("sma:5")])["sma:5"]["sma"])
    assert newest(HISTORY, []) == {}


def test_only_what_counts_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []
    plain = compute.compute_all

    def watched(candles: Candles, chosen: object) -> object:
        lengths.append(len(candles))
        return plain(candles, chosen)  # type: ignore[arg-type]

    monkeypatch.setattr(compute, "compute_all", watched)
    newest(HISTORY, [parse("sma:20"), parse("rsi:14"), parse("obv")])
    assert lengths == [326, 6_000]
