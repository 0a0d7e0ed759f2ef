"""Values of chosen indicators on candles."""

from collections.abc import Iterable

import numpy as np

from core.ohlcv import Candles, Floats
from core.timeframe import MINUTE_MS
from market.indicators.by_calendar import step_of
from market.indicators.catalog import Chosen

NEAR = 1_000  # bars that an indicator may look back to share its part of the history with others
LIMIT = 1e100  # beyond this, sums of products of prices and volumes might run over


def compute(candles: Candles, chosen: Chosen) -> dict[str, Floats]:
    """Each output by its key, float64 (n,), NaN while it warms up.

    A value depends on its own bar and earlier ones only. Never raises and never gives an infinity: from a candle with
    a value that is no number on, everything is NaN.
    """
    return compute_all(candles, [chosen])[chosen.key]


def compute_all(candles: Candles, chosen: Iterable[Chosen]) -> dict[str, dict[str, Floats]]:
    """`compute` of several indicators by `Chosen.key`; the candles are looked through once."""
    sound = candles if _is_sound(candles) else candles[: _first_unsound(candles)]
    return {each.key: _lines(sound, each, len(candles)) for each in chosen}


def newest(candles: Candles, chosen: Iterable[Chosen]) -> dict[str, dict[str, float]]:
    """The value of each output at the newest candle, as `compute_all` gives it to about ten digits, NaN where none.

    Only so many candles are looked at as a value depends on: of a long history a small part, for most indicators.
    Those that look back a little share one part, which costs less than a part for each.
    """
    looked = [
        (warmup(each, step_of(candles)) if each.indicator.back_ms else each.indicator.settled(*each.values), each)
        for each in chosen
    ]
    near = [(back, each) for back, each in looked if back < NEAR]
    parts = [(max(back for back, _ in near), [each for _, each in near])] if near else []
    parts += [(back, [each]) for back, each in looked if back >= NEAR]
    found: dict[str, dict[str, float]] = {}
    for back, together in parts:
        for key, lines in compute_all(candles[-back - 1 :], together).items():
            found[key] = {name: line.item(-1) if len(line) else np.nan for name, line in lines.items()}
    return found


def warmup(chosen: Chosen, step_ms: int = MINUTE_MS) -> int:
    """How many bars of `step_ms` before the first one drawn make its values independent of where the bars begin."""
    back_ms = chosen.indicator.back_ms
    return -(-back_ms(*chosen.values) // step_ms) if back_ms else chosen.indicator.settled(*chosen.values)


def _lines(sound: Candles, chosen: Chosen, length: int) -> dict[str, Floats]:
    indicator = chosen.indicator
    lines = indicator.function(sound, *chosen.values)
    if len(sound) < length:
        lines = tuple(np.append(line, np.full(length - len(sound), np.nan)) for line in lines)
    return {output.key: line for output, line in zip(indicator.outputs, lines, strict=True)}


def _is_sound(candles: Candles) -> bool:
    """Two dot products tell whether all values are numbers that can be calculated with."""
    with np.errstate(all="ignore"):
        return bool(abs(candles.high.dot(candles.volume)) < LIMIT and abs(candles.low.dot(candles.close)) < LIMIT)


def _first_unsound(candles: Candles) -> int:
    """Index of the first candle that cannot be calculated with; the length where sums alone were too large."""
    with np.errstate(invalid="ignore"):
        total = candles.high + candles.low + candles.close + candles.volume
    unsound = ~(np.abs(total) < LIMIT)
    return int(unsound.argmax()) if unsound.any() else len(total)
