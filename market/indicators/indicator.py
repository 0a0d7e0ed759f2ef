"""What an indicator is: its parameters with their limits, outputs, pane and warm-up."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from core.ohlcv import Floats

LONGEST = 500  # bars of a window; longer ones say nothing a coarser timeframe does not say
EVERYTHING = 10_000_000  # a warm-up that asks for the whole history
SETTLED = 1e-10  # what is left of an exponential mean's beginning when it counts as forgotten


Function = Callable[..., tuple[Floats, ...]]
Bar = Callable[..., int]
Kind = Literal["line", "histogram", "band", "points", "levels"]


@dataclass(frozen=True, slots=True)
class Param:
    """A number a person may choose; whole where the default is whole. With `words` it is the place of one of them."""

    name: str
    default: float
    low: float
    high: float
    words: tuple[str, ...] = ()

    def text(self, value: float) -> str:
        """As it stands in a URL."""
        return self.words[int(value)] if self.words else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Output:
    """One series of values.

    Outputs of kind "band" belong together: upper, then lower edge. "levels" stand for a while, and are not joined.
    """

    key: str
    title: str
    kind: Kind = "line"
    dashed: bool = False  # what is not sure yet, or less important


@dataclass(frozen=True, slots=True)
class Indicator:
    """`first(*values)` is the index of the first bar with a value; from index `settled(*values)` on a value depends
    on its recent past alone, not on where the series began, to about ten digits. What begins anew by the calendar
    has `back_ms(*values)` instead, how far back in time a value may look.

    What `repaints` knows later bars than its own: it is for the eye alone, and `parse` refuses it to all others.
    """

    key: str
    title: str
    params: tuple[Param, ...]
    pane: Literal["price", "own"]
    outputs: tuple[Output, ...]
    function: Function
    about: str
    first: Bar
    settled: Bar
    levels: tuple[float, ...] = ()
    ordered: tuple[str, str] | None = None  # the first of these parameters must be the smaller one
    volume: bool = False  # looks at the volume
    repaints: bool = False
    back_ms: Bar | None = None


@dataclass(frozen=True)
class Chosen:
    """An indicator with the values of its parameters."""

    indicator: Indicator
    values: tuple[float, ...]

    @cached_property
    def key(self) -> str:
        """As it stands in a URL: "ema:20"."""
        return ":".join((self.indicator.key, *self._texts))

    @property
    def title(self) -> str:
        """As a person reads it: "EMA 20"."""
        return " ".join((self.indicator.title, *self._texts))

    @property
    def _texts(self) -> list[str]:
        return [param.text(value) for param, value in zip(self.indicator.params, self.values, strict=True)]


def forgotten(weight: float) -> int:
    """After how many bars an exponential mean whose newest bar has this weight has forgotten its beginning."""
    return math.ceil(math.log(SETTLED) / math.log(1 - weight)) if weight < 1 else 0


def ema_settles(bars: int) -> int:
    return forgotten(2 / (bars + 1))


def wilder_settles(bars: int) -> int:
    return forgotten(1 / bars)


def bars(default: int, low: int = 2) -> Param:
    return Param("bars", default, low, LONGEST)


def choice(name: str, *words: str) -> Param:
    """One of some words, the first by default."""
    return Param(name, 0, 0, len(words) - 1, words)


def window(bars: int, *_others: float) -> int:
    """First bar of what looks back over `bars`, and the bar from which it is settled."""
    return bars - 1
