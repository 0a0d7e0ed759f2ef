"""Candles from files and back to them. One file is stored whole or, when a row is no candle, not at all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
import core.timeframe as timeframes
import db.queries.candles as stored_candles
import db.queries.imports as imports
import db.queries.markets as markets
from core.clock import from_ms, to_ms
from core.errors import BadCandles, NotFound, Refused
from core.market_name import MarketName
from core.ohlcv import Candles, Floats
from db.queries.deliveries import Origin
from market import history_formats, history_rows, import_breaks, quality
from market.history_rows import COLUMNS, Rows

RESERVED = "demo"  # the exchange whose candles are simulated
MANY = 10_000  # new rows after which the planner is told about them
KEPT_LINES = 1_000  # of each list in the report of an import
DECIMALS = 12  # the finest tick looked for

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of a file. `stored` are new candles and `changed` of them replaced other values.

    `gaps` and `missing` are of the stored series within the span of the file. `refused_lines` and `replaced_lines`
    are (line number, reason), the latter rows that a later line with other values overruled.
    """

    market_id: int
    stored: int
    changed: int
    unchanged: int
    duplicates: int
    gaps: int
    missing: int
    flagged: int
    first_ms: int | None
    last_ms: int | None
    refused_lines: list[tuple[int, str]]
    replaced_lines: list[tuple[int, str]]
    import_id: int | None = None

    @property
    def refused(self) -> int:
        return len(self.refused_lines)

    @property
    def summary(self) -> str:
        return (
            f"{self.stored} stored, {self.unchanged} unchanged, {self.duplicates} duplicates, "
            f"{self.refused} refused, {self.gaps} gaps ({self.missing} missing)"
        )


