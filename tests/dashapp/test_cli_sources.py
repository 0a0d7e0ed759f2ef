"""`follow`, `unfollow`, `markets`, `sources` and `gaps`: what they write down, print and refuse."""

import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core import clock_offsets, job_queue, market_name
from core.breaker import FAILURES, Breaker
from core.clock import from_ms
from core.jobs import BACKFILL, JobState
from core.shared import SharedNumbers
from core.throttle import Throttle
from core.timeframe import TIMEFRAMES
from dashapp.cli.main import main
from db.queries import audit, breaks, gaps, job_table, jobs, markets, sources
from tests.candle_data import START_MS, store, walk

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    database: Engine,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.setenv("DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("BOLT_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("SECRET_KEY", "k" * 64)

    def call(*arguments: str) -> tuple[int, str, str]:
        before = signal.getsignal(signal.SIGTERM)
        try:
            code = main(arguments)
        finally:
            signal.signal(signal.SIGTERM, before)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def followed(session: Session) -> list[str]:
    session.expire_all()
    return [f"{market.exchange}:{market.symbol}" for market in markets.followed(session)]


def test_following_writes_the_wish_down_and_enqueues(run: Run, session: Session) -> None:
    code, out, _ = run("follow", "binance:BTC/USDT", "kraken:ETH/USD", "--timeframes", "1h,1m", "--json")
    assert code == 0
    told = json.loads(out)["followed"]
    assert [row["market"] for row in told] == ["binance:BTC/USDT", "kraken:ETH/USD"]
    assert told[0]["timeframes"] == ["1m", "1h"]
    assert followed(session) == ["binance:BTC/USDT", "kraken:ETH/USD"]
    waiting = {job.id: job for job in jobs.latest(session, name=BACKFILL.name)}
    assert {row["job"] for row in told} == set(waiting)
    assert {job.state for job in waiting.values()} == {JobState.QUEUED}
    assert len(job_queue.held(BACKFILL.queue)) == 2


def test_jobs_of_commands_are_not_the_schedules(run: Run, session: Session) -> None:
    run("follow", "binance:BTC/USDT")
    (row,) = job_table.page(session)
    assert row.owner == "command line"
    assert job_table.count(session, text="command line") == 1
    assert audit.actions(session) == ["market_followed"]


def test_following_twice_enqueues_once_and_keeps_the_timeframes(run: Run, session: Session) -> None:
    run("follow", "binance:BTC/USDT", "--timeframes", "1h")
    _, out, _ = run("follow", "binance:BTC/USDT", "binance:BTC/USDT", "--json")
    (row,) = json.loads(out)["followed"]
    assert row["timeframes"] == ["1h"]
    assert len(jobs.latest(session, name=BACKFILL.name)) == 1


def test_without_timeframes_the_usual_ones_are_fetched(run: Run) -> None:
    code, out, _ = run("follow", "binance:BTC/USDT")
    assert (code, "1h, 5m, 1m" in out) == (0, True)
    assert "once it is started" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("binance:BTC/USDT", "nowhere:BTC/USDT"), "not nowhere. Set EXCHANGES"),
        (("binance:BTC/USDT", "BTC/USDT"), "is no market. Write exchange and symbol"),
        (("binance:BTCUSDT",), "is no symbol"),
        (("binance:BTC/USDT", "--timeframes", "1m,2m"), "no timeframe “2m”"),
        (("binance:BTC/USDT", "--timeframes", ","), "--timeframes needs names"),
        (("demo:BTC/USDT",), "not demo"),
    ],
)
def test_what_cannot_be_followed_is_refused_whole(
    run: Run, session: Session, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = run("follow", *arguments, "--json")
    assert code == 1
    assert says in json.loads(out)["error"]
    assert says in err
    assert followed(session) == []
    assert jobs.latest(session, name=BACKFILL.name) == []


def test_unfollowing_keeps_the_candles(run: Run, session: Session) -> None:
    market = store(session, "binance:BTC/USDT", walk(10), followed=True)
    code, out, _ = run("unfollow", "binance:BTC/USDT", "--json")
    assert (code, json.loads(out)) == (0, {"unfollowed": ["binance:BTC/USDT"]})
    assert followed(session) == []
    assert markets.series_of(session, market.id)["1h"].rows == 10


def test_unfollowing_what_is_not_here_changes_nothing(run: Run, session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(10), followed=True)
    code, _, err = run("unfollow", "binance:BTC/USDT", "binance:ETH/USDT")
    assert code == 1
    assert "no market binance:ETH/USDT" in err
    assert followed(session) == ["binance:BTC/USDT"]


def test_markets_are_listed_with_what_is_stored(run: Run, session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(10), followed=True)
    store(session, "kraken:ETH/USD", walk(5))
    _, out, _ = run("markets", "--json")
    rows = {row["market"]: row for row in json.loads(out)}
    assert rows["binance:BTC/USDT"]["followed"] is True
    assert rows["binance:BTC/USDT"]["series"]["1h"]["candles"] == 10
    assert rows["binance:BTC/USDT"]["series"]["1h"]["first"] == from_ms(START_MS).isoformat()
    _, out, _ = run("markets", "--followed")
    assert "binance:BTC/USDT" in out and "kraken" not in out
    _, out, _ = run("markets", "eth", "--json")
    assert [row["market"] for row in json.loads(out)] == ["kraken:ETH/USD"]


def test_markets_say_for_whom_they_stand_in(run: Run, session: Session) -> None:
    first, second = store(session, "binance:BTC/USDT", walk(3)), store(session, "kraken:BTC/USDT", walk(3))
    sources.begin(session, first.id, second.id, reason="binance does not answer", automatic=True, now=NOW)
    session.commit()
    _, out, _ = run("markets", "--json")
    assert {row["market"]: row["stands_in_for"] for row in json.loads(out)} == {
        "binance:BTC/USDT": None,
        "kraken:BTC/USDT": "binance:BTC/USDT",
    }


def test_no_market_at_all_says_what_to_do(run: Run) -> None:
    assert "python -m dashapp follow" in run("markets")[1]


def test_sources_show_state_breaker_weight_and_last_error(run: Run, session: Session, redis_url: str) -> None:
    sources.record(session, "kraken", "down", now=NOW, detail="kraken does not answer (HTTP 502).")
    sources.record(session, "kraken", "ok", now=NOW, latency_ms=41.27)
    sources.record(session, "binance", "down", now=NOW, detail="binance does not answer (no answer).")
    session.commit()
    shared = SharedNumbers(Redis.from_url(redis_url))
    for _ in range(FAILURES):
        Breaker(shared, "binance").failed()
    Throttle(shared, "kraken", interval_s=0.5).take(3)
    for name, offset in (("kraken", 95.2), ("binance", -0.4)):
        clock_offsets.note(shared, name, offset)
    _, out, _ = run("sources", "--json")
    rows = {row["source"]: row for row in json.loads(out)}
    assert list(rows) == ["binance", "coinbase", "kraken"]
    assert (rows["binance"]["state"], rows["binance"]["breaker"]) == ("down", "open")
    assert 0 < rows["binance"]["breaker_opens_in_seconds"] <= 30
    assert (rows["kraken"]["state"], rows["kraken"]["breaker"]) == ("ok", "closed")
    assert rows["kraken"]["last_error"] == "kraken does not answer (HTTP 502)."
    assert rows["kraken"]["used_weight"] in (3.0, 0.0)  # nought where the minute has just ended
    assert rows["kraken"]["weight_limit"] == 120.0
    assert (rows["kraken"]["clock_offset_seconds"], rows["kraken"]["clock_wrong"]) == (95.2, True)
    assert (rows["binance"]["clock_offset_seconds"], rows["binance"]["clock_wrong"]) == (-0.4, False)
    assert (rows["coinbase"]["state"], rows["coinbase"]["clock_offset_seconds"]) == ("not asked yet", None)
    _, out, _ = run("sources")
    assert "2026-01-02 03:04 kraken does not answer (HTTP 502)." in out
    assert "95 s behind" in out


def test_gaps_are_listed_with_what_was_asked_about_them(run: Run, session: Session) -> None:
    made = walk(50)
    market = store(
        session, "binance:BTC/USDT", made[(np.arange(50) < 10) | (np.arange(50) >= 13) & (np.arange(50) != 30)]
    )
    hour = TIMEFRAMES["1h"]
    found = gaps.holes(session, market.id, hour)
    gaps.note(session, market.id, "1h", {first: n for first, n in found.items() if n == 3}, now=NOW)
    session.commit()
    code, out, _ = run("gaps", "binance:BTC/USDT", "--timeframe", "1h", "--json")
    told = json.loads(out)
    assert (code, told["missing"]) == (0, 4)
    assert [(gap["count"], gap["state"]) for gap in told["gaps"]] == [(3, "open"), (1, "not asked again yet")]
    assert told["gaps"][0]["first_missing"].startswith(str(from_ms(START_MS + 10 * hour.ms))[:16])
    _, out, _ = run("gaps", "binance:BTC/USDT")
    assert "3 missing  open" in out


def test_a_whole_series_has_no_gaps(run: Run, session: Session) -> None:
    store(session, "binance:BTC/USDT", walk(50))
    assert "No candle is missing" in run("gaps", "binance:BTC/USDT")[1]


def test_gaps_of_an_unknown_market_or_timeframe_are_refused(run: Run) -> None:
    assert run("gaps", "binance:NOPE/USDT")[0] == 1
    assert run("gaps", "binance:BTC/USDT", "--timeframe", "7m")[0] == 1


def test_a_market_may_be_named_as_people_write_it(run: Run, session: Session) -> None:
    assert run("follow", "Binance:btc/usdt")[0] == 0
    assert followed(session) == [str(market_name.parse("binance:BTC/USDT"))]


def broken(session: Session) -> None:
    market = store(session, "binance:LUNA/USDT", walk(10), followed=True)
    moments = {"old_last": datetime(2022, 5, 13, tzinfo=UTC), "new_first": datetime(2022, 5, 31, tzinfo=UTC)}
    breaks.note(session, market.id, "1h", **moments, old_close=0.00005, new_open=9.0, state="paused", now=NOW)
    session.commit()


def test_a_series_that_broke_is_listed_and_decided(run: Run, session: Session) -> None:
    assert "No series has broken." in run("breaks")[1]
    broken(session)
    assert "takes no new candles until you decide" in run("breaks")[1]
    code, out, _ = run("decide-break", "binance:LUNA/USDT", "new", "--json")
    assert (code, json.loads(out)["kept_as"]) == (0, "binance:LUNA.2022/USDT")
    assert followed(session) == ["binance:LUNA/USDT"]
    assert json.loads(run("breaks", "--json")[1])[0]["state"] == "apart"
    assert len(jobs.latest(session, name=BACKFILL.name)) == 1


def test_one_coin_goes_on(run: Run, session: Session) -> None:
    broken(session)
    assert "goes on" in run("decide-break", "binance:LUNA/USDT", "same")[1]
    assert breaks.paused(session) == set()
    code, _, err = run("decide-break", "binance:LUNA/USDT", "same")
    assert (code, "waits for a decision" in err) == (1, True)
