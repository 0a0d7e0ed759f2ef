"""The Markets page on a real database: what is stored, sources, imports, and who may import."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from callbacks import markets as page
from core.clock import utc_now
from core.jobs import BACKFILL, IMPORT_FILE, JobState
from core.market_name import parse
from core.roles import Role
from db.queries import audit, imports, jobs, listings, markets, refusals
from db.tables import Job, SourceHealth
from layouts.components import coverage
from layouts.pages import markets as layout
from market import history_files
from tests.candle_data import START_MS, store, walk
from tests.fire import fire, toasts, wired
from tests.web import CALLBACKS, SignIn, body_of, dash_headers

NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)
TICK = {"markets-tick.n_intervals": 0}
BAD = b"timestamp,open,high,low,close,volume\n1609459200000,1,2,0.5,1.5,3\n1609462800000,x,2,0.5,1.5,3\n"
FAILED = "a.csv holds 1 row.\nline 3: open is no number\nand 2 more"


def work_job(session: Session, owner: int | None, state: JobState, **more: Any) -> Job:
    args = {"upload_id": 1, "exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1h"}
    job = jobs.create(session, IMPORT_FILE, args, owner_id=owner)
    session.flush()
    job.state = state.value
    for name, value in more.items():
        setattr(job, name, value)
    session.commit()
    return job


def drawn(answer: Any, part: str) -> str:
    return str(answer.get_json()["response"][part]["children"])


def test_the_page_opens_without_arguments() -> None:
    assert "markets-table" in str(layout.layout())


def test_every_series_is_a_row_with_its_gaps(signed_in: SignIn, session: Session) -> None:
    made = walk(300)
    store(session, "binance:BTC/USDT", made[(made.time < made.time[50]) | (made.time >= made.time[57])])
    store(session, "demo:ETH/USDT", walk(60, timeframe="5m"), timeframe="5m", simulated=True)
    (btc, eth) = page.stored_lines(session, ("binance",))
    assert (btc.symbol, btc.rows, btc.first_ms, btc.gaps, btc.missing) == ("BTC/USDT", 293, START_MS, 1, 7)
    assert (eth.simulated, eth.timeframe) == (True, "5m")
    assert (btc.followable, eth.followable) == (True, False)
    table = drawn(fire(signed_in(Role.VIEWER), TICK, output="markets-table"), "markets-table")
    assert "/charts/binance/BTC-USDT?tf=1h" in table
    assert "badge-sim" in table


def test_an_empty_desk_says_what_will_be_here(signed_in: SignIn) -> None:
    assert "No markets yet" in drawn(fire(signed_in(Role.VIEWER), TICK, output="markets-table"), "markets-table")


@pytest.mark.parametrize(
    ("state", "words"),
    [("ok", "answers in 42 ms"), ("down", "silent, never answered"), ("blocked", "refuses this address")],
)
def test_sources_say_how_they_answered(signed_in: SignIn, session: Session, state: str, words: str) -> None:
    session.add(SourceHealth(exchange="binance", state=state, latency_ms=42.0, checked_at=NOW))
    session.commit()
    assert words in drawn(fire(signed_in(Role.VIEWER), TICK, output="markets-table"), "markets-sources")


@pytest.mark.parametrize(("role", "there"), [(Role.VIEWER, False), (Role.ANALYST, True), (Role.ADMIN, True)])
def test_the_form_is_drawn_for_those_who_may_import(signed_in: SignIn, role: Role, there: bool) -> None:
    answer = fire(signed_in(role), {"markets-form.id": "markets-form"})
    assert ("markets-fields" in answer.get_data(as_text=True)) is there


def test_a_running_import_shows_its_progress_to_its_owner_only(signed_in: SignIn, session: Session) -> None:
    analyst = signed_in(Role.ANALYST)
    owner = analyst.user_id  # type: ignore[attr-defined]
    work_job(
        session,
        owner,
        JobState.RUNNING,
        heartbeat_at=utc_now(),
        progress={"fraction": 0.3, "message": "Checking the rows"},
    )
    (mine,) = page.work(session, owner, Role.ANALYST, now=utc_now())
    assert (mine.fraction, mine.message, mine.lines) == (0.3, "Checking the rows", ())
    text = drawn(fire(analyst, TICK, output="markets-jobs"), "markets-jobs")
    assert "binance:BTC/USDT 1h" in text
    assert "30%" in text
    assert page.work(session, owner + 1, Role.ANALYST, now=utc_now()) == []
    assert len(page.work(session, owner + 1, Role.ADMIN, now=utc_now())) == 1


def test_a_failed_import_lists_its_lines_until_it_is_tried_again(signed_in: SignIn, session: Session) -> None:
    analyst = signed_in(Role.ANALYST)
    owner = analyst.user_id  # type: ignore[attr-defined]
    job = work_job(session, owner, JobState.FAILED, reason=FAILED, finished_at=utc_now())
    (one,) = page.work(session, owner, Role.ANALYST, now=utc_now())
    assert (one.message, one.lines) == ("a.csv holds 1 row.", ((3, "open is no number"),))
    report = drawn(fire(analyst, {"markets-chosen.data": f"job/{job.id}"}), "markets-report")
    assert "open is no number" in report
    work_job(session, owner, JobState.SUCCEEDED, finished_at=utc_now())
    assert page.work(session, owner, Role.ANALYST, now=utc_now()) == []


def test_who_handed_a_file_in_downloads_all_its_refused_lines(signed_in: SignIn, session: Session) -> None:
    analyst, other = signed_in(Role.ANALYST), signed_in(Role.ADMIN)
    owner = analyst.user_id  # type: ignore[attr-defined]
    job = work_job(session, owner, JobState.FAILED, reason=FAILED, finished_at=utc_now())
    lines = [(3, "“=1+1” in open is no number"), (4, "=cmd()"), *((k, "no") for k in range(5, 2_005))]
    refusals.keep(session, job.id, lines, user_id=owner, import_id=None, file_name="a b.csv")
    session.commit()
    (one,) = page.work(session, owner, Role.ANALYST, now=utc_now())
    assert one.download == f"/markets/refused/{job.id}.csv"
    (seen_by_admin,) = page.work(session, 0, Role.ADMIN, now=utc_now())
    assert seen_by_admin.download == ""
    answer = analyst.get(one.download)
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert rows[:3] == [["line", "reason"], ["3", "“=1+1” in open is no number"], ["4", "'=cmd()"]]
    assert len(rows) == len(lines) + 1
    assert answer.headers["Content-Disposition"] == "attachment; filename=refused-lines.csv"
    assert other.get(one.download).status_code == 404
    assert analyst.get("/markets/refused/none.csv").status_code == 404


def test_a_strangers_import_is_not_shown(signed_in: SignIn, session: Session, owner: int) -> None:
    job = work_job(session, owner, JobState.FAILED, reason=FAILED, finished_at=utc_now())
    answer = fire(signed_in(Role.ANALYST), {"markets-chosen.data": f"job/{job.id}"})
    assert "open is no number" not in answer.get_data(as_text=True)


def test_finished_imports_keep_their_last_line_and_their_refused_rows(signed_in: SignIn, session: Session) -> None:
    report = history_files.import_file(
        session, BAD, parse("binance:BTC/USDT"), "1h", file_name="btc.csv", skip_bad=True, now=NOW
    )
    session.commit()
    (done,) = page.imported(session, 0)
    assert done.summary == report.summary
    assert (done.what, done.lines) == ("binance:BTC/USDT 1h", 1)
    (row,) = imports.latest(session)
    shown = drawn(fire(signed_in(Role.VIEWER), {"markets-chosen.data": f"import/{row.id}"}), "markets-report")
    assert "btc.csv" in shown
    assert "refused" in shown


@pytest.mark.parametrize("chosen", [None, "", "nonsense", "import/x", "job"])
def test_nothing_chosen_shows_no_lines(signed_in: SignIn, chosen: str | None) -> None:
    answer = fire(signed_in(Role.VIEWER), {"markets-chosen.data": chosen})
    assert "Refused lines" not in answer.get_data(as_text=True)


def test_large_numbers_of_the_summary_are_those_of_the_command(session: Session) -> None:
    made = walk(1_500)
    rows = zip(made.time.tolist(), *(c.tolist() for c in list(made.columns())[1:]), strict=True)
    text = "timestamp,open,high,low,close,volume\n" + "\n".join(",".join(map(str, row)) for row in rows)
    report = history_files.import_file(
        session, text.encode(), parse("binance:BTC/USDT"), "1h", file_name="big.csv", now=NOW
    )
    session.commit()
    assert report.summary.startswith("1500 stored")
    assert page.imported(session, 0)[0].summary == report.summary


def follow(client: Any, text: str | None, clicks: int = 1) -> Any:
    return fire(client, {"markets-follow.n_clicks": clicks}, {"markets-follow-name.value": text})


def test_a_market_is_followed_and_its_past_is_fetched(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    answer = follow(client, "Kraken:btc/usd")
    assert answer.status_code == 200
    (market,) = markets.followed(session)
    assert (market.exchange, market.symbol, market.simulated) == ("kraken", "BTC/USD", False)
    (job,) = jobs.latest(session, name=BACKFILL.name)
    assert (job.args, job.owner_id) == ({"market_id": market.id}, client.user_id)  # type: ignore[attr-defined]
    assert "Following kraken:BTC/USD" in str(toasts(answer))
    assert audit.page(session, audit.Wanted(action="market_followed"))[0].object == "kraken:BTC/USD"
    follow(client, "kraken:BTC/USD")
    session.expire_all()
    assert len(jobs.latest(session, name=BACKFILL.name)) == 1


@pytest.mark.parametrize(
    ("text", "word"), [("acme:BTC/USD", "EXCHANGES"), ("BTC/USD", "binance:BTC/USDT"), (None, "exc")]
)
def test_what_cannot_be_followed_is_said(signed_in: SignIn, session: Session, text: str | None, word: str) -> None:
    answer = follow(signed_in(Role.ANALYST), text)
    assert word in str(toasts(answer))
    assert markets.followed(session) == []


def test_a_viewer_cannot_follow(signed_in: SignIn, session: Session) -> None:
    answer = follow(signed_in(Role.VIEWER), "kraken:BTC/USD")
    assert "analyst" in str(toasts(answer))
    assert markets.followed(session) == []


def test_the_table_offers_to_follow_what_an_exchange_can_be_asked_for(signed_in: SignIn, session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(50))
    store(session, "acme:BTC/USDT", walk(50))
    shown = drawn(fire(signed_in(Role.ANALYST), TICK, output="markets-table"), "markets-table")
    assert "Fetch new candles of BTC/USDT from binance" in shown
    assert "from acme" not in shown
    assert "Fetch new candles" not in drawn(fire(signed_in(Role.VIEWER), TICK, output="markets-table"), "markets-table")


def search(client: Any, text: str) -> str:
    """What the search shows for a text; no button for more is there yet."""
    (wired_,) = [one for one in wired(client) if one["output"] == "markets-found.children"]
    body = body_of(wired_)
    body["inputs"][0]["value"] = text
    answer = client.post(CALLBACKS, json=body, headers=dash_headers(client)).get_json()
    return str(answer["response"]["markets-found"])


def test_markets_of_every_exchange_are_found_a_page_at_a_time(signed_in: SignIn, session: Session) -> None:
    listings.put(session, "binance", {f"C{k}/USDT": 2 for k in range(120)}, now=NOW)
    listings.put(session, "kraken", {"SOL/USD": 2}, now=NOW)
    session.commit()
    viewer, analyst = signed_in(Role.VIEWER), signed_in(Role.ANALYST)
    shown = search(analyst, "usdt")
    assert "50 of 120" in shown
    assert "Show 50 more" in shown
    assert "Fetch new candles of SOL/USD" in search(analyst, "sol")
    assert "Fetch new candles" not in search(viewer, "sol")
    assert "not followed" in search(viewer, "sol")
    assert "No exchange lists" in search(viewer, "zzz")
    assert "Find a market" not in search(viewer, "")


def test_the_page_says_how_many_markets_are_listed(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    form = fire(client, {"markets-form.id": "markets-form"}).get_data(as_text=True)
    assert "lists of markets are read within minutes" in form
    listings.put(session, "kraken", {"SOL/USD": 2, "BTC/USD": 1}, now=utc_now())
    session.commit()
    assert "Kraken 2 markets; asked 0 s ago" in fire(client, {"markets-form.id": "markets-form"}).get_data(as_text=True)


def test_holes_stand_in_the_bar_of_what_is_stored(signed_in: SignIn, session: Session) -> None:
    made = walk(300)
    store(session, "binance:BTC/USDT", made[(made.time < made.time[50]) | (made.time >= made.time[57])])
    (line,) = page.stored_lines(session, ("binance",))
    assert line.holes == ((int(made.time[50]), int(made.time[57])),)
    table = drawn(fire(signed_in(Role.VIEWER), TICK, output="markets-table"), "markets-table")
    assert "97.7% complete, 7 missing" in table
    assert "'left': '16.67%'" in table


@pytest.mark.parametrize(
    ("rows", "missing", "words"), [(10, 0, "100%"), (9_999_999, 1, "99.9%"), (1, 1, "50.0%"), (0, 0, "100%")]
)
def test_complete_means_that_nothing_is_missing(rows: int, missing: int, words: str) -> None:
    assert coverage.complete(rows, missing) == words


def test_a_silent_source_says_since_when_and_when_it_is_asked_again(signed_in: SignIn, session: Session) -> None:
    row = SourceHealth(
        exchange="kraken",
        state="waiting",
        checked_at=utc_now(),
        since=utc_now(),
        wait_until=utc_now() + timedelta(minutes=5, seconds=30),
    )
    session.add(row)
    session.commit()
    told = drawn(fire(signed_in(Role.VIEWER), TICK, output="markets-table"), "markets-sources")
    assert "asked to wait" in told
    assert "next try in 5 min" in told
