"""Parquet files: read like plain ones whatever their times are, or refused in a sentence."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy.orm import Session

import db.queries.candles as stored_candles
import db.queries.markets as markets
from core import market_name
from core.clock import from_ms
from core.errors import BadCandles, Refused
from core.ohlcv import Candles
from market import history_files, history_formats
from market.history_files import ImportReport
from tests.candles import START_MS, same, walk

BTC = market_name.parse("file:BTC/USDT")
NOW = from_ms(START_MS + 40 * 86_400_000)
HOUR = 3_600_000
ROOT = Path(__file__).parents[2]


def load(session: Session, content: bytes, **options: object) -> ImportReport:
    return history_files.import_file(session, content, BTC, "1h", file_name="file", now=NOW, **options)  # type: ignore[arg-type]


def there(session: Session) -> Candles:
    return stored_candles.read(session, markets.get(session, BTC).id, "1h")


def parquet(candles: Candles, time: pa.Array | None = None, **more: object) -> bytes:
    columns = {"Timestamp": candles.time if time is None else time}
    columns |= {name: getattr(candles, name) for name in ("open", "high", "low", "close", "volume")} | more
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_parquet_is_read_whatever_its_times_are(session: Session) -> None:
    candles = walk(30)
    ms = pa.array(candles.time)
    times = [
        None,
        pa.array(candles.time // 1_000),
        pa.array(candles.time * 1_000),
        pa.array(candles.time / 1_000),
        ms.cast(pa.timestamp("ms")),
        pa.array(candles.time * 1_000_000).cast(pa.timestamp("ns", tz="UTC")),
        pa.array(candles.time * 1_000).cast(pa.timestamp("us", tz="Europe/Berlin")),
        pa.array([from_ms(int(time)).isoformat() for time in candles.time]),
    ]
    reports = [load(session, parquet(candles, time, note=["x"] * 30)) for time in times]
    assert [report.stored for report in reports] == [30] + [0] * 7
    assert [report.unchanged for report in reports] == [0] + [30] * 7
    assert same(there(session), candles)


def test_bad_rows_of_parquet_have_their_number(session: Session) -> None:
    candles = walk(4)
    candles.high[1], candles.volume[2] = np.nan, -1
    with pytest.raises(BadCandles) as refusal:
        load(session, parquet(candles))
    assert refusal.value.lines == [(2, "a value is missing or no finite number"), (3, "the volume is negative")]


def test_missing_values_of_parquet_are_no_numbers(session: Session) -> None:
    candles = walk(3)
    holed = parquet(candles, pa.array([START_MS, None, START_MS + 2 * HOUR]))
    assert load(session, holed, skip_bad=True).refused == 1
    assert np.isnan(history_formats.read(parquet(candles, volume=["1", None, "x"])).columns[5][1:]).all()
    assert np.isnan(history_formats.read(parquet(candles, volume=[True, False, True])).columns[5]).all()


def test_parquet_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = parquet(walk(30))
    for damaged in (content[:-20], content[:40], b"PAR1" + bytes(100) + b"PAR1"):
        with pytest.raises(Refused, match="damaged"):
            history_formats.read(damaged)
    out = io.BytesIO()
    pq.write_table(pa.table({"timestamp": [1], "open": [1.0]}), out)
    with pytest.raises(Refused, match="no column “high”"):
        history_formats.read(out.getvalue())
    with pytest.raises(Refused, match="a column twice"):
        history_formats.read(parquet(walk(1), OPEN=[1.0]))
    monkeypatch.setattr("market.history_parquet.MOST_ROWS", 20)
    with pytest.raises(Refused, match="more than 20 rows"):
        history_formats.read(content)


def test_trade_counts_of_parquet_decide_between_duplicates(session: Session) -> None:
    twice = walk(1)[np.array([0, 0, 0])]
    twice.volume[:] = [1, 2, 3]
    report = load(session, parquet(twice, Trades=pa.array([None, 9, None])))
    assert there(session).volume.tolist() == [2]
    assert [line for line, _ in report.replaced_lines] == [1, 3]


def test_text_is_read_without_loading_pyarrow() -> None:
    program = (
        "import sys; from market import history_formats; history_formats.read(b'1600041600000,1,1,1,1,1');"
        "assert 'pyarrow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
