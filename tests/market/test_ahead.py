"""The cloud of Ichimoku reaches beyond the newest candle, and what it says there comes true."""

import numpy as np

from market.indicators.ahead import ahead
from market.indicators.catalog import parse
from market.indicators.compute import compute
from tests.candle_data import walk

HOUR = 3_600_000


def test_what_stands_ahead_is_what_the_bars_have_once_they_are_there() -> None:
    made, chosen = walk(300), parse("ichimoku:9:26:52:26")
    early = ahead(made[:200], chosen, HOUR)
    later = compute(made, chosen)
    assert set(early) == {"span_a", "span_b"}
    for key, values in early.items():
        assert len(values) == 26
        assert np.array_equal(values, later[key][200:226])


def test_other_indicators_say_nothing_of_bars_to_come() -> None:
    for word in ("bb", "ema:20", "rsi:14", "supertrend"):
        assert ahead(walk(200), parse(word), HOUR) == {}
