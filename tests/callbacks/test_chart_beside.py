"""What is drawn with the candles: a second market, past calls, what is known of holes, bars of averages."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from callbacks import chart_beside, chart_view, charts
from core.clock import from_ms, to_ms, utc_now
from core.ohlcv import aggregate
from db.tables import Gap, PredictionOutcome
from market.heikin_ashi import heikin_ashi
from market.indicators.catalog import parse
from market.indicators.compute import compute
from tests.callbacks.test_chart_rail import add_call
from tests.callbacks.test_charts import ask
from tests.candle_data import START_MS, store, walk
from tests.layouts.test_packing import unpack, unpack_prices

HOUR = 3_600_000


def test_a_second_market_stands_at_the_times_of_the_first(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(300))
    other = walk(300, price=2_000, seed=3)
    store(session, "kraken:ETH/USD", other[100:])
    frame = ask(cmp="kraken/ETH-USD")
    assert (frame["scale"], frame["asked_scale"], frame["cmp"]["symbol"]) == ("pct", None, "ETH/USD")
    closes = unpack(frame["cmp"]["values"])
    assert np.isnan(closes[:100]).all()
    assert np.allclose(closes[100:], other.close[100:], rtol=1e-6)


def test_bars_that_were_put_together_are_compared_with_such_bars(session: Session) -> None:
    made, other = walk(9_000), walk(9_000, price=2_000, seed=3)
    store(session, "binance:BTC/USDT", made)
    store(session, "kraken:ETH/USD", other)
    frame = ask(cmp="kraken/ETH-USD", **{"from": START_MS, "to": START_MS + 9_000 * HOUR})
    step = frame["time"]["step"]
    assert step > HOUR
    wanted = aggregate(other, step).close[: frame["time"]["count"]]
    assert np.allclose(unpack(frame["cmp"]["values"])[:-1], wanted[:-1], rtol=1e-6)


@pytest.mark.parametrize(
    ("other", "why"), [("kraken/NO-SUCH", "no market kraken:NO/SUCH"), ("kraken/ETH-USD", "nothing to compare")]
)
def test_what_cannot_be_compared_is_said(session: Session, other: str, why: str) -> None:
    store(session, "binance:BTC/USDT", walk(300))
    store(session, "kraken:ETH/USD", walk(10, start_ms=START_MS - 1_000 * HOUR))
    frame = ask(cmp=other)
    assert frame["cmp"] is None
    assert why in frame["cmp_missing"]


def test_values_at_other_times_are_no_values() -> None:
    known, values = np.array([10, 30], dtype=np.int64), np.array([1.0, 3.0])
    found = chart_beside.at_times(known, values, np.array([5, 10, 20, 30, 40], dtype=np.int64))
    assert np.array_equal(found, [np.nan, 1, np.nan, 3, np.nan], equal_nan=True)
    assert np.isnan(chart_beside.at_times(known[:0], values[:0], known)).all()


def test_past_calls_say_what_they_were_and_whether_they_were_right(session: Session) -> None:
    end = utc_now().replace(minute=0, second=0, microsecond=0)
    store(session, "binance:BTC/USDT", walk(60, start_ms=to_ms(end - timedelta(hours=60))), followed=True)
    stands = chart_view.place(session, chart_view.read({"tf": "1h"}, now=utc_now()))
    assert stands is not None
    call = add_call(session, stands)
    at = to_ms(call.open_time)
    assert ask()["marks"] == [[at, 1, 0.424, None]]
    outcome = {"entry": 100.0, "log_return": 0.05, "ambiguous": False, "log_loss": 1.0, "brier": 0.5}
    session.add(PredictionOutcome(prediction_id=call.id, outcome="bullish", t1=call.due_at, **outcome))
    session.commit()
    frame, words = charts.draw_chart({"market": "binance/BTC-USDT", "tf": "1h", "ind": ""}, None)
    assert frame["marks"] == [[at, 1, 0.424, 0]]
    assert words.endswith("Past calls marked: 1, settled 1, right 0.")
    assert ask(calls="off")["marks"] == []
    assert ask(tf="4h")["marks"] == []


def test_holes_in_view_come_with_what_is_known_of_them(session: Session) -> None:
    market = store(session, "binance:BTC/USDT", walk(300))
    states: dict[int, dict[str, Any]] = {
        50: {"state": "confirmed", "answers": 3},
        80: {"state": "open"},
        90: {"state": "filled"},
    }
    for hour, more in states.items():
        first = from_ms(START_MS + hour * HOUR)
        session.add(Gap(market_id=market.id, timeframe="1h", first_missing=first, count=2, seen_at=first, **more))
    session.commit()
    assert ask()["holes"] == [
        [START_MS + 50 * HOUR, START_MS + 52 * HOUR, "confirmed"],
        [START_MS + 80 * HOUR, START_MS + 82 * HOUR, "open"],
    ]


def test_bars_of_averages_do_not_depend_on_what_is_loaded(session: Session) -> None:
    made = walk(2_000)
    store(session, "binance:BTC/USDT", made)
    frame = ask(type="ha", **{"from": int(made.time[1_200]), "to": int(made.time[1_300])})
    first = (frame["time"]["first"] - START_MS) // HOUR
    whole = heikin_ashi(made)[first : first + frame["time"]["count"]]
    for packed, wanted in zip(
        unpack_prices(frame["ha"]), (whole.open, whole.high, whole.low, whole.close), strict=True
    ):
        assert np.abs(packed - wanted).max() < 1e-3
    assert np.array_equal(unpack_prices(frame["prices"])[3], made.close[first : first + frame["time"]["count"]])
    assert ask()["ha"] is None


def test_a_hidden_indicator_is_not_computed_and_keeps_the_colours_of_the_others(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(300))
    frame = ask(ind="!ema:20,ema:50")
    assert [(line["of"], line["colour"]) for line in frame["lines"]] == [("ema:50", 2)]
    assert frame["ind"] == "!ema:20,ema:50"


def test_the_cloud_reaches_beyond_the_newest_candle_only(session: Session) -> None:
    made = walk(2_026)
    store(session, "binance:BTC/USDT", made[:2_000])
    lines = {line["id"].split("/")[1]: line for line in ask(ind="ichimoku")["lines"]}
    assert lines["conversion"]["ahead"] is None
    wanted = compute(made, parse("ichimoku"))["span_b"][-26:]
    assert np.allclose(unpack(lines["span_b"]["ahead"]), wanted, atol=0.01)
    early = ask(ind="ichimoku", **{"from": int(made.time[500]), "to": int(made.time[600])})
    assert all(line["ahead"] is None for line in early["lines"])
