"""The figures of a market in a watch-list: last price, changes, volume, a week's line; and how a list did as a whole.

Changes are from the close of the candle that closed a window before the last price was told, to that price. The last
price is the last tick where there is a newer one than the newest closed candle, else that candle's close.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.ohlcv import Floats, Times
from core.timeframe import TIMEFRAMES

HOUR_MS, DAY_MS, WEEK_MS = 3_600_000, 86_400_000, 604_800_000
WINDOWS = {"hour": HOUR_MS, "day": DAY_MS, "week": WEEK_MS}
SLACK = 24  # the candle a window ago may be earlier by a 24th of the window, no more
STALE_STEPS = 2  # intervals without a price
SLOTS = 84  # points of the week's line: one every two hours
SCALE = 99  # the line's heights are whole numbers from 0 to this
Span = tuple[int, int]  # when the first and the newest stored candle closed, ms UTC
LINE_ORDER = ("1h", "15m", "5m", "1m", "4h", "1d", "1w")


@dataclass(frozen=True, slots=True)
class Point:
    """A price and when it was known: the close time of a candle or the time of a tick, ms UTC."""

    at_ms: int
    price: float


@dataclass(frozen=True, slots=True)
class Line:
    """Closed candles of about a week, oldest first: open times (ms UTC), closes, volumes in the base, (n,) each."""

    step_ms: int
    time: Times
    close: Floats
    volume: Floats


@dataclass(frozen=True, slots=True)
class Summary:
    """`past` are the prices the changes start from, by window; `changes` are shares (0.01 is 1 %).

    A change is None where its candle is missing, or where the last price is stale and the window short. `volume` is
    what was traded in the 24 hours before the newest candle closed, in the quote; None where candles are missing.
    `spark` are heights from 0 to `SCALE` of a week, one in two hours, None in gaps; `start` is the first price of it.
    """

    last: Point
    stale: bool
    past: Mapping[str, float | None]
    changes: Mapping[str, float | None]
    volume: float | None
    spark: tuple[int | None, ...] = ()
    start: float | None = None
    above_average: bool | None = None


def choose_timeframes(spans: Mapping[str, Span]) -> tuple[str, str]:
    """(the one the last price comes from, the one the week's line comes from) of stored timeframes.

    The last price comes from the newest candle, of equals from the finest; the line from the hour where it is not far
    behind, else from what is stored.
    """
    newest = max(end for _, end in spans.values())
    finest = min((t for t, (_, end) in spans.items() if end == newest), key=lambda t: TIMEFRAMES[t].ms)
    near = [t for t in LINE_ORDER if t in spans and newest - spans[t][1] <= max(TIMEFRAMES[t].ms, HOUR_MS)]
    return finest, near[0]


def covering(spans: Mapping[str, Span], latest: int, earliest: int) -> str | None:
    """The finest stored timeframe that has a candle closed between these times (ms UTC), None where none reaches."""
    reaching = [t for t, (first, end) in spans.items() if first <= latest and end >= earliest]
    fitting = [t for t in reaching if latest // TIMEFRAMES[t].ms * TIMEFRAMES[t].ms >= earliest]
    return min(fitting, key=lambda t: (spans[t][0] > earliest, TIMEFRAMES[t].ms), default=None)


def look_back(anchor_ms: int) -> dict[str, tuple[int, int]]:
    """Where the changes start: by window, (latest, earliest) close time of the candle that will do, ms UTC."""
    return {name: (anchor_ms - span, anchor_ms - span - span // SLACK) for name, span in WINDOWS.items()}


def newest_of(closed: Point, tick: Point | None) -> Point:
    """The last price: a tick that is newer than the newest closed candle, else the candle's close."""
    return tick if tick is not None and tick.at_ms > closed.at_ms else closed


def summarise(last: Point, past: Mapping[str, float | None], line: Line, *, step_ms: int, now_ms: int) -> Summary:
    """All figures. `past` are closes a window ago, `step_ms` is the interval at which `last` is told anew."""
    age = now_ms - last.at_ms
    stale = age > STALE_STEPS * step_ms
    changes = {
        name: None if then is None or (stale and age > span) or (stale and name == "hour") else last.price / then - 1
        for (name, span), then in ((pair, past.get(pair[0])) for pair in WINDOWS.items())
    }
    week = line.time > last.at_ms - WEEK_MS
    closes = line.close[week]
    return Summary(
        last=last,
        stale=stale,
        past={name: past.get(name) for name in WINDOWS},
        changes=changes,
        volume=_volume(line),
        spark=_spark(line.time[week] + line.step_ms, closes, last),
        start=float(closes[0]) if len(closes) else None,
        above_average=bool(last.price > closes.mean()) if len(closes) and not stale else None,
    )


def _volume(line: Line) -> float | None:
    """Traded in the newest 24 hours, at closing prices; None where a candle of them is missing."""
    if line.step_ms > DAY_MS or not len(line.time):
        return None
    day = line.time > line.time[-1] - DAY_MS
    if int(day.sum()) < DAY_MS // line.step_ms:
        return None
    return float((line.close[day] * line.volume[day]).sum())


def _spark(closed_at: Times, closes: Floats, last: Point) -> tuple[int | None, ...]:
    """The last close of every two hours, then the last price, as heights; the lowest is 0."""
    if not len(closes):
        return ()
    values = np.full(SLOTS + 1, np.nan)
    slots = (SLOTS - 1) - (last.at_ms - closed_at) // (WEEK_MS // SLOTS)
    inside = (slots >= 0) & (slots < SLOTS)
    values[slots[inside]] = closes[inside]
    values[SLOTS] = last.price
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    heights = (values - low) / (high - low) * SCALE if high > low else np.where(np.isnan(values), np.nan, SCALE / 2)
    return tuple(None if np.isnan(h) else round(float(h)) for h in heights)


@dataclass(frozen=True, slots=True)
class Breadth:
    """How a list did: of `n` markets with a change over 24 hours so many rose and fell; `largest` is an index."""

    n: int
    up: int
    down: int
    median: float
    mean: float
    largest: int
    week_n: int
    week_up: int
    average_n: int
    above: int
    fresh: int
    of: int = field(default=0)


def breadth(rows: Sequence[Summary]) -> Breadth | None:
    """The list as a whole; None where no market has a change over 24 hours."""
    days = [(k, change) for k, row in enumerate(rows) if (change := row.changes["day"]) is not None]
    if not days:
        return None
    changes = [change for _, change in days]
    weeks = [change for row in rows if (change := row.changes["week"]) is not None]
    above = [row.above_average for row in rows if row.above_average is not None]
    return Breadth(
        n=len(days),
        up=sum(change > 0 for change in changes),
        down=sum(change < 0 for change in changes),
        median=statistics.median(changes),
        mean=statistics.fmean(changes),
        largest=max(days, key=lambda pair: abs(pair[1]))[0],
        week_n=len(weeks),
        week_up=sum(change > 0 for change in weeks),
        average_n=len(above),
        above=sum(above),
        fresh=sum(not row.stale for row in rows),
        of=len(rows),
    )
