"""The rows of a Parquet file. pyarrow is loaded when one is read: 80 MB that no other import pays for."""

from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import Refused
from core.ohlcv import Floats
from market.history_rows import COLUMNS, Rows, columns_of, missing_column, time_ms, to_ms

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 4_000_000  # about what MAX_BYTES of text hold


def read(content: bytes, base: str = "") -> Rows:
    """Rows of a table with the columns of COLUMNS, named as in a CSV file; "lines" are row numbers from 1.

    Times are timestamps, dates, ISO texts or numbers in seconds, milliseconds or microseconds. Raises Refused for files
    that are damaged, locked, too large or lack a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        rows, names = file.metadata.num_rows, file.schema_arrow.names
        lower = [name.strip().lower() for name in names]
        _admit(rows, lower, base.lower())
        order, trades = columns_of(lower, base.lower())
        picked = [names[k] for k in order] + ([] if trades is None else [names[trades]])
        table = file.read(columns=picked)
        columns = tuple(_numbers(table.column(names[k]), time=place == 0) for place, k in enumerate(order))
        counts = np.full(rows, np.nan) if trades is None else _numbers(table.column(names[trades]), time=False)
    except (pa.ArrowException, OSError) as error:
        raise Refused("The Parquet file is damaged or of a kind that cannot be read. Export it again.") from error
    return Rows(columns, np.arange(rows, dtype=np.int64) + 1, [], counts)


def _admit(rows: int, names: list[str], base: str) -> None:
    if rows > MOST_ROWS:
        raise Refused(f"The file holds more than {MOST_ROWS:,} rows. Split it into smaller files.")
    missing = missing_column(names, base)
    if missing:
        raise Refused(f"The Parquet file has no column “{missing}”. It needs {', '.join(COLUMNS)}.")
    if len(set(names)) < len(names):
        raise Refused("The Parquet file names a column twice. Leave one of them out.")


def _numbers(column: "pa.ChunkedArray", *, time: bool) -> Floats:
    """float64 (n,); times in ms. What is missing or no number is NaN, and the judge of rows says so."""
    import pyarrow as pa

    kind = column.type
    if time and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        whole = column.cast(pa.timestamp("ms", tz=getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        return _floats(whole)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array([_parsed(cell, time) for cell in column.to_pylist()], dtype=np.float64)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = _floats(column.cast(pa.float64()))
        return to_ms(values) if time else values
    return np.full(len(column), np.nan)


def _floats(column: Any) -> Floats:
    filled: Floats = column.to_numpy().astype(np.float64)
    return filled


def _parsed(cell: str | None, time: bool) -> float:
    if cell is None:
        return float("nan")
    try:
        return time_ms(cell.strip()) if time else float(cell)
    except ValueError:
        return float("nan")
