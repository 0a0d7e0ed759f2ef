"""Where one candle came from, and what is said of a place where none is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from callbacks import candle_origin as page
from core.clock import from_ms, to_ms
from core.errors import Refused
from core.market_name import parse
from core.roles import Role
from core.timeframe import TIMEFRAMES
from db.queries import candles, gaps, provenance
from db.queries.deliveries import Origin
from db.tables import CandleDelivery, Market, Series
from layouts.pages import data_quality as layout
from market import history_files
from tests.candle_data import START_MS, store, walk
from tests.fire import fire
from tests.web import SignIn

NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)
HOUR = timedelta(hours=1)
START = from_ms(START_MS)
FRAME = TIMEFRAMES["1h"]
FILE = b"timestamp,open,high,low,close,volume\n1609459200000,1,2,0.5,1.5,3\n1609462800000,1,2,0.5,1.6,3\n"


@pytest.fixture
def holed(session: Session) -> int:
    """300 hours, of which seven are missing from the 50th on."""
    made = walk(300)
    kept = made[(made.time < made.time[50]) | (made.time >= made.time[57])]
    market = store(session, "binance:BTC/USDT", kept, followed=True)
    gaps.note(session, market.id, "1h", gaps.holes(session, market.id, FRAME), now=NOW)
    session.commit()
    return market.id


def ask(client: Any, market: str, at: str, timeframe: str = "1h") -> str:
    state = {"quality-market.value": market, "quality-frame.value": timeframe, "quality-at.value": at}
    return fire(client, {"quality-ask.n_clicks": 1}, state).get_data(as_text=True)


def test_a_candle_tells_its_values_and_who_gave_it(signed_in: SignIn, session: Session, holed: int) -> None:
    shown = ask(signed_in(Role.VIEWER), "binance:BTC/USDT", "2021-01-01 03:20")
    assert "Fri 1 Jan 2021, 03:00 UTC" in shown
    assert f"{walk(4).close[3]:,.2f}" in shown
    assert "Binance, fetched or streamed once it had closed" in shown
    assert "not noted: it was stored before Bolt wrote down how candles come" in shown
    assert "none: it is as it was first stored" in shown
    assert "BTC-USDT?tf=1h" in shown


def test_a_click_in_a_chart_leads_to_its_candle(signed_in: SignIn, holed: int) -> None:
    drawn = str(layout.layout(market="binance/BTC-USDT", tf="1h", at=str(START_MS)))
    assert "binance:BTC/USDT" in drawn
    assert "2021-01-01 00:00" in drawn
    assert drawn.index("quality-origin") < drawn.index("quality-gaps")
    plain = str(layout.layout())
    assert plain.index("quality-gaps") < plain.index("quality-origin")
    assert "Fri 1 Jan 2021, 00:00 UTC" in ask(signed_in(Role.VIEWER), "binance/BTC-USDT", str(START_MS))


def test_a_revision_says_what_the_candle_was_and_who_changed_it(
    signed_in: SignIn, session: Session, holed: int
) -> None:
    made = walk(3)
    made.close[1] = made.high[1]
    candles.upsert(session, holed, "1h", made[1:2], source="binance")
    session.commit()
    shown = ask(signed_in(Role.VIEWER), "binance:BTC/USDT", "2021-01-01T01:00Z")
    assert "Binance, which told it anew" in shown
    assert f"binance: close {walk(3).close[1]:,.2f}" in shown


def test_a_candle_whose_delivery_was_noted_says_how_and_when_it_came(
    signed_in: SignIn, session: Session, holed: int
) -> None:
    asked = datetime(2021, 1, 3, 9, 0, tzinfo=UTC)
    candles.upsert(session, holed, "1h", walk(57)[50:57], origin=Origin("repair", answered_at=asked))
    session.commit()
    shown = ask(signed_in(Role.VIEWER), "binance:BTC/USDT", "2021-01-03 04:00")
    assert "Binance, asked again for a hole" in shown
    assert "Sun 3 Jan 2021, 09:00 UTC" in shown
    assert "Stored" in shown
    assert "not noted" not in shown


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (52, "of 7 candles from 3 Jan 2021, seen 23:41; open, 0 of 3 answers had nothing"),
        (-1, "Before the first stored candle"),
        (400, "After the newest stored candle"),
        (49, ""),
    ],
)
def test_a_place_without_a_candle_says_what_is_known(session: Session, holed: int, hours: int, words: str) -> None:
    opened = START + hours * HOUR
    told = provenance.of_candle(session, holed, FRAME, opened)
    assert page.gap_words(told, opened, now=NOW).startswith(words)
    assert (told.candle is None) is (hours != 49)


def test_confirmed_and_filled_holes_say_so(session: Session, holed: int) -> None:
    opened = START + 50 * HOUR
    for n in range(3):
        gaps.answered(session, gaps.latest(session)[0].gap, now=NOW + n * gaps.APART)
    session.expire_all()
    told = provenance.of_candle(session, holed, FRAME, opened)
    assert "confirmed: its exchange had nothing" in page.gap_words(told, opened, now=NOW)
    gaps.note(session, holed, "1h", {}, now=NOW)
    session.expire_all()
    told = provenance.of_candle(session, holed, FRAME, opened)
    assert "filled 23:41" in page.gap_words(told, opened, now=NOW)
    assert told.fetched


def test_what_only_a_file_can_have_given_is_said(session: Session) -> None:
    history_files.import_file(session, FILE, parse("kraken:BTC/USD"), "1h", file_name="btc.csv", now=NOW)
    market_id = session.query(Series).one().market_id
    told = provenance.of_candle(session, market_id, FRAME, START)
    assert [(row.file_name, row.stored) for row in told.files] == [("btc.csv", 2)]
    assert told.fetched is False
    assert page.source_words(Market(exchange="kraken", simulated=False), told) == (
        "the file btc.csv, which somebody imported"
    )
    session.query(CandleDelivery).delete()
    session.expire_all()
    assert provenance.of_candle(session, market_id, FRAME, START).fetched is False
    session.query(Series).update({"asked_back_to": START})
    session.expire_all()
    assert provenance.of_candle(session, market_id, FRAME, START).fetched is None


@pytest.mark.parametrize(
    ("market", "at", "words"),
    [
        ("binance:NEW/USDT", "2024-05-01", "There is no market binance:NEW/USDT"),
        ("nonsense", "2024-05-01", "is no exchange name"),
        ("binance:BTC/USDT", "soon", "Write a time such as"),
        ("binance:BTC/USDT", "9" * 30, "Write a time such as"),
    ],
)
def test_what_cannot_be_looked_up_is_said(signed_in: SignIn, holed: int, market: str, at: str, words: str) -> None:
    shown = ask(signed_in(Role.VIEWER), market, at)
    assert words in shown or "is no " in shown


def test_nothing_is_shown_while_nothing_was_asked(signed_in: SignIn) -> None:
    assert "kv" not in ask(signed_in(Role.VIEWER), "", "")
    assert "kv" not in ask(signed_in(Role.VIEWER), "binance:BTC/USDT", "2024-05-01", "7h")


@pytest.mark.parametrize("text", ["1609459200000", "2021-01-01", "2021-01-01 00:00", "2021-01-01T01:00+01:00"])
def test_times_are_read_as_people_write_them(text: str) -> None:
    assert page.when(text) == START_MS == to_ms(START)


@pytest.mark.parametrize("text", ["", "-5", "1 Jan", "99999999999999999"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        page.when(text)
