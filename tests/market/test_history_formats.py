"""Archives and the layouts of vendors: read like plain files, or refused in a sentence."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

import db.queries.candles as stored_candles
import db.queries.markets as markets
from core import market_name
from core.clock import from_ms
from core.errors import BadCandles, Refused
from core.ohlcv import Candles
from market import history_files, history_formats, history_rows
from market.history_files import ImportReport
from tests.candles import START_MS, same, walk

BTC = market_name.parse("file:BTC/USDT")
NOW = from_ms(START_MS + 40 * 86_400_000)
HEADER = "timestamp,open,high,low,close,volume"
HOUR = 3_600_000


def lines_of(candles: Candles, scale: float = 1) -> list[str]:
    return [
        ",".join([str(int(time * scale)), *map(repr, values)])
        for time, *values in zip(*(column.tolist() for column in candles.columns()), strict=True)
    ]


def text_of(candles: Candles) -> str:
    return "\n".join([HEADER, *lines_of(candles)])


def packed(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def load(session: Session, content: bytes, **options: object) -> ImportReport:
    return history_files.import_file(session, content, BTC, "1h", file_name="file", now=NOW, **options)  # type: ignore[arg-type]


def there(session: Session) -> Candles:
    return stored_candles.read(session, markets.get(session, BTC).id, "1h")


def test_an_archive_of_several_files_is_one_import(session: Session) -> None:
    candles = walk(60)
    content = packed(
        {"b.csv": text_of(candles[30:]), "a.csv": text_of(candles[:31]), "__MACOSX/a.csv": "junk", "x/": ""}
    )
    assert load(session, content).summary == "60 stored, 0 unchanged, 1 duplicates, 0 refused, 0 gaps (0 missing)"
    assert same(there(session), candles)


def test_a_refused_row_has_the_line_and_the_name_of_its_inner_file(session: Session) -> None:
    good, bad = walk(3), walk(6)[3:]
    text = text_of(bad).replace(repr(float(bad.high[1])), "-1")
    content = packed({"a.csv": text_of(good), "b.csv": text + "\nnonsense"})
    with pytest.raises(BadCandles) as refusal:
        load(session, content)
    assert refusal.value.lines == [
        (3, "a price is zero or negative (b.csv)"),
        (5, "1 columns where 6 are expected (b.csv)"),
    ]
    report = load(session, content, skip_bad=True)
    assert (report.stored, report.refused) == (5, 2)


def test_of_duplicates_in_an_archive_the_last_file_counts(session: Session) -> None:
    candles = walk(2)
    other = text_of(candles).replace(repr(float(candles.volume[0])), "7.5")
    report = load(session, packed({"2020.csv": text_of(candles), "2021.csv": other}))
    assert report.replaced_lines == [(2, "line 2 (2021.csv) has other values for 2020-09-14 00:00 (2020.csv)")]
    assert there(session).volume[0] == 7.5


def test_an_archive_of_one_file_speaks_of_lines_alone(session: Session) -> None:
    with pytest.raises(BadCandles) as refusal:
        load(session, packed({"a.csv": text_of(walk(3)) + "\nnonsense"}))
    assert refusal.value.lines == [(5, "1 columns where 6 are expected")]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "holds no CSV file"),
        ({"__MACOSX/a.csv": ""}, "holds no CSV file"),
        ({"../a.csv": ""}, "outside of itself"),
        ({"/etc/a.csv": ""}, "outside of itself"),
        ({"a/../../b.csv": ""}, "outside of itself"),
        ({"..\\a.csv": ""}, "outside of itself"),
        ({"C:\\a.csv": ""}, "outside of itself"),
        ({"a.csv": HEADER, "run.exe": "MZ"}, "“run.exe”, which is no CSV"),
        ({"a.zip": packed({"b.csv": HEADER})}, "“a.zip”, which is no CSV"),
        ({"a.csv": text_of(walk(1)), "b.csv": "hello"}, "b.csv: Line 1 names no column"),
        ({"a.csv": ""}, "holds no rows"),
    ],
)
def test_archives_that_are_not_opened(files: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        history_formats.read(packed(files))


def test_an_archive_bomb_is_refused_whatever_it_says_of_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_rows, "MAX_BYTES", 1 << 20)
    bomb = packed({"a.csv": b"0" * (32 << 20)})
    small = struct.pack("<I", 1_000)
    real = struct.pack("<I", 32 << 20)
    for content in (bomb, bomb.replace(real, small), packed({f"{k}.csv": b"0" * 400_000 for k in range(4)})):
        with pytest.raises(Refused, match=r"more than 1 MB|damaged"):
            history_formats.read(content)
    monkeypatch.setattr(history_formats, "MOST_FILES", 3)
    with pytest.raises(Refused, match="more than 3 files"):
        history_formats.read(packed({f"{k}.csv": "" for k in range(4)}))


def test_a_damaged_or_locked_archive_is_refused() -> None:
    content = packed({"a.csv": text_of(walk(200))})
    for damaged in (content[:-30], content[:60], content[:300] + bytes(50) + content[350:]):
        with pytest.raises(Refused, match="damaged"):
            history_formats.read(damaged)
    locked = bytearray(content)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(signature) + place] |= 1
    with pytest.raises(Refused, match="password"):
        history_formats.read(bytes(locked))


# Layouts of exchanges and vendors


@pytest.mark.parametrize("scale", [1, 1_000])
@pytest.mark.parametrize(
    "header", ["", "open_time,open,high,low,close,volume,close_time,quote_volume,count,b,q,ignore\n"]
)
def test_bulk_downloads_of_exchanges_are_read(session: Session, scale: int, header: str) -> None:
    candles = walk(5)
    rows = [
        f"{line},{(START_MS + HOUR * (k + 1)) * scale - 1},1.5,7,0.5,0.7,0"
        for k, line in enumerate(lines_of(candles, scale))
    ]
    for content in ((header + "\n".join(rows)).encode(), packed({"BTCUSDT-1h-2020-09.csv": header + "\n".join(rows)})):
        assert load(session, content).refused == 0
    assert same(there(session), candles)


def vendor(*rows: str) -> bytes:
    return "\n".join(
        [
            "https://www.example.org/free-data",
            "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount",
            *rows,
        ]
    ).encode()


def test_a_vendors_layout_is_read(session: Session) -> None:
    content = vendor(
        f"{START_MS + 2 * HOUR},2020-09-14 02:00:00,BTC/USDT,10,12,9,11,5,55,77",
        f"{(START_MS + HOUR) / 1000:.1f},2020-09-14 01-AM,BTC/USDT,9,11,8,10,4,44,NULL",
        f"{START_MS},2020-09-14 00:00:00,BTC/USDT,8,10,7,9,3,33,",
    )
    assert load(session, content).stored == 3
    assert there(session).close.tolist() == [9, 10, 11]
    assert there(session).volume.tolist() == [3, 4, 5]


@pytest.mark.parametrize("counted", [0, 1])
def test_of_differing_duplicates_the_row_with_a_trade_count_wins(session: Session, counted: int) -> None:
    rows = [f"{START_MS},x,BTC/USDT,8,10,7,{close},3,33,NULL" for close in (8, 9)]
    rows[counted] = rows[counted].replace("NULL", "120")
    report = load(session, vendor(*rows))
    assert there(session).close.tolist() == [8 + counted]
    assert [line for line, _ in report.replaced_lines] == [4 - counted]


def test_of_duplicates_without_trade_counts_the_last_wins(session: Session) -> None:
    load(session, vendor(*(f"{START_MS},x,BTC/USDT,8,10,7,{close},3,33,NULL" for close in (8, 9, 7.5))))
    assert there(session).close.tolist() == [7.5]


def test_a_refused_row_below_a_banner_has_its_line_in_the_file(session: Session) -> None:
    with pytest.raises(BadCandles) as refusal:
        load(
            session, vendor(f"{START_MS},x,BTC/USDT,8,10,7,9,3,33,1", f"{START_MS + HOUR},x,BTC/USDT,8,10,7,99,3,33,1")
        )
    assert [line for line, _ in refusal.value.lines] == [4]


def test_a_bad_first_row_is_no_banner() -> None:
    with pytest.raises(Refused, match="Line 1 names no column"):
        history_rows.read("\n".join(["1,2,x", *lines_of(walk(3))]))


def test_hours_of_a_vendor_in_twelves() -> None:
    rows = history_rows.read("Date,Open,High,Low,Close,Volume\n2020-09-14 12-AM,1,1,1,1,1\n2020-09-14 01-PM,1,1,1,1,1")
    assert rows.columns[0].tolist() == [START_MS, START_MS + 13 * HOUR]


def test_plain_and_packed_text_are_still_read() -> None:
    text = text_of(walk(3)).encode()
    for content in (text, gzip.compress(text)):
        assert len(history_formats.read(content).lines) == 3


# Real files


@pytest.mark.shared
def test_the_vendors_counted_rows_are_the_exchanges_candles(session: Session, shared: Path) -> None:
    """2,649 hours stand twice, 1,442 with other prices: the row with a trade count is what the exchange says."""
    raw = (shared / "data" / "nasty_cdd_binance_BTCUSDT-1h_raw_2020_dups.csv.gz").read_bytes()
    report = history_files.import_file(session, raw, BTC, "1h", file_name="raw", now=from_ms(1_700_000_000_000))
    assert report.summary == "2951 stored, 0 unchanged, 2649 duplicates, 0 refused, 0 gaps (0 missing)"
    real = (shared / "data" / "binance_BTC_USDT-1h_2017-2021.csv.gz").read_bytes()
    exchange = history_rows.read(history_rows.unpack(real))
    mine = there(session)
    at = np.searchsorted(exchange.columns[0], mine.time)
    agree = np.isclose(exchange.columns[4][at], mine.close, rtol=1e-9)
    assert agree.mean() > 0.99


@pytest.mark.shared
def test_a_vendors_first_year_has_a_wick_that_is_flagged(session: Session, shared: Path) -> None:
    raw = (shared / "data" / "nasty_cdd_binance_BTCUSDT-1h_raw_2017-2018.csv.gz").read_bytes()
    report = history_files.import_file(session, raw, BTC, "1h", file_name="raw", now=from_ms(1_700_000_000_000))
    assert report.summary == "9000 stored, 0 unchanged, 0 duplicates, 0 refused, 1 gaps (4 missing)"
    assert report.flagged >= 1
