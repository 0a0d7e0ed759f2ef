"""The pyramid: coarser candles of each stored series, so that any zoom of any market reads about as many rows.

Derived rows stand in a table of their own and name the series they are of, `timeframe`; nothing else ever stands
there. Each level is built from the one below it, by the same sums in the same order however the candles came in.
Writers hold the `series` row (see `candles`), and what it says of its pyramid, `pyramid`, is true when they commit.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import select, text
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
from core.clock import from_ms
from core.ohlcv import Candles
from core.timeframe import MINUTE_MS, TIMEFRAMES, Timeframe, offset_of
from core.timeframe import parse as parse_timeframe
from db.binary_copy import copy_in, copy_out, cursor, from_times, join, pack, to_times
from db.tables import Series

# Each a multiple of the one before, on grids that nest: every timeframe, and four weeks for histories of decades.
LEVELS = (*(t.ms for t in TIMEFRAMES.values() if t.ms > MINUTE_MS), 4 * TIMEFRAMES["1w"].ms)
FEW = 200  # rows up to which a statement that updates them in place is the quickest and leaves least behind
KINDS = ("i8", "f8", "f8", "f8", "f8", "f8", "i4")
COLUMNS = "open_time, open, high, low, close, volume, candles"

Counts = npt.NDArray[np.int64]

OLDEST_FIRST = f"""
    SELECT {COLUMNS} FROM coarse_candles
    WHERE market_id = %s AND timeframe = %s AND step = %s AND open_time BETWEEN %s AND %s ORDER BY open_time
"""  # noqa: S608  (its own columns)
NEWEST_FIRST = OLDEST_FIRST + " DESC LIMIT %s"
SPAN = """
    SELECT open_time, open, high, low, close, volume, 1 FROM candles
    WHERE market_id = %s AND timeframe = %s AND open_time BETWEEN %s AND %s
"""
TWO_SPANS = f"{SPAN} UNION ALL {SPAN}"  # with OR between them, all that lies between is read too
# Spans of several levels in one go, each by the key.
BESIDE = f"""
    SELECT found.step, {COLUMNS}
    FROM unnest(%s::int4[], %s::timestamptz[], %s::timestamptz[]) AS wanted (step, first, after)
    CROSS JOIN LATERAL (
        SELECT * FROM coarse_candles
        WHERE market_id = %s AND timeframe = %s AND step = wanted.step
          AND open_time >= wanted.first AND open_time < wanted.after
        OFFSET 0
    ) AS found
"""  # noqa: S608  (its own columns)
UPDATE_FEW = f"""
    INSERT INTO coarse_candles AS coarse (market_id, timeframe, step, {COLUMNS})
    SELECT %s, %s, new.* FROM unnest(%s::int4[], %s::timestamptz[], %s::float8[], %s::float8[], %s::float8[],
                                     %s::float8[], %s::float8[], %s::int4[]) AS new
    ON CONFLICT (market_id, timeframe, step, open_time) DO UPDATE
    SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, candles = excluded.candles
    WHERE (coarse.open, coarse.high, coarse.low, coarse.close, coarse.volume, coarse.candles)
          IS DISTINCT FROM
          (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.candles)
"""  # noqa: S608  (its own columns)
CLEAR = """
    DELETE FROM coarse_candles
    WHERE market_id = %s AND timeframe = %s AND step = %s AND open_time BETWEEN %s AND %s
"""
STRAIGHT_IN = f"coarse_candles (market_id, timeframe, step, {COLUMNS})"


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one length; `counts` int64 (n,): of how many stored candles each is made."""

    candles: Candles
    counts: Counts


def levels(source: Timeframe) -> list[int]:
    """Lengths (ms) of the coarser candles kept of a series of this timeframe, shortest first."""
    return [step for step in LEVELS if step > source.ms and step % source.ms == 0]


def level_for(source: Timeframe, step_ms: int) -> int | None:
    """The longest level of which bars of length `step_ms` are made; None where only the candles themselves do."""
    fitting = [step for step in levels(source) if step_ms % step == 0]
    return fitting[-1] if fitting else None


