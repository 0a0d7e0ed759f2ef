"""Indicators that repaint: they say of a bar what only later bars tell. For the eye alone.

Nothing else may be made of them: `catalog.parse` refuses them to everybody but the chart, and the bar that still forms
has no value of theirs. Written out here, after the libraries that TradingView publishes of them.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from core.ohlcv import Candles, Floats
from market.indicators.indicator import Indicator, Output, Param
from market.indicators.talib_functions import talib

MEETS = 5_000  # bars after which two zigzags that began elsewhere had met on random walks, with room to spare

Pivot = tuple[int, float, bool]  # index of the bar, its extreme, whether that is a high


def zigzag(candles: Candles, deviation: float, depth: int) -> tuple[Floats, ...]:
    """(legs that stand, legs that do not yet): straight lines between turning points.

    A turning point is the extreme of `depth` // 2 bars on either side that lies `deviation` percent from the turning
    point before. The newest one moves on while prices go beyond it, so the leg to it and from it to the newest close
    are not confirmed; every leg before it stays as it is.
    """
    legs, open_legs = np.full(len(candles), np.nan), np.full(len(candles), np.nan)
    turns = turning_points(candles, deviation, depth)
    for one, two in pairwise(turns[:-1]):
        _draw(legs, one[0], one[1], two[0], two[1])
    if len(turns) > 1:
        _draw(open_legs, turns[-2][0], turns[-2][1], turns[-1][0], turns[-1][1])
    if turns and turns[-1][0] < len(candles) - 1:
        _draw(open_legs, turns[-1][0], turns[-1][1], len(candles) - 1, float(candles.close[-1]))
    return legs, open_legs


def turning_points(candles: Candles, deviation: float, depth: int) -> list[Pivot]:
    """Oldest first, highs and lows in turn; the newest may still move."""
    side = max(2, int(depth) // 2)
    highs, lows = _extreme(candles.high, side), _extreme(-candles.low, side)
    found: list[Pivot] = []
    for k in np.flatnonzero(highs | lows).tolist():
        if highs[k]:
            _take(found, (k, float(candles.high[k]), True), deviation)
        if lows[k]:
            _take(found, (k, float(candles.low[k]), False), deviation)
    return found


def fractals(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(highs above, lows below all of the `bars` on either side), NaN elsewhere; known `bars` later (Williams)."""
    top, bottom = (_extreme(series, int(bars), strict=True) for series in (candles.high, -candles.low))
    return np.where(top, candles.high, np.nan), np.where(bottom, candles.low, np.nan)


def _extreme(series: Floats, side: int, *, strict: bool = False) -> npt.NDArray[np.bool_]:
    """Where a value is above all of `side` earlier ones and below none (`strict`: above all) of `side` later ones."""
    found = np.zeros(len(series), dtype=np.bool_)
    if len(series) < 2 * side + 1:
        return found
    highest = series.copy() if side == 1 else talib.MAX(series, side)  # of the bars that end there
    middle, before, after = series[side:-side], highest[side - 1 : -side - 1], highest[2 * side :]
    found[side:-side] = (middle > before) & (middle > after if strict else middle >= after)
    return found


def _take(found: list[Pivot], new: Pivot, deviation: float) -> None:
    if not found:
        found.append(new)
        return
    _, price, high = found[-1]
    if high == new[2]:
        if new[1] > price if high else new[1] < price:
            found[-1] = new
        return
    moved = 100 * (new[1] - price) / abs(price) if price else 0.0
    if (moved <= -deviation) if high else (moved >= deviation):
        found.append(new)


def _draw(line: Floats, start: int, begins: float, stop: int, ends: float) -> None:
    line[start : stop + 1] = np.linspace(begins, ends, stop - start + 1)


ENTRIES = (
    Indicator(
        "zigzag",
        "ZigZag",
        (Param("deviation", 5.0, 0.1, 50.0), Param("depth", 10, 2, 200)),
        "price",
        (Output("zigzag", "Confirmed"), Output("open", "Unconfirmed", dashed=True)),
        zigzag,
        "Repaints: lines between turning points at least some percent apart; the dashed legs may still move.",
        lambda *_: 0,
        lambda _deviation, depth: MEETS + 2 * int(depth),
        repaints=True,
    ),
    Indicator(
        "fractals",
        "Fractals",
        (Param("bars", 2, 1, 50),),
        "price",
        (Output("top", "Top", "points"), Output("bottom", "Bottom", "points")),
        fractals,
        "Repaints: Williams' fractals, extremes beyond the bars on either side, known only that many bars later.",
        lambda bars: bars,
        lambda bars: 2 * bars,
        repaints=True,
    ),
)
