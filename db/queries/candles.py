"""Candles in and out of PostgreSQL in its binary COPY format, packed and parsed by NumPy.

Writers of a series wait for each other on its `series` row, so that what that row says is always true.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import select, text
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
import core.timeframe as timeframes
from core.clock import from_ms, to_ms
from core.ohlcv import Candles, Times
from db.binary_copy import copy_in, copy_out, cursor, from_times, pack, to_times
from db.queries import coarse_candles, deliveries
from db.queries.deliveries import Origin
from db.tables import Series

PRICES = ("open", "high", "low", "close", "volume")

Flags = npt.NDArray[np.int32]

# Writing names the partition of the timeframe, `candles_1h`: through the parent a merge takes half as long again.
# Every query below names one series and, but for the neighbours, a closed span of open times.
OLDEST_FIRST = """
    SELECT open_time, open, high, low, close, volume FROM candles
    WHERE market_id = %s AND timeframe = %s AND open_time BETWEEN %s AND %s ORDER BY open_time
"""
NEWEST_FIRST = OLDEST_FIRST + " DESC LIMIT %s"
AROUND = """
    WITH series AS NOT MATERIALIZED (SELECT * FROM candles WHERE market_id = %s AND timeframe = %s)
    SELECT open_time, open, high, low, close, volume, flags FROM series
    WHERE open_time >= coalesce((SELECT max(open_time) FROM series WHERE open_time < %s), '-infinity')
      AND open_time <= coalesce((SELECT min(open_time) FROM series WHERE open_time > %s), 'infinity')
    ORDER BY open_time
"""
FLAGGED = """
    SELECT count(*) FROM candles
    WHERE market_id = %s AND timeframe = %s AND open_time BETWEEN %s AND %s AND flags <> 0
"""
CLEAR = "DELETE FROM {partition} WHERE market_id = %s AND timeframe = %s AND open_time BETWEEN %s AND %s"
STRAIGHT_IN = "{partition} (market_id, timeframe, open_time, open, high, low, close, volume, flags)"
STAGED = "staged_candles (open_time, open, high, low, close, volume, flags)"
STAGING = (
    "CREATE TEMP TABLE IF NOT EXISTS staged_candles (open_time timestamptz, open float8, high float8, low float8,"
    " close float8, volume float8, flags int4) ON COMMIT DELETE ROWS"
)
MERGE = """
    INSERT INTO {partition} AS candles (market_id, timeframe, open_time, open, high, low, close, volume, flags)
    SELECT %s, %s, open_time, open, high, low, close, volume, flags FROM staged_candles
    ON CONFLICT (market_id, timeframe, open_time) DO UPDATE
    SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, flags = excluded.flags
    WHERE (candles.open, candles.high, candles.low, candles.close, candles.volume)
          IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
"""
REVISIONS = """
    INSERT INTO candle_revisions (market_id, timeframe, open_time, old_open, old_high, old_low, old_close, old_volume,
                                  new_open, new_high, new_low, new_close, new_volume, source)
    SELECT old.market_id, old.timeframe, old.open_time, old.open, old.high, old.low, old.close, old.volume,
           new.open, new.high, new.low, new.close, new.volume, %s
    FROM staged_candles AS new JOIN {partition} AS old USING (open_time)
    WHERE old.market_id = %s AND old.timeframe = %s AND old.open_time BETWEEN %s AND %s
      AND (old.open, old.high, old.low, old.close, old.volume)
          IS DISTINCT FROM (new.open, new.high, new.low, new.close, new.volume)
    ORDER BY open_time
