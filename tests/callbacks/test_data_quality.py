"""The Data quality page on a real database: gaps, revisions, refused rows, and what is late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from callbacks import data_quality as page
from core.clock import from_ms
from core.jobs import IMPORT_FILE
from core.market_name import parse
from core.roles import Role
from core.timeframe import TIMEFRAMES
from db.queries import candles, gaps, jobs, refusals, refused_rows
from db.tables import SourceHealth, User
from layouts.pages import data_quality as layout
from market import history_files
from tests.candle_data import START_MS, store, walk
from tests.fire import fire
from tests.web import SignIn

NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST = from_ms(START_MS) + 50 * HOUR
TICK = {"quality-tick.n_intervals": 0}
BAD = b"timestamp,open,high,low,close,volume\n1609459200000,1,2,0.5,1.5,3\n1609462800000,x,2,0.5,1.5,3\n"


def drawn(client: Any, part: str) -> str:
    answer = fire(client, TICK, output="quality-headline")
    return str(answer.get_json()["response"][f"quality-{part}"]["children"])


@pytest.fixture
def holed(session: Session) -> int:
    made = walk(300)
    market = store(
        session, "binance:BTC/USDT", made[(made.time < made.time[50]) | (made.time >= made.time[57])], followed=True
    )
    gaps.note(session, market.id, "1h", gaps.holes(session, market.id, TIMEFRAMES["1h"]), now=NOW)
    session.commit()
    return market.id


def test_the_page_opens_without_arguments() -> None:
    assert "quality-gaps" in str(layout.layout())


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("headline", "No open gap"),
        ("gaps", "Follow a market on the Markets page"),
        ("revisions", "No candle was revised"),
        ("refused", "Import files on the"),
        ("latency", "No market is followed. Follow one"),
    ],
)
def test_an_empty_desk_says_what_to_do(signed_in: SignIn, part: str, words: str) -> None:
    assert words in drawn(signed_in(Role.VIEWER), part)


def test_a_gap_opens_the_chart_where_it_is(signed_in: SignIn, session: Session, holed: int) -> None:
    (hole,) = page.holes(session)
    assert (hole.first, hole.count, hole.state) == (FIRST, 7, "open")
    assert hole.href == "/charts/binance/BTC-USDT?tf=1h&from=2020-12-29T22:00&to=2021-01-07T13:00"
    client = signed_in(Role.VIEWER)
    shown = drawn(client, "gaps")
    assert hole.href in shown
    assert "7 candles" in shown
    assert "1 open gap" in drawn(client, "headline")


def test_open_confirmed_and_filled_gaps_differ_in_words(signed_in: SignIn, session: Session, holed: int) -> None:
    for n in range(3):
        gaps.answered(session, gaps.latest(session)[0].gap, now=NOW + n * gaps.APART)
    session.commit()
    client = signed_in(Role.VIEWER)
    assert "'confirmed'" in drawn(client, "gaps")
    assert "1 confirmed by their exchanges" in str(layout.summary(0, 1, 0))
    gaps.note(session, holed, "1h", {}, now=NOW)
    session.commit()
    assert "'filled'" in drawn(client, "gaps")


def test_a_revision_shows_what_the_candle_was(signed_in: SignIn, session: Session, holed: int) -> None:
    made = walk(3)
    made.close[1] = made.high[1]
    candles.upsert(session, holed, "1h", made[1:2], source="binance")
    session.commit()
    (one,) = page.revised(session)
    assert (one.open_time, one.new) == (from_ms(START_MS) + HOUR, made.high[1])
    assert "→" in drawn(signed_in(Role.VIEWER), "revisions")


def test_refused_rows_of_a_file_stand_with_their_reason(signed_in: SignIn, session: Session) -> None:
    history_files.import_file(
        session, BAD, parse("binance:BTC/USDT"), "1h", file_name="btc.csv", skip_bad=True, now=NOW
    )
    session.commit()
    (one,) = page.refused(session, user_id=0)
    assert (one.refused, one.file_name) == (1, "btc.csv")
    assert one.reason.startswith("line 3: ")
    assert "btc.csv" in drawn(signed_in(Role.VIEWER), "refused")


def test_refused_rows_of_a_file_that_was_not_imported_stand_there_too(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    who = session.scalars(select(User.id).where(User.role == Role.VIEWER)).one()
    job = jobs.create(session, IMPORT_FILE, {}, owner_id=who)
    lines = [(n, "a price is zero or negative") for n in range(3, 44)]
    refusals.keep(session, job.id, lines, user_id=who, import_id=None, file_name="eth.csv")
    session.commit()
    assert "eth.csv" not in drawn(signed_in(Role.ANALYST), "refused"), "somebody else's file"
    shown = drawn(client, "refused")
    assert "eth.csv" in shown
    assert "41 rows" in shown
    assert "line 3: a price is zero or negative" in shown
    assert "Not imported" in shown


def test_refused_rows_of_an_exchange_are_counted_by_series_source_and_reason(
    signed_in: SignIn, session: Session, holed: int
) -> None:
    for source, reason, n in (("request", "not_positive", 3), ("request", "not_positive", 2), ("stream", "far_out", 1)):
        refused_rows.add(session, "binance", "BTC/USDT", "1h", source, {reason: n}, now=NOW)
    refused_rows.add(session, "binance", "NOT/KNOWN", "1h", "request", {"not_positive": 1}, now=NOW)
    session.commit()
    found = {(one.source, one.reason): one.n for one in page.refused_by_sources(session)}
    assert found == {
        ("REST", "a price is zero or negative"): 5,
        ("Stream", "a wick far outside its body, kept back until enough answers agree"): 1,
    }
    shown = drawn(signed_in(Role.VIEWER), "refused")
    assert "5 rows" in shown
    assert "'1 row'" in shown
    assert "/charts/binance/BTC-USDT?tf=1h" in shown


@pytest.mark.parametrize(
    ("state", "words", "kind"),
    [
        ("ok", "answers in 42 ms", "ok"),
        ("down", "silent, never answered", "bad"),
        ("blocked", "refuses this address, never answered", "bad"),
        ("waiting", "asked to wait until 23:42:00", "warn"),
    ],
)
def test_sources_say_how_they_answer(state: str, words: str, kind: str) -> None:
    until = NOW.replace(minute=42) if state == "waiting" else None
    row = SourceHealth(exchange="kraken", state=state, latency_ms=42.0, checked_at=NOW, wait_until=until)
    late = page.source(row, now=NOW)
    assert (late.words, late.kind) == (words, kind)


def test_an_exchange_s_ban_and_a_clock_that_is_wrong_are_told() -> None:
    until = NOW.replace(minute=42)
    banned = SourceHealth(exchange="kraken", state="waiting", checked_at=NOW, wait_until=until, alerted_until=until)
    assert (page.source(banned, now=NOW).words, page.source(banned, now=NOW).kind) == (
        "bans this address until 23:42:00",
        "bad",
    )
    well = SourceHealth(exchange="kraken", state="ok", latency_ms=42.0, checked_at=NOW)
    assert page.source(well, now=NOW, clock=-95.0).words == "answers in 42 ms, clock here 95 s ahead"
    assert page.source(well, now=NOW, clock=-95.0).kind == "warn"
    assert page.source(well, now=NOW, clock=2.0) == page.source(well, now=NOW)


def test_a_followed_series_is_late_after_two_intervals(session: Session, holed: int) -> None:
    end = from_ms(START_MS) + 300 * HOUR
    (fresh,) = page.lateness(session, now=end + 2 * HOUR)
    (late,) = page.lateness(session, now=end + 2 * HOUR + timedelta(seconds=1))
    assert (fresh.kind, late.kind) == ("ok", "warn")
    assert late.name == "BTC/USDT 1h binance"
