"""Candles as the rest of Bolt reads them: whole series, the newest ones, or a window to draw.

A timeframe that is not stored is built from the coarsest stored one that divides it, by way of the coarser candles
kept of that (`coarse_candles`), so that a bar costs the same to read in a long history as in a short one. Bins lie on
a fixed grid: a bar is the same whatever window it is seen through.
"""

from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
import db.queries.candles as stored_candles
import db.queries.coarse_candles as coarse_candles
import db.queries.markets as markets
from core.cache import Cache
from core.errors import NotFound
from core.ohlcv import Candles, from_bytes, to_bytes
from core.timeframe import MINUTE_MS, TIMEFRAMES, Timeframe, offset_of
from core.timeframe import parse as parse_timeframe
from db.queries.markets import SeriesRow

HOUR_MS, DAY_MS, WEEK_MS = 60 * MINUTE_MS, 1_440 * MINUTE_MS, 10_080 * MINUTE_MS
# Steps people read easily, each stored or of two stored bars; past four weeks the longest one doubles.
STEPS = (
    *(n * MINUTE_MS for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR_MS for n in (1, 2, 4, 8)),
    *(n * DAY_MS for n in (1, 2)),
    *(n * WEEK_MS for n in (1, 2, 4)),
)

# The newest bars of a market are what everybody looks at; pages ask for them again and again.
SHARED = Cache("candles", keep_s=120, most_bytes=1_000_000)
SHARED_LEAD = 10_000  # bars before the first one drawn up to which they are few enough to be shared


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
    held = _find(session, market_id, timeframe)
    return _read(session, held, held.frame.ms, None, _last_whole(session, held, now_ms))


def latest(session: Session, market_id: int, timeframe: str, n: int, *, now_ms: int | None = None) -> Candles:
    """The newest `n` closed candles (fewer where there are fewer). Raises NotFound."""
    held = _find(session, market_id, timeframe)
    return _newest(session, held, held.frame.ms, _last_whole(session, held, now_ms), n)


def source(session: Session, market_id: int, timeframe: str) -> str:
    """The stored timeframe that bars of a timeframe are made of. Raises NotFound."""
    return _find(session, market_id, timeframe).source.name


def before(session: Session, market_id: int, timeframe: str, end_ms: int | None, n: int) -> Candles:
    """The newest `n` whole candles that open before `end_ms` (None: the newest of all). Raises NotFound."""
    held = _find(session, market_id, timeframe)
    newest = _last_whole(session, held, None)
    last = newest if end_ms is None else min(newest, held.frame.floor(end_ms - 1))
    return _newest(session, held, held.frame.ms, last, n)


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
    held = _find(session, market_id, timeframe)
    row = held.row
    start = row.first_ms if start_ms is None else max(start_ms, row.first_ms)
    end = row.last_ms if end_ms is None else min(end_ms, row.last_ms)
    step = choose_step(held.frame, max(start, row.first_ms), max(end, start), max_bars)
    offset = offset_of(step)
    first, last = (_floor(edge, step, offset) for edge in (row.first_ms, row.last_ms))
    start, end = _floor(start, step, offset), _floor(end, step, offset)
    ahead, bars = _lead_and_bars(session, held, step, start, end, lead, last)
    return Window(ohlcv.join([ahead, bars]), step, first, last, row.rows, held.source.name, len(ahead))


def choose_step(frame: Timeframe, start_ms: int, end_ms: int, max_bars: int) -> int:
    """The shortest easy multiple of a timeframe (ms) that shows the span in at most `max_bars` bars."""
    steps = [frame.ms, *(s for s in STEPS if s > frame.ms and s % frame.ms == 0)]
    while True:
        for step in steps:
            offset = offset_of(step)
            if (_floor(end_ms, step, offset) - _floor(start_ms, step, offset)) // step + 1 <= max(max_bars, 1):
                return step
        steps = [2 * steps[-1]]


