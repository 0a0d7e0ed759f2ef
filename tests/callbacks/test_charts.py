"""The Charts page on a real database: frames, toolbar, rail, refreshing and empty states."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from dash.exceptions import PreventUpdate
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from callbacks import chart_view, charts
from core.clock import from_ms, to_ms, utc_now
from core.jobs import FILL_DEMO
from core.ohlcv import Candles
from core.roles import Role
from db.queries import candles as stored
from db.queries import jobs
from market.indicators.catalog import parse
from market.indicators.compute import compute
from tests.candle_data import START_MS, store, walk
from tests.fire import fire
from tests.layouts.test_packing import unpack, unpack_prices
from tests.web import SignIn

HOUR = 3_600_000
BTC = "binance/BTC-USDT"


def ask(**view: Any) -> dict[str, Any]:
    return charts.draw_chart({"market": BTC, "tf": "1h", "ind": "", **view}, None)[0]


def closes(frame: dict[str, Any]) -> Any:
    return unpack_prices(frame["prices"])[3]


def recent(n: int, hours_ago: int = 0) -> Candles:
    end = to_ms(utc_now()) // HOUR * HOUR - hours_ago * HOUR
    return walk(n, start_ms=end - n * HOUR)


def place(session: Session, tf: str = "1h") -> chart_view.Place:
    found = chart_view.place(session, chart_view.read({"tf": tf}, now=utc_now()))
    assert found is not None
    return found


def test_a_frame_holds_the_stored_values(session: Session) -> None:
    made = walk(400)
    store(session, "binance:BTC/USDT", made)
    frame = ask()
    assert np.array_equal(closes(frame), made.close)
    assert frame["time"] == {"first": START_MS, "step": HOUR, "count": 400, "skips": []}
    assert (frame["market"], frame["simulated"], frame["complete"]) == (BTC, False, True)


def test_never_more_than_1500_bars_go_out_and_coarse_ones_are_true_aggregates(session: Session) -> None:
    made = walk(20_000)
    store(session, "binance:BTC/USDT", made)
    frame = ask(**{"from": START_MS, "to": START_MS + 20_000 * HOUR})
    step = frame["time"]["step"]
    assert step > HOUR
    assert frame["time"]["count"] <= 1_500
    _, high, low, close = unpack_prices(frame["prices"])
    k = frame["time"]["count"] // 2
    at = frame["time"]["first"] + k * step
    inside = (made.time >= at) & (made.time < at + step)
    assert (high[k], low[k], close[k]) == (made.high[inside].max(), made.low[inside].min(), made.close[inside][-1])


def test_values_of_an_indicator_do_not_depend_on_what_is_loaded(session: Session) -> None:
    made = walk(3_000)
    store(session, "binance:BTC/USDT", made)
    whole = compute(made, parse("ema:50"))["ema"]
    for first in (900, 1_400, 2_000):
        frame = ask(ind="ema:50", **{"from": int(made.time[first]), "to": int(made.time[first + 100])})
        values = unpack(frame["lines"][0]["values"])
        begin = (frame["time"]["first"] - START_MS) // HOUR
        assert begin < first
        assert np.abs(values - whole[begin : begin + len(values)]).max() <= 0.005000001  # the tick it is drawn in


def test_gaps_stay_gaps(session: Session) -> None:
    made = walk(300)
    keep = (np.arange(300) < 100) | (np.arange(300) >= 105)
    store(session, "binance:BTC/USDT", made[keep])
    assert ask()["time"]["skips"] == [[100, 5]]


def test_a_span_without_candles_shows_the_newest_ones(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(300))
    frame = ask(**{"from": "2030-01-01", "to": "2030-02-01"})
    assert frame["time"]["count"] == 300


def test_the_visible_span_comes_back_for_the_browser_to_keep(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(300))
    assert ask()["range"] is None
    assert ask(**{"from": START_MS + 10 * HOUR})["range"] == [START_MS + 10 * HOUR, None]


def test_a_callback_answers_a_viewer_with_a_frame(signed_in: SignIn, session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(300))
    answer = fire(signed_in(Role.VIEWER), {"charts-view.data": {"market": BTC}, "charts-wanted.data": None})
    frame = answer.get_json()["response"]["charts-frame"]["data"]
    assert frame["symbol"] == "BTC/USDT"
    assert len(json.dumps(frame)) < 40_000


def test_the_toolbar_knows_all_markets_and_marks_simulated_ones(session: Session) -> None:
    store(session, "demo:BTC/USDT", walk(300), simulated=True, followed=True)
    bar, strip, known, empty, _ = charts.draw_toolbar({"ind": "ema:20"})
    one = {"path": "demo/BTC-USDT", "symbol": "BTC/USDT", "coin": "Bitcoin", "exchange": "demo", "simulated": True}
    assert known == [one]
    assert "SIMULATED" in str(bar)
    assert "counts as evidence" in str(strip)
    assert empty is None


def test_an_unreadable_indicator_in_the_address_leaves_the_chart_and_says_so(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(700))
    made, _words = charts.draw_chart({"ind": "ema:20,foo:3"}, None)
    assert made["ind"] == "ema:20"
    assert len(made["lines"]) == 1
    _bar, strip, _known, empty, _ = charts.draw_toolbar({"ind": "ema:20,foo:3"})
    assert "“foo:3” is left out" in str(strip)
    assert empty is None


def test_an_unknown_market_is_said_in_the_page(database: Engine) -> None:
    bar, _, _, empty, _ = charts.draw_toolbar({"market": "binance/NO-SUCH"})
    assert all(f"href='{place}'" in str(empty) for place in ("/markets", "/charts")), "the way to those there are"
    assert bar is None
    assert "binance:NO/SUCH" in str(empty)
    with pytest.raises(PreventUpdate):
        ask(market="binance/NO-SUCH")


def test_without_markets_the_demo_is_shown_filling_or_an_import_is_offered(session: Session) -> None:
    assert "/markets" in str(charts.draw_toolbar({})[3])
    job = jobs.create(session, FILL_DEMO, {})
    job.progress = {"fraction": 0.25, "message": "ETH/USDT 1h"}
    session.commit()
    assert "ETH/USDT 1h" in str(charts.draw_toolbar({})[3])
    assert "25%" in str(charts.wait_for_candles(1, None, {}))


def test_the_rail_shows_figures_and_the_head_the_last_price(session: Session) -> None:
    made = walk(24 * 40)
    store(session, "binance:BTC/USDT", made)
    body, head, age = charts.draw_rail({"market": BTC}, 0)
    assert "Key figures" in str(body)
    assert "Last 1h close, 10 Feb 2021" in str(body)
    assert f"{made.close[-1]:,.2f}" in str(head)
    assert "This series ended" in str(age)


def test_a_fresh_candle_is_fresh(session: Session) -> None:
    store(session, "binance:BTC/USDT", recent(50), followed=True)
    words, kind = charts.lateness(place(session), to_ms(utc_now()))
    assert kind == "ok"
    assert words.startswith("Last candle closed")


def test_a_followed_market_turns_stale_after_two_intervals_and_says_how_old(session: Session) -> None:
    store(session, "binance:BTC/USDT", recent(50, hours_ago=5), followed=True)
    words, kind = charts.lateness(place(session), to_ms(utc_now()))
    assert kind == "warn"
    assert "5 h" in words
    assert charts.lateness(place(session, "1d"), to_ms(utc_now()))[1] == "ok"


def test_a_series_nobody_feeds_has_ended(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(50))
    end = from_ms(START_MS) + timedelta(hours=50)
    words, kind = charts.lateness(place(session), to_ms(datetime(2024, 12, 29, tzinfo=UTC)))
    assert kind == "off"
    assert words == f"This series ended {end.day} {end:%b %Y}"


def test_a_newer_candle_is_fetched_only_while_the_newest_is_in_view(session: Session) -> None:
    made = walk(301)
    market = store(session, "binance:BTC/USDT", made[:300])
    view = {"market": BTC, "tf": "1h", "ind": ""}
    seen = {"end": ask()["end"], "complete": True}
    with pytest.raises(PreventUpdate):
        charts.refresh(1, view, None, seen)
    stored.upsert(session, market.id, "1h", made[300:])
    session.commit()
    assert charts.refresh(1, view, None, seen)["time"]["count"] == 301
    with pytest.raises(PreventUpdate):
        charts.refresh(1, view, None, seen | {"complete": False})
    with pytest.raises(PreventUpdate):
        charts.refresh(1, view, None, None)