"""
OR_FLAGS = " OR candles.flags IS DISTINCT FROM excluded.flags"


@dataclass(frozen=True, slots=True)
class Stored:
    """Of the candles handed in: new ones, ones that stood there already, ones that replaced other values."""

    stored: int
    unchanged: int
    changed: int


def upsert(
    session: Session,
    market_id: int,
    timeframe: str,
    candles: Candles,
    flags: Flags | None = None,
    *,
    source: str | None = None,
    origin: Origin | None = None,
) -> Stored:
    """Store closed candles of one series; what is there already and equal is not written again.

    `candles` are sorted, unique and on the grid. `flags` int32 (n,); without them new candles are unflagged and old
    ones keep their flags while their values stay. Keeps `series` and the coarser candles in the same transaction,
    second writers wait.
    `source` names the exchange whose answer this is: each candle that changes then leaves a row in candle_revisions.
    `origin` is where they come from; it is written down of those that are new or other than before.
    """
    frame = timeframes.parse(timeframe)
    if not len(candles):
        return Stored(0, 0, 0)
    if np.any(np.diff(candles.time) <= 0) or np.any((candles.time - frame.offset_ms) % frame.ms):
        raise ValueError("candles must be sorted, unique and on the grid of their timeframe")
    row = _lock_series(session, market_id, timeframe)
    first, last = int(candles.time[0]), int(candles.time[-1])
    before, rows = _around(session, row, first, last)
    flagged = 0 if not row.flagged and flags is None else -_flagged(session, row, first, last)
    inside = (before >= first) & (before <= last)
    fresh = _count_fresh(candles.time, before[inside])
    whole = _count_fresh(before[inside], candles.time) == 0  # all that is stored there is said again
    if not np.any(inside):
        written = _load(session, row, candles, flags)
    elif whole:
        written = _compare(session, row, candles, flags, source, rows[inside])
    else:
        written = _merge(session, row, candles, flags, source)
    if flagged or flags is not None:
        flagged += _flagged(session, row, first, last)
    _note(session, row, candles.time, before, fresh, flagged, frame.ms)
    if written and row.pyramid:
        coarse_candles.keep(session, market_id, frame, first, last, candles if whole else None)
    if written and origin is not None:
        there = rows[inside] if np.any(inside) else rows[:0]
        time = np.union1d(candles.time, before[inside])  # with what others brought in between
        new = np.isin(time, candles.time[_differs(candles, there)], assume_unique=True)
        deliveries.note(session, market_id, frame, time, new, origin)
    return Stored(fresh, len(candles) - written, written - fresh)


def read(
    session: Session,
    market_id: int,
    timeframe: str,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int | None = None,
) -> Candles:
    """Stored candles that open in [`start_ms`, `end_ms`], oldest first; `limit` keeps the newest ones."""
    values: list[object] = [market_id, timeframe, *_span(start_ms, end_ms)]
    query = OLDEST_FIRST if limit is None else NEWEST_FIRST
    rows = copy_out(session, query, values if limit is None else [*values, limit], ("i8", *["f8"] * len(PRICES)))
    if limit is not None:
        rows = rows[::-1]
    return Candles(to_times(rows["c0"]), *(rows[f"c{k}"].astype(np.float64) for k in range(1, 6)))


def analyze(session: Session, timeframe: str) -> None:
    """Have PostgreSQL learn what a partition holds now, after many rows came at once; others that do so go first.

    Until its autovacuum comes by, a minute or more, it plans reads for the table as it was.
    """
    session.execute(text(f"ANALYZE (SKIP_LOCKED) candles_{timeframes.parse(timeframe).name}"))


def last_open_ms(session: Session, market_id: int, timeframe: str) -> int | None:
    """Open time (ms UTC) of the newest stored candle, None when there is none."""
    query = select(Series.last_open).where(Series.market_id == market_id, Series.timeframe == timeframe)
    newest = session.scalar(query)
    return None if newest is None else to_ms(newest)


def _lock_series(session: Session, market_id: int, timeframe: str) -> Series:
    """The series row, made when it is missing and held until the transaction ends."""
    values = {"market_id": market_id, "timeframe": timeframe}
    made = "INSERT INTO series (market_id, timeframe, pyramid) VALUES (:market_id, :timeframe, true)"
    session.execute(text(f"{made} ON CONFLICT DO NOTHING"), values)
    query = select(Series).filter_by(**values).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _around(session: Session, row: Series, first: int, last: int) -> tuple[Times, npt.NDArray[Any]]:
    """(open times in ms, rows) stored from the neighbour before `first` to the neighbour after `last`, both included;
    no rows where the series ends before `first`."""
    none: npt.NDArray[Any] = np.empty(0, dtype=np.int64)
    if row.last_open is None:
        return none, none
    if to_ms(row.last_open) < first:
        return np.array([to_ms(row.last_open)]), none
    values = [row.market_id, row.timeframe, from_ms(first), from_ms(last)]
    rows = copy_out(session, AROUND, values, ("i8", *["f8"] * len(PRICES), "i4"))
    return to_times(rows["c0"]), rows


def _count_fresh(new: Times, before: Times) -> int:
    """How many of the sorted times `new` are not among the sorted times `before`."""
    if not len(before):
        return len(new)
    if np.array_equal(new, before):
        return 0
    at = np.minimum(np.searchsorted(before, new), len(before) - 1)
    return int(np.count_nonzero(before[at] != new))


def _load(session: Session, row: Series, candles: Candles, flags: Flags | None) -> int:
    """Straight into the table: nothing is stored in this span, and nobody else may store here now."""
    packed = _pack(candles, flags, (row.market_id, row.timeframe))
    copy_in(session, STRAIGHT_IN.format(partition=_partition(row)), packed)
    return len(candles)


def _compare(
    session: Session,
    row: Series,
    candles: Candles,
    flags: Flags | None,
    source: str | None,
    rows: npt.NDArray[Any],
) -> int:
    """Write what differs from `rows`, all that is stored in the span of these candles; returns how many."""
    at, differs = np.searchsorted(candles.time, to_times(rows["c0"])), _differs(candles, rows)
    marks = np.zeros(len(candles), dtype=np.int32) if flags is None else flags
    if flags is None:
        marks[at] = np.where(differs[at], 0, rows["c6"])
    else:
        differs[at] |= rows["c6"] != flags[at]
    changes = int(np.count_nonzero(differs))
    if source is None and 2 * changes > len(candles):
        span = from_ms(int(candles.time[0])), from_ms(int(candles.time[-1]))
        cursor(session).execute(CLEAR.format(partition=_partition(row)), (row.market_id, row.timeframe, *span))
        _load(session, row, candles, marks)
        return changes
    part = candles[differs], None if flags is None else flags[differs]
    return _merge(session, row, *part, source) if changes else 0


def _differs(candles: Candles, rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Of each candle, whether it is not among the stored `rows` with these very values."""
    if not len(rows):
        return np.ones(len(candles), dtype=np.bool_)
    time = to_times(rows["c0"])
    at = np.minimum(np.searchsorted(time, candles.time), len(rows) - 1)
    same: npt.NDArray[np.bool_] = time[at] == candles.time
    for k, name in enumerate(PRICES):
        same &= rows[f"c{k + 1}"][at] == getattr(candles, name)
    return np.logical_not(same)


