"""A file never joins two coins in silence: neither in itself, nor with what is stored before or behind it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.market_name import parse
from core.ohlcv import Candles
from db.queries import breaks, candles, markets
from market import history_files
from market.import_breaks import BrokenSeries
from tests.candle_data import store
from tests.market.test_series_breaks import apart

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = parse("binance:LUNA/USDT")


def csv(made: Candles) -> bytes:
    rows = zip(*(column.tolist() for column in made.columns()), strict=True)
    return "\n".join(["timestamp,open,high,low,close,volume", *(",".join(map(repr, row)) for row in rows)]).encode()


def load(session: Session, made: Candles, one_coin: bool = False) -> history_files.ImportReport:
    return history_files.import_file(session, csv(made), NAME, "1h", file_name="luna.csv", one_coin=one_coin, now=NOW)


def test_a_file_with_two_coins_is_refused_and_says_where(session: Session) -> None:
    with pytest.raises(BrokenSeries, match=r"until 2021-01-05.*from 2021-01-23.*LUNA\.2021/USDT"):
        load(session, apart(18, 100.0))


@pytest.mark.parametrize("stored", [slice(0, 100), slice(100, 200)], ids=["behind", "before"])
def test_a_file_beside_a_stored_series_of_another_coin_is_refused(session: Session, stored: slice) -> None:
    made = apart(18, 0.01)
    store(session, str(NAME), made[stored])
    with pytest.raises(BrokenSeries):
        load(session, made[slice(100, 200) if stored.start == 0 else slice(0, 100)])
    session.rollback()
    market = markets.get(session, NAME)
    assert len(candles.read(session, market.id, "1h")) == 100


def test_one_coin_is_believed_and_written_down(session: Session) -> None:
    made = apart(18, 100.0)
    report = load(session, made, one_coin=True)
    assert report.stored == 200
    assert [row.found.state for row in breaks.latest(session)] == ["joined"]
    assert load(session, made).unchanged == 200


def test_a_break_that_is_stored_already_stops_no_file_elsewhere(session: Session) -> None:
    made = apart(18, 100.0)
    store(session, str(NAME), made[20:])
    assert load(session, made[:20]).stored == 20


@pytest.mark.parametrize(("days", "ratio"), [(18, 2.0), (3, 100.0)])
def test_a_hole_or_a_jump_alone_is_imported(session: Session, days: float, ratio: float) -> None:
    assert load(session, apart(days, ratio)).stored == 200


@pytest.mark.shared
@pytest.mark.parametrize(
    "file",
    [
        "nasty_binance_BTC_USDT-1h_2018-02_outage",
        "nasty_binance_FTT_USDT-1h_2019-12_2020-02",
        "nasty_binance_UST_USDT-1h_2022_depeg",
        "nasty_cdd_binance_BTCUSDT-1h_raw_2017-2018",
    ],
)
def test_real_files_with_outages_crashes_and_depegs_are_imported(session: Session, shared: Path, file: str) -> None:
    path = shared / "data" / f"{file}.csv.gz"
    report = history_files.import_file(session, path, parse("binance:BTC/USDT"), "1h", file_name=file, now=NOW)
    assert report.stored > 400