def import_file(
    session: Session,
    source: Path | bytes,
    name: MarketName,
    timeframe: str,
    *,
    file_name: str,
    skip_bad: bool = False,
    one_coin: bool = False,
    now: datetime,
    user_id: int | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Store the candles of a CSV, CSV.GZ, ZIP or Parquet file under `name` and write down what came of it.

    Raises BadCandles with every line that is no candle unless `skip_bad`, and Refused for a file that cannot be read or
    that breaks the series (`market.series_breaks`), in itself or beside what is stored, unless it is `one_coin`.
    """
    timeframes.parse(timeframe)
    if name.exchange == RESERVED:
        raise Refused("The exchange name “demo” is kept for simulated candles. Import under another name.")
    tell = progress or (lambda _fraction, _message: None)
    tell(0.0, "Reading the file")
    content = source if isinstance(source, bytes) else _read(source)
    rows = history_formats.read(content, name.base)
    tell(0.3, "Checking the rows")
    good, refused = _judge(rows, timeframe, to_ms(now))
    if refused and not skip_bad:
        raise BadCandles(_refusal(file_name, refused), refused)
    candles, duplicates, replaced = _collapse(good)
    tell(0.6, "Storing the candles")
    report = _store(
        session, name, timeframe, candles, file_name, duplicates=duplicates, refused=refused, replaced=replaced
    )
    import_breaks.judge(session, report.market_id, timeframe, candles, name, one_coin=one_coin, now=now)
    import_id = _record(session, report, timeframe, file_name=file_name, user_id=user_id)
    tell(1.0, report.summary)
    return replace(report, import_id=import_id)


def export_csv(
    session: Session,
    name: MarketName,
    timeframe: str,
    out: TextIO,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> int:
    """Write stored candles as CSV, times in ms UTC, values so that reading them back gives the same numbers.

    Returns how many rows were written; raises NotFound when the market has none at this timeframe.
    """
    timeframes.parse(timeframe)
    market = markets.get(session, name)
    if timeframe not in markets.series_of(session, market.id):
        raise NotFound(f"No {timeframe} candles of {name} are stored. Import them first, or choose another timeframe.")
    candles = stored_candles.read(session, market.id, timeframe, start_ms=start_ms, end_ms=end_ms)
    out.write(",".join(COLUMNS) + "\n")
    columns = [candles.time.astype(str).tolist()]
    columns += [_written(values) for values in (candles.open, candles.high, candles.low, candles.close, candles.volume)]
    out.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))
    return len(candles)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(history_rows.MAX_BYTES + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error


def _judge(rows: Rows, timeframe: str, now_ms: int) -> tuple[Rows, list[tuple[int, str]]]:
    """The rows that are candles, and (line, reason) of those that are none, by line."""
    mask, reasons = quality.check(rows.columns, timeframe, now_ms)
    found = [(int(rows.lines[k]), reason.sentence) for k, reason in reasons.items()]
    refused = [(rows.line(line), reason + rows.file(line)) for line, reason in sorted(rows.unreadable + found)]
    columns = tuple(column[mask] for column in rows.columns)
    return replace(rows, columns=columns, lines=rows.lines[mask], trades=rows.trades[mask], unreadable=[]), refused


def _collapse(rows: Rows) -> tuple[Candles, int, list[tuple[int, str]]]:
    """One candle a time, oldest first: (candles, rows too many, lines that a better, differing line overruled).

    Better is a line with a trade count than one without: a vendor's own later correction. Else it is the later line.
    """
    order = np.lexsort((rows.lines, ~np.isnan(rows.trades), rows.columns[0]))  # of equal times, the best stays last
    time, *values = (column[order] for column in rows.columns)
    lines = rows.lines[order]
    last = np.append(time[1:] != time[:-1], True)[: len(time)]
    winner = np.nonzero(last)[0][np.cumsum(last) - last] if len(time) else np.empty(0, dtype=np.int64)
    differs = np.zeros(len(time), dtype=np.bool_)
    for column in values:
        differs |= column != column[winner]
    replaced = [
        (rows.line(lines[k]), _overruled(rows, int(lines[winner[k]]), int(time[k])) + rows.file(lines[k]))
        for k in sorted(np.nonzero(differs)[0], key=lambda k: lines[k])
    ]
    candles = Candles(time[last].astype(np.int64), *(column[last] for column in values))
    return candles, int(np.count_nonzero(~last)), replaced


def _overruled(rows: Rows, winner: int, time_ms: int) -> str:
    there = f"{rows.line(winner)}{rows.file(winner)}"
    return f"line {there} has other values for {from_ms(time_ms):%Y-%m-%d %H:%M}"


def _store(
    session: Session,
    name: MarketName,
    timeframe: str,
    candles: Candles,
    file_name: str,
    *,
    duplicates: int,
    refused: list[tuple[int, str]],
    replaced: list[tuple[int, str]],
) -> ImportReport:
    if not len(candles):
        raise BadCandles("The file holds no candle that can be stored. Choose another file.", refused)
    market = markets.get_or_create(session, name)
    if market.price_decimals is None:
        market.price_decimals = decimals_of(candles.close)
    flags = quality.wick_flags(candles)
    stored = stored_candles.upsert(session, market.id, timeframe, candles, flags, origin=Origin("import", file_name))
    first, last = int(candles.time[0]), int(candles.time[-1])
    if stored.stored + stored.changed >= MANY:
        stored_candles.analyze(session, timeframe)
    there = stored_candles.read(session, market.id, timeframe, start_ms=first, end_ms=last)
    holes = ohlcv.gaps(there.time, timeframes.parse(timeframe).ms)
    return ImportReport(
        market_id=market.id,
        stored=stored.stored + stored.changed,
        changed=stored.changed,
        unchanged=stored.unchanged,
        duplicates=duplicates,
        gaps=len(holes),
        missing=sum(missing for _, missing in holes),
        flagged=int(np.count_nonzero(flags)),
        first_ms=first,
        last_ms=last,
        refused_lines=refused,
        replaced_lines=replaced,
    )


def _record(session: Session, report: ImportReport, timeframe: str, *, file_name: str, user_id: int | None) -> int:
    words = ("stored", "unchanged", "duplicates", "refused", "gaps", "missing")
    kept: dict[str, Any] = {
        "summary": report.summary,
        "changed": report.changed,
        "flagged": report.flagged,
        "refused": report.refused_lines[:KEPT_LINES],
        "replaced": report.replaced_lines[:KEPT_LINES],
    }
    made = imports.record(
        session,
        market_id=report.market_id,
        timeframe=timeframe,
        user_id=user_id,
        file_name=file_name,
        counts={word: getattr(report, word) for word in words},
        report=kept,
    )
    return made.id


def _refusal(file_name: str, refused: list[tuple[int, str]]) -> str:
    line, reason = refused[0]
    rows = "1 row that is no candle" if len(refused) == 1 else f"{len(refused)} rows that are no candles"
    return f"{file_name} holds {rows}; the first is line {line}: {reason}. Nothing was stored. Mend them, or skip them."


def decimals_of(prices: Floats) -> int:
    """How many decimals the prices are written with, at most DECIMALS."""
    for decimals in range(DECIMALS):
        if np.all(np.abs(np.round(prices, decimals) - prices) <= 1e-13 * np.abs(prices)):
            return decimals
    return DECIMALS


def _written(values: Floats) -> list[str]:
    """The shortest decimals that read back as the same float, never with an exponent."""
    texts = [repr(value) for value in values.tolist()]
    return [np.format_float_positional(float(t), trim="0") if "e" in t else t for t in texts]
