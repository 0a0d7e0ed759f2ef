"""Rows of files: every plain layout is read, everything else has a line number and a reason."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from market import history_rows
from tests.candles import START_MS

ROW = f"{START_MS},10,12,9,11,5"
HEADER = "timestamp,open,high,low,close,volume"


def first(text: str, base: str = "") -> list[float]:
    rows = history_rows.read(text, base)
    assert rows.unreadable == []
    return [float(column[0]) for column in rows.columns]


@pytest.mark.parametrize(
    "text",
    [
        ROW,
        f"{HEADER}\n{ROW}\n",
        f"{HEADER.upper()}\n{ROW}\n\n\n",
        f"volume,Close,LOW,high,open,Timestamp\n5,11,9,12,10,{START_MS}",
        f"{HEADER},trades\n{ROW},77",
        f"{HEADER},note\n{ROW},fine",
        f"{HEADER}\n{START_MS // 1000},10,12,9,11,5",
        f"{HEADER}\n{START_MS * 1000},10,12,9,11,5",
        f"{HEADER}\n{START_MS / 1000:.1f},1e1,12.0,9.,11,5",
        "date,open,high,low,close,volume\n2020-09-14 00:00:00,10,12,9,11,5",
        "time,open,high,low,close,volume\n2020-09-14T00:00:00Z,10,12,9,11,5",
        "2020-09-14T02:00:00+02:00,10,12,9,11,5",
        "2020-09-14,10,12,9,11,5",
        f'{HEADER}\n"{START_MS}","10","12","9","11","5"',
        f"{HEADER}\n{ROW}".replace(",", ";"),
        f"{HEADER}\n{ROW}".replace(",", "\t"),
    ],
)
def test_every_plain_layout_is_read(text: str) -> None:
    assert first(text) == [START_MS, 10, 12, 9, 11, 5]


def test_volume_in_the_base_currency_is_the_volume() -> None:
    text = f"unix,date,symbol,open,high,low,close,Volume USDT,Volume BTC\n{START_MS},x,BTC/USDT,10,12,9,11,55,5"
    assert first(text, "BTC") == [START_MS, 10, 12, 9, 11, 5]


def test_units_are_told_row_by_row() -> None:
    rows = history_rows.read(f"{HEADER}\n{START_MS},1,1,1,1,1\n{START_MS // 1000 + 3600},1,1,1,1,1")
    assert rows.columns[0].tolist() == [START_MS, START_MS + 3_600_000]
    assert rows.lines.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", None),
        ("1,2,3", "3 columns where 6 are expected"),
        (ROW + ",7", "7 columns where 6 are expected"),
        (ROW.replace("12", "x12"), "“x12” in high is no number"),
        (ROW.replace("12", ""), "“” in high is no number"),
        (ROW.replace("12", "1_2"), "“1_2” in high is no number"),
        ("yesterday,10,12,9,11,5", "“yesterday” is no time"),
        (ROW.replace("12", "9" * 10 + "x" * 500), "…” in high"),
    ],
)
def test_a_bad_line_has_its_number_and_reason(line: str, reason: str | None) -> None:
    rows = history_rows.read(f"{HEADER}\n{ROW}\n{line}\n{ROW}")
    assert rows.lines.tolist() == [2, 4]
    assert [number for number, _ in rows.unreadable] == ([3] if reason else [])
    assert all(reason in found and len(found) < 120 for _, found in rows.unreadable if reason)


def test_numbers_that_are_none_are_left_to_the_judge() -> None:
    rows = history_rows.read(f"{HEADER}\n{START_MS},nan,inf,1e999,-1,0\n{ROW}")
    assert len(rows.lines) == 2
    assert np.isnan(rows.columns[1][0])
    assert np.isinf(rows.columns[3][0])


@given(st.lists(st.floats(1e-12, 1e12), min_size=5, max_size=5), st.booleans())
def test_both_ways_of_reading_agree(values: list[float], slow: bool) -> None:
    row = ",".join([str(START_MS), *map(repr, values)])
    assert first(f"{HEADER}\n{row}\n" + (f"\n{row}" if slow else row)) == [START_MS, *values]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no rows"),
        ("\n\n", "no rows"),
        ("hello", "no column “timestamp”"),
        ("timestamp,open,high,low,close\n1,2,3,4,5", "no column “volume”"),
        (ROW + ",7,8", "no column “timestamp”"),
        ("<html><body>404</body></html>", "no column “timestamp”"),
    ],
)
def test_what_is_no_table_of_candles_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        history_rows.read(text)


def test_a_header_alone_holds_no_rows() -> None:
    assert len(history_rows.read(HEADER).lines) == 0


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_text_is_unpacked_whatever_its_line_ends(ending: str, bom: str) -> None:
    packed = gzip.compress((bom + HEADER + ending + ROW + ending).encode())
    assert history_rows.unpack(packed) == f"{HEADER}\n{ROW}\n"


def test_a_damaged_archive_is_refused() -> None:
    packed = gzip.compress((ROW * 1_000).encode())
    for damaged in (packed[:-20], packed[:30], packed[:12] + b"\x00" * 20 + packed[32:]):
        with pytest.raises(Refused, match="damaged or cut off"):
            history_rows.unpack(damaged)


def test_a_bomb_is_refused_without_being_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_rows, "MAX_BYTES", 1 << 20)
    with pytest.raises(Refused, match="more than 1 MB"):
        history_rows.unpack(gzip.compress(b"0" * (64 << 20)))
    with pytest.raises(Refused, match="more than 1 MB"):
        history_rows.unpack(b"0" * ((1 << 20) + 1))


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00\x00", HEADER.encode("utf-16"), bytes(range(256))])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="no text in UTF-8"):
        history_rows.unpack(content)


def test_a_line_in_another_encoding_is_a_bad_line() -> None:
    rows = history_rows.read(history_rows.unpack(f"{HEADER}\n{ROW}\n".encode() + "1é,2,3,4,5,6".encode("latin-1")))
    assert rows.lines.tolist() == [2]
    assert [number for number, _ in rows.unreadable] == [3]


@pytest.mark.parametrize("name", ["unix", "Unix Timestamp", "Open time", "open_time", "DATE"])
def test_times_are_found_under_the_names_vendors_give_them(name: str) -> None:
    assert first(f"{name},open,high,low,close,volume\n{ROW}") == [START_MS, 10, 12, 9, 11, 5]


@pytest.mark.parametrize("name", ["tradecount", "Trade Count", "trades", "count"])
def test_trade_counts_are_read_and_what_is_none_is_nan(name: str) -> None:
    quick = history_rows.read(f"{HEADER},{name}\n{ROW},7\n{ROW},8")
    slow = history_rows.read(f"{HEADER},{name}\n{ROW},7\n{ROW},NULL\n{ROW},")
    assert quick.trades.tolist() == [7, 8]
    assert slow.trades[0] == 7
    assert np.isnan(slow.trades[1:]).all()
