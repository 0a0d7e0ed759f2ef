"""The frame a chart is drawn from, the toolbar around it, and the page as it opens."""

import json
import zlib

import numpy as np
import pytest

from core.ohlcv import Candles
from layouts import ids
from layouts.components import chart_toolbar, price_chart
from layouts.components.price_chart import Drawn, Loaded, Shown
from layouts.pages import charts
from market.indicators.catalog import CATALOG, parse
from market.indicators.compute import compute
from tests.candle_data import walk

HOUR = 3_600_000
SHOWN = Shown("binance/BTC-USDT", "BTC/USDT", "BTC", "1h", HOUR, 0, simulated=False, decimals=2)


def loaded(candles: Candles) -> Loaded:
    return Loaded(candles, HOUR, int(candles.time[0]), int(candles.time[-1]))


def drawn(candles: Candles, *words: str) -> list[Drawn]:
    chosen = [parse(word) for word in words]
    return [Drawn(one, compute(candles, one), place) for place, one in enumerate(chosen)]


def test_a_thousand_bars_with_six_overlays_stay_small() -> None:
    candles = walk(1_000)
    words = ["ema:10", "ema:20", "ema:30", "ema:50", "ema:100", "sma:200"]
    text = json.dumps(price_chart.frame(SHOWN, loaded(candles), drawn(candles, *words)))
    assert len(text) < 75_000
    assert len(zlib.compress(text.encode(), 6)) < 30_000


def test_overlays_share_the_price_pane_and_oscillators_get_their_own() -> None:
    candles = walk(300)
    lines = price_chart.lines(drawn(candles, "ema:20", "rsi:14", "bb", "macd"), 2)
    panes = {line["of"]: line["pane"] for line in lines}
    assert panes == {"ema:20": 0, "rsi:14": 2, "bb:20:2": 0, "macd:12:26:9": 3}
    assert [line["kind"] for line in lines if line["of"].startswith("macd")] == ["line", "line", "histogram"]
    assert len({line["id"] for line in lines}) == len(lines)


def test_colours_go_round_and_dashes_begin_with_the_fifth() -> None:
    candles = walk(300)
    lines = price_chart.lines(drawn(candles, *(f"ema:{n}" for n in range(10, 20))), 2)
    assert [line["colour"] for line in lines] == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]
    assert [line["dash"] for line in lines] == [False] * 4 + [True] * 6


def test_a_frame_is_complete_when_it_holds_the_newest_bar() -> None:
    candles = walk(300)
    assert price_chart.frame(SHOWN, loaded(candles), [])["complete"] is True
    assert price_chart.frame(SHOWN, loaded(candles), [])["key"] == "binance/BTC-USDT@1h"
    part = Loaded(candles[:200], HOUR, int(candles.time[0]), int(candles.time[-1]))
    assert price_chart.frame(SHOWN, part, [])["complete"] is False


def test_decimals_without_a_tick_come_from_the_price() -> None:
    tiny = walk(10, price=0.5)
    shown = Shown("a/B-C", "B/C", "B", "1h", HOUR, 0, simulated=True, decimals=None)
    assert price_chart.frame(shown, loaded(tiny), [])["decimals"] == 5
    assert price_chart.frame(shown, loaded(walk(10)), [])["decimals"] == 2


@pytest.mark.parametrize(
    ("price", "decimals", "drawn"), [(30_000.0, 2, 2), (5_000.0, 2, 3), (0.0312, 4, 6), (3.0, 2, 4), (0.5, 8, 8)]
)
def test_means_of_prices_are_finer_than_ticks_only_where_these_are_coarse(
    price: float, decimals: int, drawn: int
) -> None:
    assert price_chart.finer(np.full(50, price), decimals) == drawn


def test_the_summary_says_what_is_drawn() -> None:
    candles = walk(300)
    words = price_chart.summary(SHOWN, loaded(candles), drawn(candles, "ema:20"))
    assert "300 candles" in words
    assert "EMA 20" in words
    assert f"{candles.close[-1]:,.8g}" in words
    nothing = price_chart.summary(SHOWN, Loaded(candles[:0], HOUR, 0, 0), [])
    assert "no candles" in nothing


