"""Timeframes: names, lengths and the grid their candles open on. UTC; weeks open on Monday."""

from dataclasses import dataclass

from core.errors import Refused

MINUTE_MS = 60_000
WEEK_OFFSET_MS = 4 * 86_400_000  # 1970-01-01 was a Thursday; the first Monday is the 5th


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A candle length. `ms` is its length, `offset_ms` the phase of its grid, both in milliseconds."""

    name: str
    ms: int
    offset_ms: int = 0

    def floor(self, ms: int) -> int:
        """Open time (ms) of the candle that holds the moment `ms`."""
        return ms - (ms - self.offset_ms) % self.ms

    def on_grid(self, ms: int) -> bool:
        return (ms - self.offset_ms) % self.ms == 0

    def last_closed(self, now_ms: int) -> int:
        """Open time (ms) of the newest candle that has closed at `now_ms`."""
        return self.floor(now_ms) - self.ms

    def divides(self, other: "Timeframe") -> bool:
        """True where candles of `other` can be built from whole candles of this one."""
        return other.ms % self.ms == 0

    def __str__(self) -> str:
        return self.name


TIMEFRAMES: dict[str, Timeframe] = {
    t.name: t
    for t in (
        Timeframe("1m", MINUTE_MS),
        Timeframe("5m", 5 * MINUTE_MS),
        Timeframe("15m", 15 * MINUTE_MS),
        Timeframe("1h", 60 * MINUTE_MS),
        Timeframe("4h", 240 * MINUTE_MS),
        Timeframe("1d", 1_440 * MINUTE_MS),
        Timeframe("1w", 7 * 1_440 * MINUTE_MS, WEEK_OFFSET_MS),
    )
}


def offset_of(step_ms: int) -> int:
    """Phase of the grid of bars this long: whole weeks begin on a Monday, all else at 1970-01-01."""
    return WEEK_OFFSET_MS if step_ms % TIMEFRAMES["1w"].ms == 0 else 0


def parse(name: str) -> Timeframe:
    """The timeframe called `name`; raises Refused naming the ones there are."""
    try:
        return TIMEFRAMES[name]
    except KeyError:
        raise Refused(f"There is no timeframe “{name}”. Choose one of {', '.join(TIMEFRAMES)}.") from None
