"""The rows of a candle file: bytes in, columns and line numbers out. Knows formats, judges no candle."""

import gzip
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import numpy.typing as npt

from core.errors import Refused
from core.ohlcv import Floats

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
ALIASES = {"timestamp": ("timestamp", "time", "open_time", "open time", "unix", "date", "datetime")}
DELIMITERS = ",;\t"
MAX_BYTES = 256 * 1024 * 1024  # unpacked: some four million candles
SHOWN = 40  # characters of an unreadable value in a reason
# A time is told by its size: seconds until the year 5138, milliseconds since 1973, microseconds since 1973.
SECONDS, MILLISECONDS, MICROSECONDS = (1e8, 1e11), (1e11, 1e14), (1e14, 1e17)


@dataclass(frozen=True, slots=True)
class Rows:
    """`columns`: time (ms UTC), open, high, low, close, volume, float64 (n,) each; `lines` int64 (n,), from 1.

    `unreadable` holds (line, reason) of rows that are not in the columns.
    """

    columns: tuple[Floats, ...]
    lines: npt.NDArray[np.int64]
    unreadable: list[tuple[int, str]]


def unpack(content: bytes) -> str:
    """The text of a CSV or CSV.GZ file. Raises Refused for anything else, and past MAX_BYTES."""
    if content[:2] == b"\x1f\x8b":
        content = _gunzip(content)
    if len(content) > MAX_BYTES:
        raise Refused(f"The file holds more than {MAX_BYTES >> 20} MB of text. Split it into smaller files.")
    if b"\x00" in content[:4_096]:
        raise Refused("The file is no text in UTF-8. Export it as plain CSV, or as CSV packed with gzip.")
    return content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def read(text: str, base: str = "") -> Rows:
    """Rows of a table with the columns of COLUMNS, with a header in any order and case or without one.

    `base` is the base currency: a column "Volume BTC" is then the volume. Raises Refused where there is no such table.
    """
    lines = text.rstrip().split("\n")
    if not lines[0].strip():
        raise Refused("The file holds no rows. It needs timestamp, open, high, low, close and volume.")
    delimiter = max(DELIMITERS, key=lines[0].count)
    first = [cell.strip().strip('"').lower() for cell in lines[0].split(delimiter)]
    header = not _is_row(first)
    order = _columns_of(first, base.lower()) if header else list(range(len(COLUMNS)))
    width = len(first) if header else len(COLUMNS)
    body = lines[header:]
    return _read_numbers(body, delimiter, width, order, header) or _read_cells(body, delimiter, width, order, header)


def to_ms(times: Floats) -> Floats:
    """Milliseconds of times in seconds, milliseconds or microseconds; NaN for what is none of them."""
    with np.errstate(invalid="ignore"):
        scales = [(times >= low) & (times < high) for low, high in (SECONDS, MILLISECONDS, MICROSECONDS)]
        return np.select(scales, [times * 1_000, times, times / 1_000], default=np.nan)


def _gunzip(content: bytes) -> bytes:
    try:
        with gzip.open(BytesIO(content)) as packed:
            return packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Refused("The gzip file is damaged or cut off. Download it again.") from error


def _is_row(cells: list[str]) -> bool:
    return len(cells) == len(COLUMNS) and not np.isnan(_time(cells[0]))


def _columns_of(header: list[str], base: str) -> list[int]:
    """Where each of COLUMNS stands in a header."""
    found = []
    for name in COLUMNS:
        names = ALIASES.get(name, (name,)) + ((f"volume {base}",) if name == "volume" else ())
        at = next((header.index(alias) for alias in names if alias in header), None)
        if at is None:
            raise Refused(f"Line 1 names no column “{name}”. The file needs {', '.join(COLUMNS)}.")
        found.append(at)
    return found


def _read_numbers(body: list[str], delimiter: str, width: int, order: list[int], header: bool) -> Rows | None:
    """All rows at once where every cell of every line is a number, None otherwise."""
    if not body:
        return Rows(tuple(np.empty(0) for _ in COLUMNS), np.empty(0, dtype=np.int64), [])
    try:
        table = np.loadtxt(body, delimiter=delimiter, comments=None, ndmin=2)
    except ValueError:
        return None
    if table.shape != (len(body), width):
        return None
    columns = tuple(np.ascontiguousarray(table[:, k]) for k in order)
    return Rows((to_ms(columns[0]), *columns[1:]), np.arange(len(body)) + 1 + header, [])


def _read_cells(body: list[str], delimiter: str, width: int, order: list[int], header: bool) -> Rows:
    """Line by line, with a reason for each that cannot be read; empty lines are skipped."""
    values: list[list[float]] = []
    lines: list[int] = []
    unreadable: list[tuple[int, str]] = []
    for number, line in enumerate(body, 1 + header):
        if not line.strip():
            continue
        cells = line.split(delimiter)
        if len(cells) != width:
            unreadable.append((number, f"{len(cells)} columns where {width} are expected"))
            continue
        try:
            values.append(_row([cells[k].strip().strip('"') for k in order]))
            lines.append(number)
        except ValueError as error:
            unreadable.append((number, str(error)))
    table = np.array(values, dtype=np.float64).reshape(-1, len(COLUMNS))
    return Rows(tuple(np.ascontiguousarray(c) for c in table.T), np.array(lines, dtype=np.int64), unreadable)


def _row(cells: list[str]) -> list[float]:
    """Time in ms and five numbers; raises ValueError naming the cell that is none."""
    row = [_time(cells[0])]
    if np.isnan(row[0]):
        raise ValueError(f"“{_short(cells[0])}” is no time in seconds, milliseconds, microseconds or ISO 8601")
    for name, cell in zip(COLUMNS[1:], cells[1:], strict=True):
        try:
            row.append(_number(cell))
        except ValueError:
            raise ValueError(f"“{_short(cell)}” in {name} is no number") from None
    return row


def _number(cell: str) -> float:
    if "_" in cell:  # Python reads 1_000 as a number, a price is never written so
        raise ValueError(cell)
    return float(cell)


def _time(cell: str) -> float:
    """Milliseconds UTC of a number or an ISO date; a date without a zone is UTC. NaN for anything else."""
    try:
        return _scaled(_number(cell))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return float("nan")
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp() * 1_000


def _scaled(time: float) -> float:
    for (low, high), scale in ((SECONDS, 1e3), (MILLISECONDS, 1.0), (MICROSECONDS, 1e-3)):
        if low <= time < high:
            return time * scale if scale >= 1 else time / 1_000
    return float("nan")


def _short(cell: str) -> str:
    return cell if len(cell) <= SHOWN else cell[:SHOWN] + "…"