def _merge(session: Session, row: Series, candles: Candles, flags: Flags | None, source: str | None) -> int:
    """Through a staging table, writing only what differs; returns how many rows were written."""
    opened = cursor(session)
    opened.execute(STAGING)
    opened.execute("TRUNCATE staged_candles")
    copy_in(session, STAGED, _pack(candles, flags))
    if source is not None:
        span = from_ms(int(candles.time[0])), from_ms(int(candles.time[-1]))
        opened.execute(REVISIONS.format(partition=_partition(row)), (source, row.market_id, row.timeframe, *span))
    merge = MERGE.format(partition=_partition(row)) + (OR_FLAGS if flags is not None else "")
    opened.execute(merge, (row.market_id, row.timeframe))
    return int(opened.rowcount)


def _partition(row: Series) -> str:
    return f"candles_{timeframes.parse(row.timeframe).name}"


def _note(session: Session, row: Series, new: Times, before: Times, fresh: int, flagged: int, step_ms: int) -> None:
    """Bring the series row up to date. Gaps can only change between the neighbours of the new candles."""
    first, last = int(new[0]), int(new[-1])
    if fresh:
        row.gaps += len(ohlcv.gaps(np.union1d(before, new), step_ms)) - len(ohlcv.gaps(before, step_ms))
    row.rows += fresh
    row.flagged += flagged
    row.first_open = from_ms(first if row.first_open is None else min(first, to_ms(row.first_open)))
    row.last_open = from_ms(last if row.last_open is None else max(last, to_ms(row.last_open)))
    row.missing = (to_ms(row.last_open) - to_ms(row.first_open)) // step_ms + 1 - row.rows
    session.flush()
    session.execute(
        text("UPDATE series SET updated_at = clock_timestamp() WHERE market_id = :m AND timeframe = :t"),
        {"m": row.market_id, "t": row.timeframe},
    )


def _flagged(session: Session, row: Series, first: int, last: int) -> int:
    opened = cursor(session)
    opened.execute(FLAGGED, [row.market_id, row.timeframe, *_span(first, last)])
    return int(opened.fetchone()[0])


def _span(start_ms: int | None, end_ms: int | None) -> tuple[object, object]:
    start = "-infinity" if start_ms is None else from_ms(start_ms)
    return start, "infinity" if end_ms is None else from_ms(end_ms)


def _pack(candles: Candles, flags: Flags | None, key: tuple[int, str] | None = None) -> bytes:
    """Rows for COPY, with their key where they go straight into the table."""
    marks = np.zeros(len(candles), dtype=np.int32) if flags is None else flags
    columns: list[tuple[str, object]] = [("i8", from_times(candles.time))]
    columns += [("f8", getattr(candles, name)) for name in PRICES] + [("i4", marks)]
    if key is not None:
        columns = [("i4", key[0]), (f"S{len(key[1])}", key[1].encode()), *columns]
    return pack(columns, len(candles))
