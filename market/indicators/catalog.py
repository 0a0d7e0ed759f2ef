"""Every indicator there is: parameters with their limits, outputs, pane and warm-up.

One rule: TA-Lib where it has the function, the `ta` package where it lacks it; warm-up is always NaN.
To add one: a function, an entry here, a test.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from core.errors import Refused
from core.ohlcv import Floats
from market.indicators import momentum, trend, volatility, volume

LONGEST = 500  # bars of a window; longer ones say nothing a coarser timeframe does not say
EVERYTHING = 10_000_000  # a warm-up that asks for the whole history
SETTLED = 1e-10  # what is left of an exponential mean's beginning when it counts as forgotten


@dataclass(frozen=True, slots=True)
class Param:
    """A number a person may choose; whole where the default is whole."""

    name: str
    default: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Output:
    """One series of values. Outputs of kind "band" belong together: upper, then lower edge."""

    key: str
    title: str
    kind: Literal["line", "histogram", "band"] = "line"


@dataclass(frozen=True, slots=True)
class Indicator:
    """`first(*values)` is the index of the first bar with a value; from index `settled(*values)` on a value depends
    on its recent past alone, not on where the series began, to about ten digits."""

    key: str
    title: str
    params: tuple[Param, ...]
    pane: Literal["price", "own"]
    outputs: tuple[Output, ...]
    function: Callable[..., tuple[Floats, ...]]
    about: str
    first: Callable[..., int]
    settled: Callable[..., int]
    levels: tuple[float, ...] = ()
    ordered: tuple[str, str] | None = None  # the first of these parameters must be the smaller one


@dataclass(frozen=True)
class Chosen:
    """An indicator with the values of its parameters."""

    indicator: Indicator
    values: tuple[float, ...]

    @cached_property
    def key(self) -> str:
        """As it stands in a URL: "ema:20"."""
        return ":".join((self.indicator.key, *(f"{value:g}" for value in self.values)))

    @property
    def title(self) -> str:
        """As a person reads it: "EMA 20"."""
        return " ".join((self.indicator.title, *(f"{value:g}" for value in self.values)))


def forgotten(weight: float) -> int:
    """After how many bars an exponential mean whose newest bar has this weight has forgotten its beginning."""
    return math.ceil(math.log(SETTLED) / math.log(1 - weight)) if weight < 1 else 0


def _ema(bars: int) -> int:
    return forgotten(2 / (bars + 1))


def _wilder(bars: int) -> int:
    return forgotten(1 / bars)


def _bars(default: int, low: int = 2) -> Param:
    return Param("bars", default, low, LONGEST)


def _window(bars: int, *_others: float) -> int:
    return bars - 1


CATALOG: dict[str, Indicator] = {
    indicator.key: indicator
    for indicator in (
        Indicator(
            "sma",
            "SMA",
            (_bars(20),),
            "price",
            (Output("sma", "SMA"),),
            trend.sma,
            "Simple moving average of the close.",
            _window,
            _window,
        ),
        Indicator(
            "ema",
            "EMA",
            (_bars(20),),
            "price",
            (Output("ema", "EMA"),),
            trend.ema,
            "Exponential moving average of the close: recent bars weigh more.",
            _window,
            lambda bars: bars - 1 + _ema(bars),
        ),
        Indicator(
            "wma",
            "WMA",
            (_bars(20),),
            "price",
            (Output("wma", "WMA"),),
            trend.wma,
            "Linearly weighted moving average of the close.",
            _window,
            _window,
        ),
        Indicator(
            "bb",
            "Bollinger",
            (_bars(20), Param("deviations", 2.0, 0.5, 5.0)),
            "price",
            (Output("upper", "Upper", "band"), Output("middle", "Middle"), Output("lower", "Lower", "band")),
            volatility.bollinger,
            "Mean of the close with bands of standard deviations around it.",
            _window,
            _window,
        ),
        Indicator(
            "vwap",
            "VWAP",
            (_bars(14),),
            "price",
            (Output("vwap", "VWAP"),),
            volume.vwap,
            "Volume-weighted mean price of the last bars; rolling, because these markets never close.",
            _window,
            _window,
        ),
        Indicator(
            "rsi",
            "RSI",
            (_bars(14),),
            "own",
            (Output("rsi", "RSI"),),
            momentum.rsi,
            "Relative strength index after Wilder: gains against losses, 0 to 100.",
            lambda bars: bars,
            lambda bars: bars + _wilder(bars),
            levels=(30.0, 70.0),
        ),
        Indicator(
            "macd",
            "MACD",
            (Param("fast", 12, 2, LONGEST), Param("slow", 26, 3, LONGEST), Param("signal", 9, 1, LONGEST)),
            "own",
            (Output("macd", "MACD"), Output("signal", "Signal"), Output("histogram", "Histogram", "histogram")),
            trend.macd,
            "Difference of two exponential averages, and how it moves against its own average.",
            lambda _fast, slow, signal: slow + signal - 2,
            lambda _fast, slow, signal: slow + signal - 2 + _ema(slow) + _ema(signal),
            levels=(0.0,),
            ordered=("fast", "slow"),
        ),
        Indicator(
            "stoch",
            "Stochastic",
            (_bars(14, 1), Param("smooth", 3, 1, LONGEST), Param("signal", 3, 1, LONGEST)),
            "own",
            (Output("k", "%K"), Output("d", "%D")),
            momentum.stochastic,
            "Where the close stands within the range of the last bars, 0 to 100.",
            lambda bars, smooth, signal: bars + smooth + signal - 3,
            lambda bars, smooth, signal: bars + smooth + signal - 3,
            levels=(20.0, 80.0),
        ),
        Indicator(
            "atr",
            "ATR",
            (_bars(14, 1),),
            "own",
            (Output("atr", "ATR"),),
            volatility.atr,
            "Average true range after Wilder: how far prices move in a bar.",
            lambda bars: bars,
            lambda bars: bars + _wilder(bars),
        ),
        Indicator(
            "adx",
            "ADX",
            (_bars(14),),
            "own",
            (Output("adx", "ADX"), Output("plus_di", "+DI"), Output("minus_di", "−DI")),
            trend.adx,
            "Average directional index after Wilder: how strong a trend is, and which side leads.",
            lambda bars: 2 * bars - 1,
            lambda bars: 2 * bars - 1 + 2 * _wilder(bars),
            levels=(25.0,),
        ),
        Indicator(
            "obv",
            "OBV",
            (),
            "own",
            (Output("obv", "OBV"),),
            volume.obv,
            "On-balance volume: the running sum of volume, signed by the direction of the close.",
            lambda: 0,
            lambda: EVERYTHING,
        ),
    )
}


def parse(text: str) -> Chosen:
    """Read "ema:20" or "ema" (defaults). Raises Refused with the limits that were broken."""
    key, *given = text.strip().lower().split(":")
    indicator = CATALOG.get(key)
    if indicator is None:
        raise Refused(f"There is no indicator “{key}”. Choose one of {', '.join(CATALOG)}.")
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
    whole = isinstance(param.default, int)
    try:
        value = int(word) if whole else float(word)
    except ValueError:
        value = math.nan
    if not param.low <= value <= param.high:
        kind = "a whole number" if whole else "a number"
        raise Refused(f"{param.name} of {indicator.title} is {kind} from {param.low:g} to {param.high:g}.")
    return value
