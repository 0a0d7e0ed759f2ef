"""Files in and out: whole or not at all, every refused line named, the same file twice stores nothing."""

import gzip
import io
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import db.queries.candles as stored
import db.queries.imports as imports
import db.queries.markets as markets
from core import market_name
from core.clock import from_ms
from core.errors import BadCandles, NotFound, Refused
from core.ohlcv import Candles
from market import history_files
from market.history_files import ImportReport
from tests.candles import START_MS, same, walk

BTC = market_name.parse("binance:BTC/USDT")
NOW = datetime(2025, 1, 1, tzinfo=UTC)
HEADER = "timestamp,open,high,low,close,volume"


def lines_of(candles: Candles) -> list[str]:
    return [",".join(map(repr, row)) for row in zip(*(c.tolist() for c in candles.columns()), strict=True)]


def text_of(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines]).encode()


def load(session: Session, content: bytes | Path, **options: object) -> ImportReport:
    values: dict[str, object] = {"file_name": "btc.csv", "now": NOW} | options
    return history_files.import_file(session, content, BTC, "1h", **values)  # type: ignore[arg-type]


def there(session: Session) -> Candles:
    return stored.read(session, markets.get(session, BTC).id, "1h")


def test_a_file_is_stored_and_written_down(session: Session) -> None:
    holed = walk(100)[np.r_[0:40, 43:60, 61:100]]
    report = load(session, text_of(*lines_of(holed)))
    assert report.summary == "96 stored, 0 unchanged, 0 duplicates, 0 refused, 2 gaps (4 missing)"
    assert same(there(session), holed)
    (row,) = imports.latest(session, market_id=report.market_id)
    assert (row.file_name, row.stored, row.gaps, row.missing, row.timeframe) == ("btc.csv", 96, 2, 4, "1h")
    assert row.report["summary"] == report.summary


def test_the_same_file_again_stores_nothing(session: Session) -> None:
    content = text_of(*lines_of(walk(50)))
    load(session, content)
    assert load(session, content).summary == "0 stored, 50 unchanged, 0 duplicates, 0 refused, 0 gaps (0 missing)"
    assert len(imports.latest(session)) == 2


def test_the_order_of_rows_does_not_matter(session: Session) -> None:
    lines = lines_of(walk(60))
    random.Random(5).shuffle(lines)
    load(session, text_of(*lines))
    assert same(there(session), walk(60))


