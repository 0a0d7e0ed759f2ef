"""`import-candles`, `export-candles`."""

import argparse
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import market_name
from core.clock import to_ms, utc_now
from core.errors import BadCandles, BoltError, Refused
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add


def register(add: Add) -> None:
    load = add("import-candles", import_candles, "Store the candles of CSV, CSV.GZ, ZIP or Parquet files.")
    load.add_argument("files", nargs="+", type=Path, metavar="FILE")
    load.add_argument("--skip-bad", action="store_true", help="store the rest of a file that holds bad rows")
    load.add_argument("--one-coin", action="store_true", help="the same coin on both sides of a long hole and a jump")
    save = add("export-candles", export_candles, "Write stored candles as CSV, ms UTC, values as stored.")
    save.add_argument("file", type=Path, metavar="FILE")
    save.add_argument("--start", type=_moment, metavar="TIME", help="first open time: 2024-01-31, ISO 8601 or ms")
    save.add_argument("--end", type=_moment, metavar="TIME", help="open times before this one")
    for command in (load, save):
        command.add_argument("--exchange", required=True)
        command.add_argument("--symbol", required=True, help="such as BTC/USDT")
        command.add_argument("--timeframe", required=True, help="1m 5m 15m 1h 4h 1d 1w")


def _moment(text: str) -> int:
    """Milliseconds since 1970 UTC from a number of them, a date or an ISO 8601 time (UTC where no zone stands)."""
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is no time; write 2024-01-31 or 2024-01-31T12:00") from None
    return to_ms(read if read.tzinfo else read.replace(tzinfo=UTC))


def import_candles(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Each file is a transaction of its own; the exit code is 1 when one of them was refused."""
    name = market_name.make(asked.exchange, asked.symbol)
    documents, failed = [], []
    with attached(settings, output):
        for path in asked.files:
            try:
                documents.append(_import_one(path, name, asked, output))
            except BoltError as error:
                failed.append(error)
                _note_refusal(path, name, asked.timeframe, error)
                documents.append(_refusal(path, error, output))
    output.result(
        documents[0] if len(documents) == 1 else documents, [d["summary"] for d in documents if "summary" in d]
    )
    return failed[0].exit_code if failed else 0


def _import_one(path: Path, name: market_name.MarketName, asked: argparse.Namespace, output: Output) -> dict[str, Any]:
    import db.engine
    from db.queries import audit
    from market import history_files

    with db.engine.session() as session:
        report = history_files.import_file(
            session,
            path,
            name,
            asked.timeframe,
            file_name=path.name,
            skip_bad=asked.skip_bad,
            one_coin=asked.one_coin,
            now=utc_now(),
        )
        what = f"{name} {asked.timeframe}"
        audit.by_command(session, "candles_imported", what, file=path.name, summary=report.summary)
    for number, reason in [*report.refused_lines, *report.replaced_lines]:
        output.note(f"line {number}: {reason}")
    return {"file": str(path), **asdict(report), "refused": report.refused, "summary": report.summary}


def _note_refusal(path: Path, name: market_name.MarketName, timeframe: str, error: BoltError) -> None:
    """In a transaction of its own: that of the import is undone."""
    import db.engine
    from db.queries import audit

    with db.engine.session() as session:
        what = f"{name} {timeframe}"
        audit.by_command(session, "candles_imported", what, result="failed", file=path.name, reason=error.sentence)


def _refusal(path: Path, error: BoltError, output: Output) -> dict[str, Any]:
    lines = error.lines if isinstance(error, BadCandles) else []
    for number, reason in lines:
        output.note(f"line {number}: {reason}")
    output.note(error.sentence)
    return {"file": str(path), "error": error.sentence, "refused_lines": lines}


def export_candles(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """The file appears whole or not at all."""
    import db.engine
    from db.queries import audit
    from market import history_files

    name = market_name.make(asked.exchange, asked.symbol)
    draft = asked.file.with_name(f".{asked.file.name}.{os.getpid()}")
    try:
        with (
            attached(settings, output),
            db.engine.session() as session,
            draft.open("w", encoding="utf-8", newline="") as file,
        ):
            rows = history_files.export_csv(
                session, name, asked.timeframe, file, start_ms=asked.start, end_ms=asked.end
            )
            what = f"{name} {asked.timeframe}"
            audit.by_command(session, "candles_exported", what, file=str(asked.file), rows=rows)
        draft.replace(asked.file)
    except OSError as error:
        raise Refused(f"{asked.file} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    output.result({"file": str(asked.file), "rows": rows}, [f"{rows} candles of {name} written to {asked.file}."])
    return 0