@dataclass(frozen=True, slots=True)
class _Held:
    """What bars of a timeframe, `frame`, are made of: the stored series `row` with its timeframe `source`."""

    frame: Timeframe
    source: Timeframe
    row: SeriesRow
    market_id: int

    def key(self, *asked: object) -> str:
        """Names an answer made of what is stored now: whoever stores candles moves `updated_at`."""
        row = self.row
        stored = (self.market_id, row.timeframe, row.updated_at.timestamp(), row.rows, row.last_ms, row.pyramid)
        return ":".join(map(str, (*stored, *asked)))

    def base(self, step: int) -> int:
        """Length (ms) of the stored rows that bars of length `step` are read from."""
        level = coarse_candles.level_for(self.source, step) if self.row.pyramid else None
        return level or self.source.ms


def _find(session: Session, market_id: int, timeframe: str) -> _Held:
    frame, stored = parse_timeframe(timeframe), markets.series_of(session, market_id)
    row = _source(stored, frame)
    if row is None:
        name = markets.by_id(session, market_id).symbol
        raise NotFound(f"No {frame} candles of {name} can be shown. Import {frame} candles, or shorter ones.")
    return _Held(frame, TIMEFRAMES[row.timeframe], row, market_id)


def _source(stored: dict[str, SeriesRow], frame: Timeframe) -> SeriesRow | None:
    """The series a timeframe is read from: its own, else the coarsest one that divides it."""
    fitting = [row for name, row in stored.items() if TIMEFRAMES[name].divides(frame)]
    return max(fitting, key=lambda row: TIMEFRAMES[row.timeframe].ms, default=None)


def _lead_and_bars(
    session: Session, held: _Held, step: int, start: int, end: int, lead: int, last: int
) -> tuple[Candles, Candles]:
    """(up to `lead` bars before `start`, bars from `start` to `end`). Those that reach to the `last` one, which is
    what a chart opens with, are shared."""

    def make() -> Candles:
        bars = _read(session, held, step, start, end) if start <= end else ohlcv.empty()
        ahead = _newest(session, held, step, start - step, lead) if lead and len(bars) else ohlcv.empty()
        return ohlcv.join([ahead, bars])

    key = held.key("window", step, start, end, lead)
    shared = end >= last and lead <= SHARED_LEAD
    both = SHARED.remember(key, make, pack=to_bytes, unpack=from_bytes) if shared else make()
    split = int(np.searchsorted(both.time, start))
    return both[:split], both[split:]


def _last_whole(session: Session, held: _Held, now_ms: int | None) -> int:
    """Open time (ms) of the newest bar that stored candles, closed by `now_ms`, reach the end of."""
    newest = held.row.last_ms
    if now_ms is not None and held.source.last_closed(now_ms) < newest:
        newest = held.source.last_closed(now_ms)
        if held.frame.ms > held.source.ms:
            found = stored_candles.read(session, held.market_id, held.source.name, end_ms=newest, limit=1)
            newest = int(found.time[-1]) if len(found) else held.row.first_ms - held.source.ms
    return held.frame.floor(newest + held.source.ms) - held.frame.ms


def _read(session: Session, held: _Held, step: int, start_ms: int | None, last_ms: int) -> Candles:
    """All bars of length `step` that open from `start_ms` to `last_ms`, both on their grid."""
    base, end = held.base(step), last_ms + step - 1
    if base == held.source.ms:
        read = stored_candles.read(session, held.market_id, held.source.name, start_ms=start_ms, end_ms=end)
    else:
        read = coarse_candles.read(session, held.market_id, held.source.name, base, start_ms=start_ms, end_ms=end)
    return read if base == step else ohlcv.aggregate(read, step, offset_of(step))


def _newest(session: Session, held: _Held, step: int, last_ms: int, n: int) -> Candles:
    """The newest `n` bars of length `step` that open up to `last_ms`, which is on their grid; gaps or not.

    So many rows hold `n` whole bars: where there are gaps they hold more, and the oldest, cut one is left out.
    """
    base, end = held.base(step), last_ms + step - 1
    rows = n * (step // base)
    if base == held.source.ms:
        read = stored_candles.read(session, held.market_id, held.source.name, end_ms=end, limit=rows)
    else:
        read = coarse_candles.read(session, held.market_id, held.source.name, base, end_ms=end, limit=rows)
    bars = read if base == step else ohlcv.aggregate(read, step, offset_of(step))
    return bars[len(bars) - min(n, len(bars)) :]


def _floor(ms: int, step: int, offset: int) -> int:
    return ms - (ms - offset) % step