def test_packed_files_and_files_on_disk_are_read(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "btc.csv.gz"
    path.write_bytes(gzip.compress(text_of(*lines_of(walk(20)))))
    assert load(session, path).stored == 20
    with pytest.raises(Refused, match="cannot be read"):
        load(session, tmp_path / "missing.csv")


def test_one_bad_row_refuses_the_whole_file_and_names_every_line(session: Session) -> None:
    lines = lines_of(walk(10))
    lines[2] = "x" + lines[2]
    lines[5] = f"{START_MS + 5 * 3_600_000},10,9,8,10,1"
    lines[7] = f"{START_MS + 1},10,12,9,11,1"
    with pytest.raises(BadCandles, match="3 rows that are no candles; the first is line 4") as caught:
        load(session, text_of(*lines))
    assert [line for line, _ in caught.value.lines] == [4, 7, 9]
    assert [reason for _, reason in caught.value.lines[1:]] == [
        "open, high, low and close contradict each other",
        "the time is off the grid of the timeframe",
    ]
    with pytest.raises(NotFound):
        markets.get(session, BTC)
    assert imports.latest(session) == []


def test_bad_rows_can_be_skipped(session: Session) -> None:
    lines = lines_of(walk(10))
    lines[3] = lines[3].replace(",", ",-", 1)
    report = load(session, text_of(*lines), skip_bad=True)
    assert report.summary == "9 stored, 0 unchanged, 0 duplicates, 1 refused, 1 gaps (1 missing)"
    assert report.refused_lines == [(5, "a price is zero or negative")]
    (row,) = imports.latest(session)
    assert row.report["refused"] == [[5, "a price is zero or negative"]]


def test_a_candle_that_has_not_closed_is_refused(session: Session) -> None:
    now = from_ms(START_MS + 9 * 3_600_000 + 1)
    with pytest.raises(BadCandles) as caught:
        load(session, text_of(*lines_of(walk(11))), now=now)
    assert caught.value.lines == [(11, "the candle had not closed yet"), (12, "the time is in the future")]


def test_of_duplicates_the_last_counts_and_differing_ones_are_listed(session: Session) -> None:
    candles = walk(4)
    revised = lines_of(replace(candles, volume=candles.volume + 1))
    lines = lines_of(candles)
    report = load(session, text_of(revised[1], *lines, lines[0], revised[2]))
    assert report.summary == "4 stored, 0 unchanged, 3 duplicates, 0 refused, 0 gaps (0 missing)"
    assert [line for line, _ in report.replaced_lines] == [2, 5]
    assert report.replaced_lines[0][1] == "line 4 has other values for 2020-09-14 01:00"
    assert there(session).volume.tolist() == [*(candles.volume + np.array([0, 0, 1, 0]))]


def test_differing_values_replace_stored_ones(session: Session) -> None:
    load(session, text_of(*lines_of(walk(10))))
    revised = replace(walk(10), volume=np.where(np.arange(10) < 3, 1.0, walk(10).volume))
    report = load(session, text_of(*lines_of(revised)))
    assert (report.stored, report.changed, report.unchanged) == (3, 3, 7)
    assert same(there(session), revised)


def test_gaps_that_another_file_fills_are_none(session: Session) -> None:
    load(session, text_of(*lines_of(walk(30)[10:20])))
    report = load(session, text_of(*lines_of(walk(30)[np.r_[0:12, 18:30]])))
    assert (report.gaps, report.missing) == (0, 0)


def test_a_huge_wick_is_stored_and_flagged(session: Session) -> None:
    candles = walk(200)
    high = candles.high.copy()
    high[100] *= 4
    report = load(session, text_of(*lines_of(replace(candles, high=high))))
    assert report.flagged == 1
    assert markets.series_of(session, report.market_id)["1h"].flagged == 1
    assert there(session).high[100] == high[100]


def test_the_name_of_the_demo_exchange_is_kept_for_simulated_candles(session: Session) -> None:
    with pytest.raises(Refused, match="simulated"):
        history_files.import_file(
            session,
            text_of(*lines_of(walk(3))),
            market_name.parse("demo:BTC/USDT"),
            "1h",
            file_name="x",
            now=NOW,
        )


@pytest.mark.parametrize("content", [b"", HEADER.encode(), b"PK\x03\x04\x00", b"\x1f\x8b\x08rubbish", b"<html>"])
def test_a_file_without_candles_is_refused_in_a_sentence(session: Session, content: bytes) -> None:
    with pytest.raises(Refused) as caught:
        load(session, content, skip_bad=True)
    assert caught.value.sentence.endswith(".")


def test_progress_is_told_from_start_to_end(session: Session) -> None:
    told: list[float] = []
    load(session, text_of(*lines_of(walk(5))), progress=lambda fraction, _message: told.append(fraction))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_an_import_learns_how_prices_are_written(session: Session) -> None:
    candles = walk(20)
    rounded = Candles(
        candles.time,
        *(np.round(c, 3) for c in (candles.open, candles.high, candles.low, candles.close, candles.volume)),
    )  # type: ignore[arg-type]
    report = load(session, text_of(*lines_of(rounded)))
    assert markets.by_id(session, report.market_id).price_decimals == 3


@pytest.mark.parametrize(("prices", "decimals"), [([5.0, 7.0], 0), ([0.1, 0.25], 2), ([1.2e-7], 8), ([1 / 3], 12)])
def test_decimals_are_those_the_prices_need(prices: list[float], decimals: int) -> None:
    assert history_files.decimals_of(np.array(prices)) == decimals


def test_what_is_exported_imports_as_equal(session: Session) -> None:
    tiny = walk(30)
    small = Candles(tiny.time, *(c * 1e-9 for c in (tiny.open, tiny.high, tiny.low, tiny.close)), tiny.volume * 1e15)
    load(session, text_of(*lines_of(small)))
    out = io.StringIO()
    assert history_files.export_csv(session, BTC, "1h", out) == 30
    assert "e" not in out.getvalue().partition("\n")[2]
    assert load(session, out.getvalue().encode()).summary.startswith("0 stored, 30 unchanged")


def test_an_export_has_the_columns_the_span_and_the_values_as_stored(session: Session) -> None:
    load(session, text_of(f"{START_MS},10,12.5,9,11,5", *lines_of(walk(10)[1:])))
    out = io.StringIO()
    assert history_files.export_csv(session, BTC, "1h", out, end_ms=START_MS + 3_600_000) == 2
    assert out.getvalue().splitlines()[:2] == [HEADER, f"{START_MS},10.0,12.5,9.0,11.0,5.0"]


def test_an_export_of_nothing_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        history_files.export_csv(session, BTC, "1h", io.StringIO())
    load(session, text_of(*lines_of(walk(3))))
    with pytest.raises(NotFound, match="No 1d candles"):
        history_files.export_csv(session, BTC, "1d", io.StringIO())


@pytest.mark.shared
def test_the_real_hourly_bitcoin_file(session: Session, shared: Path) -> None:
    path = shared / "data" / "binance_BTC_USDT-1h_2017-2021.csv.gz"
    report = load(session, path)
    assert report.summary == "38221 stored, 0 unchanged, 0 duplicates, 0 refused, 27 gaps (127 missing)"
    assert load(session, path).summary == "0 stored, 38221 unchanged, 0 duplicates, 0 refused, 27 gaps (127 missing)"
    row = markets.series_of(session, report.market_id)["1h"]
    assert (row.rows, row.gaps, row.missing) == (38_221, 27, 127)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "summary", "replaced"),
    [
        ("raw_2017-2018", "9000 stored, 0 unchanged, 0 duplicates, 0 refused, 1 gaps (4 missing)", False),
        ("raw_2020_dups", "2951 stored, 0 unchanged, 2649 duplicates, 0 refused, 0 gaps (0 missing)", True),
    ],
)
def test_a_vendors_raw_file(session: Session, shared: Path, file: str, summary: str, replaced: bool) -> None:
    report = load(session, shared / "data" / f"nasty_cdd_binance_BTCUSDT-1h_{file}.csv.gz")
    assert report.summary == summary
    assert bool(report.replaced_lines) == replaced


@pytest.mark.shared
def test_days_built_of_real_hours_are_the_exchanges_days(session: Session, shared: Path) -> None:
    from market import candles as market_candles

    report = load(session, shared / "data" / "binance_BTC_USDT-1h_2017-2021.csv.gz")
    built = market_candles.series(session, report.market_id, "1d")
    days = np.loadtxt(shared / "data" / "binance_BTC_USDT-1d_2017-2021.csv.gz", delimiter=",", skiprows=1)
    assert built.time.tolist() == days[:, 0].astype(int).tolist()
    for k, name in enumerate(("high", "low", "close"), start=2):
        assert np.mean(getattr(built, name) == days[:, k]) > 0.99


def test_the_planner_learns_of_a_large_import(session: Session) -> None:
    candles = walk(history_files.MANY, "5m")
    content = text_of(*lines_of(candles))
    history_files.import_file(
        session, content, BTC, "5m", file_name="candles.csv", now=from_ms(int(candles.time[-1]) + 300_000)
    )
    known = session.execute(text("SELECT reltuples FROM pg_class WHERE relname = 'candles_5m'")).scalar_one()
    assert known >= history_files.MANY
