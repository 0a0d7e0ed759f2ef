"""PostgreSQL's binary COPY format, packed and parsed by NumPy: whole columns, no Python object per row."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from core.ohlcv import Times

EPOCH_2000_US = 946_684_800_000_000  # PostgreSQL counts microseconds from 2000-01-01
SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # then no flags and no header extension
TRAILER = b"\xff\xff"


def cursor(session: Session) -> Any:
    """psycopg2's own cursor, inside the session's transaction."""
    session.flush()
    return session.connection().connection.cursor()


def pack(columns: Sequence[tuple[str, Any]], n: int) -> bytes:
    """`n` rows of columns (NumPy kind, values or one value): a field count, then a length before each value."""
    rows = np.empty(n, dtype=_row_type([kind for kind, _ in columns]))
    rows["fields"] = len(columns)
    for k, (_, values) in enumerate(columns):
        rows[f"n{k}"] = rows.dtype[f"c{k}"].itemsize
        rows[f"c{k}"] = values
    return b"".join((SIGNATURE, rows.tobytes(), TRAILER))


def join(parts: Sequence[bytes]) -> bytes:
    """Packed rows of one table, one after the other."""
    return b"".join((SIGNATURE, *(part[len(SIGNATURE) : -len(TRAILER)] for part in parts), TRAILER))


def copy_in(session: Session, target: str, packed: bytes) -> None:
    """Load packed rows into `table (columns)`."""
    cursor(session).copy_expert(f"COPY {target} FROM STDIN (FORMAT binary)", BytesIO(packed))


def copy_out(session: Session, query: str, values: Sequence[object], kinds: Sequence[str]) -> npt.NDArray[np.void]:
    """The rows of a query whose columns are fixed in size and never NULL, as one structured array of `c0`, `c1`, …"""
    opened, out = cursor(session), BytesIO()
    filled = opened.mogrify(query, values).decode()
    opened.copy_expert(f"COPY ({filled}) TO STDOUT (FORMAT binary)", out)
    return np.frombuffer(out.getbuffer()[len(SIGNATURE) : -len(TRAILER)], dtype=_row_type(kinds))


def from_times(time: Times) -> Times:
    """Milliseconds UTC as PostgreSQL's timestamptz."""
    return time * 1_000 - EPOCH_2000_US


def to_times(microseconds: npt.NDArray[np.int64]) -> Times:
    """PostgreSQL's timestamptz as milliseconds UTC."""
    return (microseconds.astype(np.int64) + EPOCH_2000_US) // 1_000


def _row_type(kinds: Sequence[str]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for k, kind in enumerate(kinds):
        fields += [(f"n{k}", ">i4"), (f"c{k}", kind if kind.startswith("S") else f">{kind}")]
    return np.dtype(fields)
