"""Heikin-Ashi bars against their definition."""

import numpy as np

from core.ohlcv import empty
from market.heikin_ashi import SETTLED, heikin_ashi
from tests.candle_data import walk


def test_each_bar_is_as_the_definition_says() -> None:
    made = walk(300)
    drawn = heikin_ashi(made)
    before = (made.open[0] + made.close[0]) / 2
    for k in range(300):
        o, h, low, c = (float(column[k]) for column in (made.open, made.high, made.low, made.close))
        close = (o + h + low + c) / 4
        opened = before if k == 0 else (drawn.open[k - 1] + drawn.close[k - 1]) / 2
        assert abs(drawn.close[k] - close) <= 1e-9
        assert abs(drawn.open[k] - opened) <= 1e-9
        assert drawn.high[k] == max(h, drawn.open[k], drawn.close[k])
        assert drawn.low[k] == min(low, drawn.open[k], drawn.close[k])
    assert np.array_equal(drawn.time, made.time)
    assert np.array_equal(drawn.volume, made.volume)


def test_a_bar_worked_out_by_hand() -> None:
    made = walk(2)
    made.open[:], made.high[:], made.low[:], made.close[:] = [10, 14], [16, 20], [8, 13], [14, 19]
    drawn = heikin_ashi(made)
    assert (drawn.open[0], drawn.close[0], drawn.high[0], drawn.low[0]) == (12, 12, 16, 8)
    assert (drawn.open[1], drawn.close[1], drawn.high[1], drawn.low[1]) == (12, 16.5, 20, 12)


def test_where_the_recursion_began_is_forgotten() -> None:
    made = walk(400)
    whole, late = heikin_ashi(made), heikin_ashi(made[200:])
    assert np.array_equal(whole.open[200 + SETTLED :], late.open[SETTLED:])


def test_no_candles_give_no_bars() -> None:
    assert len(heikin_ashi(empty())) == 0
