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
ALIASES = {"timestamp": ("timestamp", "time", "open_time", "open time", "unix", "unix timestamp", "date", "datetime")}
TRADES = (
    "tradecount",
    "trade count",
    "trades",
    "count",
    "number of trades",
    "number_of_trades",
)  # names of a column of trade counts
BULK_WIDTH, BULK_TRADES = (
    12,
    8,
)  # an exchange's bulk download: six columns, close time, quote volume, trades, three more
MOST_BANNERS = 5  # lines a vendor writes above the header
DELIMITERS = ",;\t"
MAX_BYTES = 256 * 1024 * 1024  # unpacked: some four million candles
FILE_BITS = 40  # of a line number, below the number of its file
SHOWN = 40  # characters of an unreadable value in a reason
# A time is told by its size: seconds until the year 5138, milliseconds since 1973, microseconds since 1973.
SECONDS, MILLISECONDS, MICROSECONDS = (1e8, 1e11), (1e11, 1e14), (1e14, 1e17)


@dataclass(frozen=True, slots=True)
class Rows:
    """`columns`: time (ms UTC), open, high, low, close, volume, float64 (n,) each; `lines` int64 (n,), from 1.

    `unreadable` holds (line, reason) of rows that are not in the columns. `trades` float64 (n,): trade counts, NaN
    where a row has none. Lines of the k-th of several `files` carry k << FILE_BITS, so that they sort by file and line.
    """

    columns: tuple[Floats, ...]
    lines: npt.NDArray[np.int64]
    unreadable: list[tuple[int, str]]
    trades: Floats
    files: tuple[str, ...] = ()

    def line(self, line: int) -> int:
        """The line within its own file."""
        return int(line) & ((1 << FILE_BITS) - 1)

    def file(self, line: int) -> str:
        """Where a line stands, as the end of a sentence: nothing where there is one file only."""
        return f" ({self.files[int(line) >> FILE_BITS]})" if len(self.files) > 1 else ""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the columns stand in a line of `width` cells; `above` lines stand over the first row."""

    delimiter: str
    width: int
    order: list[int]
    trades: int | None
    above: int


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
    layout = _layout(lines, base.lower())
    body = lines[layout.above :]
    return _read_numbers(body, layout) or _read_cells(body, layout)


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


def _layout(lines: list[str], base: str) -> _Layout:
    """Of a table without a header, or of the first header within the first lines; what stands above it is no data."""
    delimiter, first = _cells(lines[0])
    if _is_row(first):
        trades = BULK_TRADES if len(first) == BULK_WIDTH else None
        return _Layout(delimiter, len(first), list(range(len(COLUMNS))), trades, 0)
    for above, line in enumerate(lines[: MOST_BANNERS + 1]):
        delimiter, cells = _cells(line)
        if above and _is_row(cells):
            break
        if not missing_column(cells, base):
            order, trades = columns_of(cells, base)
            return _Layout(delimiter, len(cells), order, trades, above + 1)
    raise Refused(f"Line 1 names no column “{missing_column(first, base)}”. The file needs {', '.join(COLUMNS)}.")


def _cells(line: str) -> tuple[str, list[str]]:
    """(what parts the cells, the cells in lower case)."""
    delimiter = max(DELIMITERS, key=line.count)
    return delimiter, [cell.strip().strip('"').lower() for cell in line.split(delimiter)]


def _is_row(cells: list[str]) -> bool:
    return len(cells) in (len(COLUMNS), BULK_WIDTH) and not np.isnan(time_ms(cells[0]))


def _at(header: list[str], name: str, base: str) -> int | None:
    names = ALIASES.get(name, (name,)) + ((f"volume {base}",) if name == "volume" else ())
    return next((header.index(alias) for alias in names if alias in header), None)


def missing_column(header: list[str], base: str) -> str | None:
    """The first of COLUMNS that a header (in lower case) does not name."""
    return next((name for name in COLUMNS if _at(header, name, base) is None), None)


def columns_of(header: list[str], base: str) -> tuple[list[int], int | None]:
    """(where each of COLUMNS stands in a whole header, where the trade counts stand)."""
    order = [at for name in COLUMNS if (at := _at(header, name, base)) is not None]
    return order, next((header.index(name) for name in TRADES if name in header), None)


def _read_numbers(body: list[str], layout: _Layout) -> Rows | None:
    """All rows at once where every cell of every line is a number, None otherwise."""
    if not body:
        return Rows(tuple(np.empty(0) for _ in COLUMNS), np.empty(0, dtype=np.int64), [], np.empty(0))
    try:
        table = np.loadtxt(body, delimiter=layout.delimiter, comments=None, ndmin=2)
    except ValueError:
        return None
    if table.shape != (len(body), layout.width):
        return None
    columns = tuple(np.ascontiguousarray(table[:, k]) for k in layout.order)
    trades = np.full(len(body), np.nan) if layout.trades is None else np.ascontiguousarray(table[:, layout.trades])
    return Rows((to_ms(columns[0]), *columns[1:]), np.arange(len(body)) + 1 + layout.above, [], trades)


def _read_cells(body: list[str], layout: _Layout) -> Rows:
    """Line by line, with a reason for each that cannot be read; empty lines are skipped."""
    values: list[list[float]] = []
    lines: list[int] = []
    unreadable: list[tuple[int, str]] = []
    for number, line in enumerate(body, 1 + layout.above):
        if not line.strip():
            continue
        cells = line.split(layout.delimiter)
        if len(cells) != layout.width:
            unreadable.append((number, f"{len(cells)} columns where {layout.width} are expected"))
            continue
        try:
            row = _row([cells[k].strip().strip('"') for k in layout.order])
            values.append([*row, float("nan") if layout.trades is None else _count(cells[layout.trades])])
            lines.append(number)
        except ValueError as error:
            unreadable.append((number, str(error)))
    table = np.array(values, dtype=np.float64).reshape(-1, len(COLUMNS) + 1)
    *columns, trades = (np.ascontiguousarray(column) for column in table.T)
    return Rows(tuple(columns), np.array(lines, dtype=np.int64), unreadable, trades)


def _row(cells: list[str]) -> list[float]:
    """Time in ms and five numbers; raises ValueError naming the cell that is none."""
    row = [time_ms(cells[0])]
    if np.isnan(row[0]):
        raise ValueError(f"“{_short(cells[0])}” is no time in seconds, milliseconds, microseconds or ISO 8601")
    for name, cell in zip(COLUMNS[1:], cells[1:], strict=True):
        try:
            row.append(_number(cell))
        except ValueError:
            raise ValueError(f"“{_short(cell)}” in {name} is no number") from None
    return row


def _count(cell: str) -> float:
    """A trade count; NaN where a vendor writes none, NULL or anything else: it is no part of the candle."""
    try:
        return float(cell.strip().strip('"'))
    except ValueError:
        return float("nan")


def _number(cell: str) -> float:
    if "_" in cell:  # Python reads 1_000 as a number, a price is never written so
        raise ValueError(cell)
    return float(cell)


def time_ms(cell: str) -> float:
    """Milliseconds UTC of a number or an ISO date; a date without a zone is UTC. NaN for anything else."""
    try:
        return _scaled(_number(cell))
    except ValueError:
        pass
    try:
        vendors = cell[-2:].upper() in ("AM", "PM")  # 2018-08-27 07-AM
        moment = datetime.strptime(f"{cell} +0000", "%Y-%m-%d %I-%p %z") if vendors else datetime.fromisoformat(cell)
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