def test_the_summary_of_simulated_candles_says_so() -> None:
    shown = Shown("demo/BTC-USDT", "BTC/USDT", "BTC", "1h", HOUR, 0, simulated=True, decimals=2)
    assert price_chart.summary(shown, loaded(walk(10)), []).startswith("Simulated")


def test_the_toolbar_presses_one_timeframe_and_bars_those_that_cannot_be_built() -> None:
    text = str(chart_toolbar.timeframe_buttons("4h", {"1h", "4h", "1d", "1w"}))
    assert text.count("'aria-pressed': 'true'") + text.count("aria-pressed='true'") == 1
    buttons = chart_toolbar.timeframe_buttons("4h", {"1h", "4h", "1d", "1w"}).children
    assert [b.children for b in buttons[:-1] if b.disabled] == ["1m", "5m", "15m"]


def test_favourites_leave_out_other_timeframes_but_not_the_one_in_use() -> None:
    buttons = chart_toolbar.timeframe_buttons("4h", {"1h", "4h", "1d"}, ["1h", "1d"]).children
    assert [b.children for b in buttons[:-1]] == ["1h", "4h", "1d"]


def test_a_hidden_indicator_offers_to_be_shown() -> None:
    assert "Show EMA 20" in str(chart_toolbar.chip(parse("ema:20"), 0, hidden=True))
    assert "Hide EMA 20" in str(chart_toolbar.chip(parse("ema:20"), 0))


def test_a_chip_carries_the_limits_of_its_parameters() -> None:
    chip = chart_toolbar.chip(parse("macd:12:26:9"), 0).to_plotly_json()["props"]
    fields = json.loads(chip["data-params"])
    assert [f["value"] for f in fields] == [12, 26, 9]
    assert all(f["low"] < f["high"] for f in fields)
    assert chip["data-key"] == "macd:12:26:9"


def test_an_indicator_without_parameters_has_no_form() -> None:
    chip = chart_toolbar.chip(parse("obv"), 0)
    assert chip.children[0].disabled is True


def test_simulated_markets_wear_a_badge_in_the_toolbar() -> None:
    shown = Shown("demo/BTC-USDT", "BTC/USDT", "BTC", "1h", HOUR, 0, simulated=True, decimals=2)
    assert "SIMULATED" in str(chart_toolbar.toolbar(shown, "demo", [], ["1h"]))
    assert "SIMULATED" not in str(chart_toolbar.toolbar(SHOWN, "binance", [], ["1h"]))


def test_the_menu_lists_the_whole_catalogue() -> None:
    text = str(chart_toolbar.floats())
    assert all(f"'{parse(key, repainting=True).key}'" in text for key in CATALOG)
    assert text.count("on the price, repaints") == 2


def test_the_page_opens_without_arguments() -> None:
    stores = {part.id: part for part in charts.layout()._traverse() if getattr(part, "id", None)}
    assert stores[ids.Charts.VIEW].data == {
        "market": None,
        **dict.fromkeys(("tf", "ind", "type", "scale", "cmp", "calls", "from", "to")),
    }


@pytest.mark.parametrize(("tf", "read"), [("4h", "4h"), ("7h", None), ("", None)])
def test_the_page_takes_its_state_from_the_address(tf: str, read: str | None) -> None:
    page = charts.layout(exchange="binance", symbol="BTC-USDT", tf=tf, ind="", **{"from": "now-7d"}, scale="log")
    view = next(part for part in page._traverse() if getattr(part, "id", None) == ids.Charts.VIEW).data
    assert view["market"] == "binance/BTC-USDT"
    assert view["tf"] == read
    assert (view["ind"], view["from"], view["scale"]) == ("", "now-7d", "log")


def test_without_markets_the_page_says_how_to_begin() -> None:
    assert "/markets" in str(charts.no_markets(None, ""))
    filling = str(charts.no_markets(0.4, "BTC/USDT 1h"))
    assert "40%" in filling
    assert "BTC/USDT 1h" in filling


def test_columns_of_indicators_begin_unknown() -> None:
    candles = walk(60)
    (line,) = price_chart.lines(drawn(candles, "sma:20"), 2)
    assert line["values"]["n"] == [[0, 19]]
    assert np.isnan(compute(candles, parse("sma:20"))["sma"][:19]).all()
