"""The catalogue: every entry is whole, and what people type is read or refused with its limits."""

import pytest

from core.errors import Refused
from market.indicators.catalog import CATALOG, EVERYTHING, Indicator, parse


@pytest.mark.parametrize("key", list(CATALOG))
def test_every_entry_is_whole(key: str) -> None:
    indicator: Indicator = CATALOG[key]
    assert indicator.key == key
    assert indicator.about.endswith(".")
    assert indicator.outputs
    assert len({output.key for output in indicator.outputs}) == len(indicator.outputs)
    for param in indicator.params:
        assert param.low <= param.default <= param.high
        assert not param.words or (param.low, param.high) == (0, len(param.words) - 1)
    assert indicator.repaints == indicator.about.startswith("Repaints: ")


@pytest.mark.parametrize("key", list(CATALOG))
def test_a_name_alone_takes_the_defaults(key: str) -> None:
    chosen = parse(key, repainting=True)
    assert list(chosen.values) == [p.default for p in CATALOG[key].params]
    assert parse(chosen.key, repainting=True) == chosen


@pytest.mark.parametrize("key", list(CATALOG))
@pytest.mark.parametrize("end", ["low", "high"])
def test_a_value_settles_after_it_appears(key: str, end: str) -> None:
    indicator = CATALOG[key]
    values = [getattr(p, end) for p in indicator.params]
    assert 0 <= indicator.first(*values) <= indicator.settled(*values) <= EVERYTHING


@pytest.mark.parametrize(
    ("text", "key", "title"),
    [
        ("ema:20", "ema:20", "EMA 20"),
        (" EMA:50 ", "ema:50", "EMA 50"),
        ("bb", "bb:20:2", "Bollinger 20 2"),
        ("bb:30:2.5", "bb:30:2.5", "Bollinger 30 2.5"),
        ("macd:5", "macd:5:26:9", "MACD 5 26 9"),
        ("obv", "obv", "OBV"),
        ("pivots", "pivots:classic:day", "Pivot points classic day"),
        ("pivots:Camarilla:month", "pivots:camarilla:month", "Pivot points camarilla month"),
    ],
)
def test_what_people_type_is_read(text: str, key: str, title: str) -> None:
    chosen = parse(text)
    assert (chosen.key, chosen.title) == (key, title)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("emma:20", "no indicator “emma”. Choose one of sma, ema"),
        ("", "no indicator"),
        ("ema:1", "bars of EMA is a whole number from 2 to 500"),
        ("ema:501", "from 2 to 500"),
        ("ema:2.5", "a whole number"),
        ("ema:nan", "a whole number"),
        ("bb:20:nan", "deviations of Bollinger is a number from 0.5 to 5"),
        ("bb:20:inf", "from 0.5 to 5"),
        ("ema:20:3", "fewer parameters"),
        ("obv:1", "It takes: none"),
        ("macd:26:12:9", "fast to be smaller than slow"),
        ("pivots:woodie", "kind of Pivot points is one of classic, fibonacci, camarilla"),
        ("pivots:classic:1", "period of Pivot points is one of day, week, month"),
        ("zigzag:5:10", "ZigZag repaints"),
        ("fractals", "on the chart alone"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(text: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        parse(text)


def test_what_is_drawn_in_hindsight_is_refused_to_all_but_a_picture() -> None:
    assert {key for key, entry in CATALOG.items() if entry.repaints} == {"zigzag", "fractals"}
    assert parse("zigzag:2.5", repainting=True).key == "zigzag:2.5:10"
