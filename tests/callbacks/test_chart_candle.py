"""A click on a candle."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from dash.exceptions import PreventUpdate
from sqlalchemy.orm import Session

from callbacks import chart_candle
from core.market_name import parse
from db.queries import candles, markets
from db.queries.deliveries import Origin
from layouts.components.candle_note import Known, candle_note
from tests.candle_data import START_MS, store, walk

HOUR = 3_600_000
NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)


def told(hour: int, **asked: Any) -> str:
    at = START_MS + hour * HOUR
    return str(chart_candle.tell({"market": "binance/BTC-USDT", "tf": "1h", "time": at, "step": HOUR, **asked}))


def test_a_candle_says_its_prices_and_where_they_came_from(session: Session) -> None:
    made = walk(100)
    store(session, "binance:BTC/USDT", made)
    text = told(40)
    for value in (made.open[40], made.high[40], made.low[40], made.close[40]):
        assert f"{value:,.2f}" in text
    assert "binance, stored as a 1h candle" in text
    assert "as it first came" in text
    assert "not noted: it was stored before" in text
    assert f"/data-quality?market=binance/BTC-USDT&tf=1h&at={START_MS + 40 * HOUR}" in text


def test_a_candle_that_was_streamed_says_so_and_when(session: Session) -> None:
    market = store(session, "binance:BTC/USDT", walk(40))
    candles.upsert(session, market.id, "1h", walk(41)[40:], origin=Origin("stream", answered_at=NOW))
    session.commit()
    text = told(40)
    assert "binance, by its stream as the candle closed, stored as a 1h candle" in text
    assert "Sun 29 Dec 2024, 23:41 UTC" in text
    assert "not noted" not in text


def test_a_bar_that_was_put_together_says_of_how_many(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(100)[np.arange(100) != 42])
    text = told(40, tf="4h", step=4 * HOUR)
    assert "built of 3 of 4 1h candles" in text


def test_a_candle_that_came_back_different_says_so(session: Session) -> None:
    made = walk(100)
    store(session, "binance:BTC/USDT", made)
    before = float(made.close[40])
    made.close[40] = made.high[40]
    market = markets.get(session, parse("binance:BTC/USDT"))
    candles.upsert(session, market.id, "1h", made, source="binance")
    session.commit()
    text = told(40)
    assert "Once, last" in text
    assert f"close {before:,.2f} → {made.high[40]:,.2f}" in text


def test_a_candle_of_an_imported_file_says_so() -> None:
    known = Known(
        "binance/BTC-USDT", "binance", False, 2, NOW, (1, 2, 0.5, 1.5, 3), "1h", 1, 1, True, (), (("a.csv", NOW),)
    )
    assert "binance, stored" in str(candle_note(known, now=NOW))
    from_file = str(candle_note(replace(known, fetched=False), now=NOW))
    assert "an imported file of binance, stored" in from_file
    assert "a.csv" in from_file
    assert "A wick far outside its neighbours" in from_file
    assert "or an imported file" in str(candle_note(replace(known, fetched=None), now=NOW))


def test_a_hole_and_nonsense(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(100)[np.arange(100) != 42])
    assert "No candle is stored here" in told(42)
    for nonsense in (None, {"market": "binance/BTC-USDT"}, {"market": "no/SUCH-ONE", "tf": "1h", "time": START_MS}):
        with pytest.raises(PreventUpdate):
            chart_candle.tell(nonsense)
