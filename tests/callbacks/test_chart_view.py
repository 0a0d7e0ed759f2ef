"""What the address of the Charts page asks for."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from callbacks import chart_view
from core.clock import to_ms
from core.errors import NotFound, Refused
from tests.candle_data import START_MS, store, walk

NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)
HOUR = 3_600_000


def test_nothing_asked_gives_the_first_view() -> None:
    view = chart_view.read(None, now=NOW)
    assert (view.market, view.timeframe.name, view.chosen, view.start_ms, view.end_ms) == (None, "1h", (), None, None)


def test_a_whole_address_is_read() -> None:
    raw = {"market": "binance/BTC-USDT", "tf": "4h", "ind": "ema:20,rsi:14,ema:20", "from": "now-7d", "scale": "log"}
    view = chart_view.read(raw, now=NOW)
    assert str(view.market) == "binance:BTC/USDT"
    assert [one.key for one in view.chosen] == ["ema:20", "rsi:14"]
    assert view.start_ms == to_ms(NOW) - 7 * 24 * HOUR
    assert view.scale == "log"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-03-01T12:00", datetime(2021, 3, 1, 12, tzinfo=UTC)),
        ("2021-03-01", datetime(2021, 3, 1, tzinfo=UTC)),
        ("2021-03-01T12:00+02:00", datetime(2021, 3, 1, 10, tzinfo=UTC)),
        (1_614_600_000_000, datetime(2021, 3, 1, 12, tzinfo=UTC)),
        ("now", NOW),
        ("now-90m", datetime(2024, 12, 29, 22, 11, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc(text: str | int, moment: datetime) -> None:
    assert chart_view.moment(text, now=NOW) == to_ms(moment)


@pytest.mark.parametrize("text", ["yesterday", "now-1y", "2021-13-01", "now+1d"])
def test_no_moment_is_refused_with_the_form_that_is_wanted(text: str) -> None:
    with pytest.raises(Refused, match="2021-03-01T12:00"):
        chart_view.moment(text, now=NOW)


@pytest.mark.parametrize("raw", ["text", 7, [], {"tf": 5, "ind": None, "seq": "x", "from": False}])
def test_nonsense_from_the_browser_is_the_first_view(raw: object) -> None:
    assert chart_view.read(raw, "nonsense", now=NOW).timeframe.name == "1h"


def test_more_indicators_than_a_chart_takes_are_left_out_and_said() -> None:
    chosen, _, left_out = chart_view.indicators(",".join(f"ema:{n}" for n in range(2, 16)))
    assert len(chosen) == 12
    assert left_out == ["A chart takes 12 indicators at most; the last 2 are left out."]


def test_type_scale_comparison_and_hidden_indicators_are_read() -> None:
    raw = {"ind": "ema:20,!rsi:14", "type": "ha", "scale": "pct", "cmp": "kraken/ETH-USD", "calls": "off"}
    view = chart_view.read(raw, now=NOW)
    assert (view.type, view.scale, str(view.against), view.calls) == ("ha", "pct", "kraken:ETH/USD", False)
    assert [one.key for one in view.drawn] == ["ema:20"]
    assert view.words == "ema:20,!rsi:14"
    other = chart_view.read({"type": "pie", "scale": ["log"], "cmp": "no market"}, now=NOW)
    assert (other.type, other.scale, other.against, other.calls) == ("candles", None, None, True)


@pytest.mark.parametrize(
    ("word", "why"),
    [("foo:3", "There is no indicator of this name."), ("ema:20;sma:50", "EMA"), ("ema:1:2:3", "EMA")],
)
def test_an_indicator_that_cannot_be_read_is_left_out_and_the_rest_is_drawn(word: str, why: str) -> None:
    view = chart_view.read({"ind": f"rsi:14,{word},sma:50"}, now=NOW)
    assert [one.key for one in view.chosen] == ["rsi:14", "sma:50"]
    (sentence,) = view.left_out
    assert sentence.startswith(f"“{word}” is left out. ")
    assert why in sentence


def test_a_moment_that_cannot_be_read_bounds_nothing_and_is_said() -> None:
    view = chart_view.read({"from": "yesterday", "to": "now"}, now=NOW)
    assert (view.start_ms, view.end_ms) == (None, to_ms(NOW))
    assert "yesterday" in view.left_out[0]


def test_the_span_of_a_pan_counts_only_for_its_own_view() -> None:
    wanted = {"of": 3, "from": 1, "to": 2, "bars": 100}
    assert chart_view.read({"seq": 3}, wanted, now=NOW).start_ms == 1
    assert chart_view.read({"seq": 4, "from": 9}, wanted, now=NOW).start_ms == 9


@pytest.mark.parametrize(("bars", "taken"), [(1, 40), (120, 120), (90_000, 500), ("many", 500)])
def test_the_browser_cannot_ask_for_more_bars_than_there_is_room_for(bars: object, taken: int) -> None:
    assert chart_view.read({}, {"of": 0, "bars": bars}, now=NOW).bars == taken


def test_a_view_loads_a_screen_on_either_side_and_never_more_than_the_most(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(3_000))
    end = START_MS + 3_000 * HOUR
    raw = {"market": "binance/BTC-USDT", "tf": "1h", "from": end - 300 * HOUR, "to": end - 200 * HOUR}
    view = chart_view.read(raw, now=NOW)
    stands = chart_view.place(session, view)
    assert stands is not None
    assert chart_view.span(view, stands) == (end - 400 * HOUR, end - 100 * HOUR, 1_500)


def test_without_a_span_the_newest_bars_are_loaded(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(3_000))
    view = chart_view.read({"market": "binance/BTC-USDT"}, now=NOW)
    stands = chart_view.place(session, view)
    assert stands is not None
    start, end, most = chart_view.span(view, stands)
    assert (start, end) == (START_MS + (3_000 - chart_view.FIRST_BARS) * HOUR, None)
    assert most <= chart_view.MOST_BARS


def test_the_market_shown_first_is_real_before_simulated_and_followed_before_still(session: Session) -> None:
    view = chart_view.read({}, now=NOW)
    assert chart_view.place(session, view) is None
    store(session, "demo:AAA/USDT", walk(50), simulated=True, followed=True)
    store(session, "binance:ETH/USDT", walk(50))
    store(session, "binance:BTC/USDT", walk(50))
    assert str(chart_view.place(session, view).name) == "binance:BTC/USDT"  # type: ignore[union-attr]
    store(session, "kraken:ADA/USD", walk(50), followed=True)
    assert str(chart_view.place(session, view).name) == "kraken:ADA/USD"  # type: ignore[union-attr]


def test_an_unknown_market_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound, match="binance:NO/SUCH"):
        chart_view.place(session, chart_view.read({"market": "binance/NO-SUCH"}, now=NOW))


def test_a_timeframe_that_cannot_be_built_gives_the_finest_that_can(session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(50, timeframe="1d"), timeframe="1d")
    stands = chart_view.place(session, chart_view.read({"tf": "1h"}, now=NOW))
    assert stands is not None
    assert stands.timeframe.name == "1d"
    assert stands.timeframes == ("1d", "1w")