def read(
    session: Session,
    market_id: int,
    timeframe: str,
    step_ms: int,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int | None = None,
) -> Candles:
    """Bars of a level that open in [`start_ms`, `end_ms`], oldest first; `limit` keeps the newest ones."""
    start = "-infinity" if start_ms is None else from_ms(start_ms)
    end = "infinity" if end_ms is None else from_ms(end_ms)
    values: list[object] = [market_id, timeframe, step_ms // MINUTE_MS, start, end]
    if limit is None:
        return _bars(copy_out(session, OLDEST_FIRST, values, KINDS)).candles
    return _bars(copy_out(session, NEWEST_FIRST, [*values, limit], KINDS)[::-1]).candles


def keep(session: Session, market_id: int, frame: Timeframe, first: int, last: int, inside: Candles | None) -> None:
    """Make the bars anew that hold candles from `first` to `last` (open times, ms).

    `inside` are all the candles stored from `first` to `last`; None: they are read. The caller holds the series row.
    """
    steps = levels(frame)
    if not steps:
        return
    beside = _beside(session, market_id, frame, steps, first, last)
    below = _source(session, market_id, frame, steps[0], first, last, inside)
    made: dict[int, Bars] = {}
    for step in steps:
        made[step] = _coarser(below, step)
        below = _joined(made[step], beside.get(step))
    _write(session, market_id, frame.name, made)


def build(session: Session, market_id: int, timeframe: str) -> int:
    """Make the whole pyramid of a stored series anew; returns of how many candles. Writers of the series wait."""
    query = select(Series).filter_by(market_id=market_id, timeframe=timeframe).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return 0
    cursor(session).execute(
        "DELETE FROM coarse_candles WHERE market_id = %s AND timeframe = %s", (market_id, timeframe)
    )
    if row.first_open is not None and row.last_open is not None:
        first, last = (int(edge.timestamp() * 1_000) for edge in (row.first_open, row.last_open))
        keep(session, market_id, parse_timeframe(timeframe), first, last, None)
    row.pyramid = True
    session.flush()
    return row.rows


def missing(session: Session) -> list[tuple[int, str, int]]:
    """(market id, timeframe, rows) of the stored series without a pyramid, the smallest first."""
    query = select(Series.market_id, Series.timeframe, Series.rows).where(Series.pyramid.is_(False), Series.rows > 0)
    return [(m, t, n) for m, t, n in session.execute(query.order_by(Series.rows, Series.market_id, Series.timeframe))]


def learn(session: Session) -> None:
    """Have PostgreSQL learn what the table holds now, after many rows came at once."""
    session.execute(text("ANALYZE (SKIP_LOCKED) coarse_candles"))


def _source(
    session: Session, market_id: int, frame: Timeframe, step: int, first: int, last: int, inside: Candles | None
) -> Bars:
    """The candles of the bars of length `step` at `first` and `last` and of all between them."""
    begin, end = _floor(first, step), _floor(last, step) + step - 1
    key = [market_id, frame.name]
    if inside is None:
        found = _bars(copy_out(session, SPAN, [*key, from_ms(begin), from_ms(end)], KINDS))
        return _sorted(found.candles, found.counts)
    left, right = (from_ms(begin), from_ms(first - 1)), (from_ms(last + 1), from_ms(end))
    found = _bars(copy_out(session, TWO_SPANS, [*key, *left, *key, *right], KINDS))
    return _joined(Bars(inside, np.ones(len(inside), dtype=np.int64)), found)


def _beside(
    session: Session, market_id: int, frame: Timeframe, steps: list[int], first: int, last: int
) -> dict[int, Bars]:
    """By level, the bars left and right of those that are made anew, as far as the next level needs them."""
    wanted: list[tuple[int, Any, Any]] = []
    for step, above in pairwise(steps):
        left, right = _floor(first, step), _floor(last, step) + step
        for begin, after in ((_floor(first, above), left), (right, _floor(last, above) + above)):
            if begin < after:
                wanted.append((step // MINUTE_MS, from_ms(begin), from_ms(after)))
    if not wanted:
        return {}
    columns = [list(column) for column in zip(*wanted, strict=True)]
    rows = copy_out(session, BESIDE, [*columns, market_id, frame.name], ("i4", *KINDS))
    return {step: _bars(rows[rows["c0"] == step // MINUTE_MS], 1) for step in steps}


def _coarser(below: Bars, step: int) -> Bars:
    candles = below.candles
    offset = offset_of(step)
    bins = (candles.time - offset) // step
    starts = np.flatnonzero(np.concatenate(([True], bins[1:] != bins[:-1]))) if len(bins) else bins
    counts = np.add.reduceat(below.counts, starts) if len(bins) else below.counts
    return Bars(ohlcv.aggregate(candles, step, offset), counts)


def _joined(made: Bars, beside: Bars | None) -> Bars:
    if beside is None or not len(beside.candles):
        return made
    return _sorted(ohlcv.join([made.candles, beside.candles]), np.concatenate((made.counts, beside.counts)))


def _sorted(candles: Candles, counts: Counts) -> Bars:
    order = np.argsort(candles.time, kind="stable")
    return Bars(candles[order], counts[order])


def _write(session: Session, market_id: int, timeframe: str, made: dict[int, Bars]) -> None:
    """Few rows are updated in place; of many the old ones go and the new ones come by COPY."""
    total = sum(len(bars.candles) for bars in made.values())
    if total <= FEW:
        cursor(session).execute(UPDATE_FEW, [market_id, timeframe, *_lists(made)])
        return
    for step, bars in made.items():
        if len(bars.candles):
            ends = from_ms(int(bars.candles.time[0])), from_ms(int(bars.candles.time[-1]))
            cursor(session).execute(CLEAR, (market_id, timeframe, step // MINUTE_MS, *ends))
    packed = [_packed(market_id, timeframe, step, bars) for step, bars in made.items()]
    copy_in(session, STRAIGHT_IN, join(packed))  # each COPY costs some milliseconds beside its rows


def _lists(made: dict[int, Bars]) -> list[list[Any]]:
    """The columns of all levels, one after the other."""
    steps = [step // MINUTE_MS for step, bars in made.items() for _ in range(len(bars.candles))]
    candles = ohlcv.join([bars.candles for bars in made.values()])
    counts = np.concatenate([bars.counts for bars in made.values()])
    _, *values = candles.columns()
    times = [from_ms(int(ms)) for ms in candles.time]
    return [steps, times, *(column.tolist() for column in values), counts.tolist()]


def _packed(market_id: int, timeframe: str, step: int, bars: Bars) -> bytes:
    key = [("i4", market_id), (f"S{len(timeframe)}", timeframe.encode()), ("i4", step // MINUTE_MS)]
    _, *values = bars.candles.columns()
    columns = [("i8", from_times(bars.candles.time)), *(("f8", column) for column in values), ("i4", bars.counts)]
    return pack([*key, *columns], len(bars.candles))


def _bars(rows: npt.NDArray[np.void], at: int = 0) -> Bars:
    columns = [rows[f"c{at + k}"].astype(np.float64) for k in range(1, 6)]
    return Bars(Candles(to_times(rows[f"c{at}"]), *columns), rows[f"c{at + 6}"].astype(np.int64))


def _floor(ms: int, step: int) -> int:
    return ms - (ms - offset_of(step)) % step
