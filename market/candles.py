"""Candles as the rest of Bolt reads them: whole series, the newest ones, or a window to draw.

A timeframe that is not stored is built from the coarsest stored one that divides it. Bins lie on a fixed grid, so
that a bar is the same whatever window it is seen through.
"""

from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
import db.queries.candles as stored_candles
import db.queries.markets as markets
from core.errors import NotFound
from core.ohlcv import Candles
from core.timeframe import MINUTE_MS, TIMEFRAMES, WEEK_OFFSET_MS, Timeframe
from core.timeframe import parse as parse_timeframe
from db.queries.markets import SeriesRow

HOUR_MS, DAY_MS, WEEK_MS = 60 * MINUTE_MS, 1_440 * MINUTE_MS, 10_080 * MINUTE_MS
# Steps people read easily; past four weeks the longest one doubles.
STEPS = (
    *(n * MINUTE_MS for n in (1, 2, 3, 5, 10, 15, 30)),
    *(n * HOUR_MS for n in (1, 2, 3, 4, 6, 8, 12)),
    *(n * DAY_MS for n in (1, 2, 3)),
    *(n * WEEK_MS for n in (1, 2, 4)),
)


@dataclass(frozen=True, slots=True)
class Window:
    """Bars to draw, and before them `lead` bars that only warm indicators up.

    `step_ms` is the length of a bar, a multiple of the asked timeframe where the span was too long for it.
    `first_ms` and `last_ms` are the open times of the first and last bar of that length there are, drawn or not;
    `stored` counts the candles of the series they are built from, `source` names its timeframe.
    """

    candles: Candles
    step_ms: int
    first_ms: int
    last_ms: int
    stored: int
    source: str
    lead: int

    @property
    def visible(self) -> Candles:
        """The bars to draw, without those that lead in."""
        return self.candles[self.lead :]


def timeframes(session: Session, market_id: int) -> list[str]:
    """Timeframes of a market that can be shown: the stored ones and those that can be built of them."""
    stored = markets.series_of(session, market_id)
    return [t.name for t in TIMEFRAMES.values() if _source(stored, t) is not None]


def series(session: Session, market_id: int, timeframe: str, *, now_ms: int | None = None) -> Candles:
    """All closed candles of a market. With `now_ms`: those that had closed by then. Raises NotFound."""
    frame, source, _ = _find(session, market_id, timeframe)
    end = None if now_ms is None else source.last_closed(now_ms)
    read = stored_candles.read(session, market_id, source.name, end_ms=end)
    return _closed(read, source, frame.ms, frame.offset_ms)


def latest(session: Session, market_id: int, timeframe: str, n: int, *, now_ms: int | None = None) -> Candles:
    """The newest `n` closed candles (fewer where there are fewer). Raises NotFound."""
    frame, source, row = _find(session, market_id, timeframe)
    end = row.last_ms if now_ms is None else min(row.last_ms, source.last_closed(now_ms))
    if frame.ms == source.ms:
        return stored_candles.read(session, market_id, source.name, end_ms=end, limit=n)
    found = _bars_before(session, market_id, source, row, frame.ms, end, n + 1)
    return _closed(found, source, frame.ms, frame.offset_ms)[-n:] if n else ohlcv.empty()


def before(session: Session, market_id: int, timeframe: str, end_ms: int | None, n: int) -> Candles:
    """The newest `n` whole candles that open before `end_ms` (None: the newest of all). Raises NotFound."""
    frame, source, row = _find(session, market_id, timeframe)
    newest = row.last_ms + source.ms - frame.ms
    last = frame.floor(newest if end_ms is None else min(newest, end_ms - 1))
    found = _bars_before(session, market_id, source, row, frame.ms, last + frame.ms - 1, n)
    bars = found if frame.ms == source.ms else ohlcv.aggregate(found, frame.ms, frame.offset_ms)
    return bars[-n:]


