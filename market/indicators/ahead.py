"""Values of an indicator for bars that are still to come, where its definition carries past ones forward."""

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators.catalog import Chosen
from market.indicators.compute import compute


def ahead(candles: Candles, chosen: Chosen, step_ms: int) -> dict[str, Floats]:
    """The bands of an indicator with a parameter `shift` for the next `shift` bars, float64 (shift,); else nothing.

    A value there is decided by candles at least `shift` bars before it, all of which there are. What stands in for
    the bars to come is never looked at.
    """
    named = {param.name: value for param, value in zip(chosen.indicator.params, chosen.values, strict=True)}
    shift = int(named.get("shift", 0))
    carried = [output.key for output in chosen.indicator.outputs if output.kind == "band"]
    if not shift or not carried or not len(candles):
        return {}
    computed = compute(_prolonged(candles, shift, step_ms), chosen)
    return {key: computed[key][-shift:] for key in carried}


def _prolonged(candles: Candles, bars: int, step_ms: int) -> Candles:
    later = candles.time[-1] + step_ms * np.arange(1, bars + 1, dtype=np.int64)
    last = (np.append(column, np.repeat(column[-1:], bars)) for column in list(candles.columns())[1:])
    return Candles(np.append(candles.time, later), *(np.asarray(column, dtype=np.float64) for column in last))
