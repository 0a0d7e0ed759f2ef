"""Every indicator there is, by its key, and what people type read into one.

One rule: TA-Lib where it has the function or its functions compose to it, the `ta` package where they do not; warm-up
is always NaN. To add one: a function and its entry in the module of its kind, a line in docs/indicators.md, a test.
"""

import math

from core.errors import Refused
from market.indicators import (
    averages,
    by_calendar,
    channels,
    compound,
    hindsight,
    momentum,
    oscillators,
    trend,
    volatility,
    volume,
)
from market.indicators.indicator import EVERYTHING, Chosen, Indicator, Output, Param

__all__ = ["CATALOG", "EVERYTHING", "Chosen", "Indicator", "Output", "Param", "parse"]

KINDS = (averages, trend, channels, by_calendar, volatility, momentum, oscillators, compound, volume, hindsight)
CATALOG: dict[str, Indicator] = {entry.key: entry for kind in KINDS for entry in kind.ENTRIES}


def parse(text: str, *, repainting: bool = False) -> Chosen:
    """Read "ema:20" or "ema" (defaults). Raises Refused with the limits that were broken.

    Indicators that repaint are refused unless the caller says that nothing but a picture is made of them.
    """
    key, *given = text.strip().lower().split(":")
    indicator = CATALOG.get(key)
    if indicator is None:
        raise Refused(f"There is no indicator “{key}”. Choose one of {', '.join(CATALOG)}.")
    if indicator.repaints and not repainting:
        raise Refused(f"{indicator.title} repaints: later bars change its values. It can be seen on the chart alone.")
    if len(given) > len(indicator.params):
        names = ", ".join(p.name for p in indicator.params) or "none"
        raise Refused(f"{indicator.title} has fewer parameters than “{text}” gives. It takes: {names}.")
    defaults = [p.default for p in indicator.params[len(given) :]]
    values = [_value(indicator, p, word) for p, word in zip(indicator.params, given, strict=False)] + defaults
    named = dict(zip((p.name for p in indicator.params), values, strict=True))
    if indicator.ordered and named[indicator.ordered[0]] >= named[indicator.ordered[1]]:
        small, large = indicator.ordered
        raise Refused(f"{indicator.title} needs {small} to be smaller than {large}.")
    return Chosen(indicator, tuple(values))


def _value(indicator: Indicator, param: Param, word: str) -> float:
    if param.words:
        if word not in param.words:
            raise Refused(f"{param.name} of {indicator.title} is one of {', '.join(param.words)}.")
        return param.words.index(word)
    whole = isinstance(param.default, int)
    try:
        value = int(word) if whole else float(word)
    except ValueError:
        value = math.nan
    if not param.low <= value <= param.high:
        kind = "a whole number" if whole else "a number"
        raise Refused(f"{param.name} of {indicator.title} is {kind} from {param.low:g} to {param.high:g}.")
    return value