def window(
    session: Session,
    market_id: int,
    timeframe: str,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    max_bars: int = 1_500,
    lead: int = 0,
) -> Window:
    """Bars that open in [`start_ms`, `end_ms`] (without an edge: to where the series begins or ends).

    Never more than `max_bars`, by taking longer bars where needed, and up to `lead` bars before them. The newest bar
    may still be forming. Raises NotFound when nothing is stored that the timeframe can be built from.
    """
    frame, source, row = _find(session, market_id, timeframe)
    start = row.first_ms if start_ms is None else max(start_ms, row.first_ms)
    end = row.last_ms if end_ms is None else min(end_ms, row.last_ms)
    step = choose_step(frame, max(start, row.first_ms), max(end, start), max_bars)
    offset = offset_of(step)
    first, last = (_floor(edge, step, offset) for edge in (row.first_ms, row.last_ms))
    start, end = _floor(start, step, offset), _floor(end, step, offset) + step - 1
    bars = ohlcv.empty()
    if start <= end:
        read = stored_candles.read(session, market_id, source.name, start_ms=start, end_ms=end)
        bars = ohlcv.aggregate(read, step, offset) if step != source.ms else read
    before = ohlcv.empty()
    if lead and len(bars):
        read = _bars_before(session, market_id, source, row, step, start - 1, lead)
        before = (ohlcv.aggregate(read, step, offset) if step != source.ms else read)[-lead:]
    return Window(_join(before, bars), step, first, last, row.rows, source.name, len(before))


def choose_step(frame: Timeframe, start_ms: int, end_ms: int, max_bars: int) -> int:
    """The shortest easy multiple of a timeframe (ms) that shows the span in at most `max_bars` bars."""
    steps = [frame.ms, *(s for s in STEPS if s > frame.ms and s % frame.ms == 0)]
    while True:
        for step in steps:
            offset = offset_of(step)
            if (_floor(end_ms, step, offset) - _floor(start_ms, step, offset)) // step + 1 <= max(max_bars, 1):
                return step
        steps = [2 * steps[-1]]


def offset_of(step_ms: int) -> int:
    """Phase of the grid of bars this long: whole weeks begin on a Monday, all else at 1970-01-01."""
    return WEEK_OFFSET_MS if step_ms % WEEK_MS == 0 else 0


def _find(session: Session, market_id: int, timeframe: str) -> tuple[Timeframe, Timeframe, SeriesRow]:
    """The timeframe asked for, the stored one it is built from, and what is stored of that."""
    frame, stored = parse_timeframe(timeframe), markets.series_of(session, market_id)
    row = _source(stored, frame)
    if row is None:
        name = markets.by_id(session, market_id).symbol
        raise NotFound(f"No {frame} candles of {name} can be shown. Import {frame} candles, or shorter ones.")
    return frame, TIMEFRAMES[row.timeframe], row


def _source(stored: dict[str, SeriesRow], frame: Timeframe) -> SeriesRow | None:
    """The series a timeframe is read from: its own, else the coarsest one that divides it."""
    fitting = [row for name, row in stored.items() if TIMEFRAMES[name].divides(frame)]
    return max(fitting, key=lambda row: TIMEFRAMES[row.timeframe].ms, default=None)


def _closed(read: Candles, source: Timeframe, step: int, offset: int) -> Candles:
    """Bars of length `step`; the newest only if the candles reach its end."""
    if step == source.ms or not len(read):
        return read
    bars = ohlcv.aggregate(read, step, offset)
    reached = int(read.time[-1]) + source.ms >= int(bars.time[-1]) + step
    return bars if reached else bars[:-1]


def _bars_before(
    session: Session, market_id: int, source: Timeframe, row: SeriesRow, step: int, end_ms: int, n: int
) -> Candles:
    """Stored candles up to `end_ms` that hold the newest `n` bars of length `step`, whole ones, gaps or not."""
    if step == source.ms:
        return stored_candles.read(session, market_id, source.name, end_ms=end_ms, limit=n)
    offset, span = offset_of(step), n
    while True:
        start = max(_floor(end_ms, step, offset) - (span - 1) * step, _floor(row.first_ms, step, offset))
        read = stored_candles.read(session, market_id, source.name, start_ms=start, end_ms=end_ms)
        if start <= row.first_ms or _count_bars(read, step, offset) >= n:
            return read
        span *= 2


def _count_bars(candles: Candles, step: int, offset: int) -> int:
    return len(np.unique((candles.time - offset) // step))


def _join(first: Candles, second: Candles) -> Candles:
    if not len(first):
        return second
    return Candles(*(np.concatenate(pair) for pair in zip(first.columns(), second.columns(), strict=True)))


def _floor(ms: int, step: int, offset: int) -> int:
    return ms - (ms - offset) % step
