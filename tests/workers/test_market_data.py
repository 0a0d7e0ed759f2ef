"""The market jobs against the demo exchange, real PostgreSQL and a real Redis."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, text

import core.settings
import db.engine
from core import job_queue
from core.clock import from_ms, to_ms, utc_now
from core.errors import BadCandles, NotFound
from core.jobs import BACKFILL, FILL_DEMO, IMPORT_FILE, PROBE_EXCHANGES
from core.market_name import make as make_name
from core.settings import Settings
from core.timeframe import TIMEFRAMES
from db.queries import candles, instance, jobs, markets, refusals, sources, uploads
from db.tables import Market, User
from market import ccxt_gateway
from tests.demo.server import Server, running
from workers import imports, market_data
from workers.context import JobContext
from workers.engine import execute

DAY = 86_400_000
SHORT = {"1h": 4 * DAY, "5m": DAY // 2, "1m": DAY // 12}


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(running_server: Server, database: Engine, redis_url: str) -> Iterator[Server]:
    running_server.forget()
    job_queue.connect(redis_url)
    yield running_server
    running_server.forget()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_data, "SPANS", SHORT)


def settings(**environ: str) -> Settings:
    return core.settings.read(environ)


def context(**environ: str) -> JobContext:
    return JobContext(settings(**environ), "test", 1)


def serve_demo(server: Server) -> None:
    with db.engine.session() as session:
        instance.get(session).demo_url = server.url


def demo_enabled() -> bool | None:
    with db.engine.session() as session:
        return instance.get(session).demo_enabled


def table() -> dict[str, markets.MarketRow]:
    with db.engine.session() as session:
        return {row.symbol: row for row in markets.table(session)}


def open_jobs(name: str) -> int:
    with db.engine.session() as session:
        return len([job for job in jobs.latest(session, name=name) if job.state == "queued"])


@pytest.fixture
def binance_is(server: Server, monkeypatch: pytest.MonkeyPatch):
    """Let Binance's address lead to the demo exchange, or nowhere."""

    def lead(url: str) -> None:
        plain = ccxt_gateway.make
        monkeypatch.setattr(ccxt_gateway, "make", lambda name, **more: plain(name, **{**more, "base_url": url}))

    return lead


def test_an_exchange_that_answers_makes_the_demo_needless(server: Server, binance_is) -> None:
    binance_is(server.url)
    assert market_data.probe_exchanges(context()) == {"answered": True, "demo": False}
    assert demo_enabled() is False
    assert open_jobs(FILL_DEMO.name) == 0
    with db.engine.session() as session:
        assert sources.get(session, "binance").state == "ok"


def test_the_demo_starts_when_no_exchange_answers_at_the_first_start(server: Server, binance_is) -> None:
    binance_is("http://127.0.0.1:1")
    assert market_data.probe_exchanges(context()) == {"answered": False, "demo": True}
    market_data.probe_exchanges(context())
    assert demo_enabled() is True
    assert open_jobs(FILL_DEMO.name) == 1
    with db.engine.session() as session:
        assert sources.get(session, "binance").state == "down"


def test_an_exchange_that_asks_to_wait_is_there(server: Server, binance_is) -> None:
    binance_is(server.url)
    server.fault("status", code=429, retry_after=30)
    assert market_data.probe_exchanges(context()) == {"answered": True, "demo": False}


def test_an_exchange_that_is_closed_to_us_does_not_answer(server: Server, binance_is) -> None:
    binance_is(server.url)
    server.fault("status", code=451)
    assert market_data.probe_exchanges(context()) == {"answered": False, "demo": True}


def test_an_exchange_that_hangs_is_given_up_in_time(
    server: Server, binance_is, monkeypatch: pytest.MonkeyPatch
) -> None:
    binance_is(server.url)
    monkeypatch.setattr(market_data, "PROBE_S", 0.3)
    server.fault("hang")
    assert market_data.probe_exchanges(context())["answered"] is False
    assert server.requests() == 1


@pytest.mark.parametrize(
    ("demo", "before", "answered", "wanted"),
    [
        ("auto", None, True, False),
        ("auto", None, False, True),
        ("auto", True, True, True),
        ("auto", False, False, False),
        ("on", False, True, True),
        ("off", True, False, False),
    ],
)
def test_whether_the_demo_is_wanted(demo: str, before: bool | None, answered: bool, wanted: bool) -> None:
    assert market_data.demo_wanted(settings(DEMO=demo), before, answered) is wanted


def fill_all() -> int:
    """The demo's first markets, then the jobs for the others; how many candles were stored."""
    stored = market_data.fill_demo(context())["stored"]
    with db.engine.session() as session:
        later = [job.args["symbols"] for job in jobs.waiting(session) if job.name == FILL_DEMO.name]
    return stored + sum(market_data.fill_demo(context(), symbols=symbols)["stored"] for symbols in later)


def test_the_demo_fills_its_first_four_markets_and_leaves_the_rest_to_jobs(server: Server, short: None) -> None:
    serve_demo(server)
    result = market_data.fill_demo(context())
    assert (result["markets"], result["later"]) == (4, 8)
    asked = {e["query"]["symbol"] for e in server.exchange.log if e["path"].endswith("klines")}
    assert asked == {"BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"}
    assert open_jobs(FILL_DEMO.name) == 8
    market_data.fill_demo(context())
    assert open_jobs(FILL_DEMO.name) == 8  # a second attempt asks for nothing twice


def test_in_the_end_all_markets_of_the_demo_are_there(server: Server, short: None) -> None:
    serve_demo(server)
    fill_all()
    rows = table()
    assert len(rows) == 12
    for row in rows.values():
        assert row.exchange == "demo"
        assert row.simulated
        assert row.followed
        assert set(row.series) == {"1m", "5m", "1h"}
        assert row.series["1h"].rows >= 95
        assert row.series["1h"].missing == 0
    assert rows["BTC/USDT"].price_decimals == 2


def test_a_filled_demo_is_not_filled_again(server: Server, short: None, binance_is) -> None:
    serve_demo(server)
    fill_all()
    before = server.requests("klines")
    assert fill_all() < 60  # minutes that closed meanwhile
    assert server.requests("klines") - before <= 24
    assert market_data._demo_filled(list(table().values()))


def test_stored_long_candles_equal_the_short_ones_they_are_made_of(server: Server, short: None) -> None:
    serve_demo(server)
    market_data.fill_demo(context())
    with db.engine.session() as session:
        market = markets.get(session, make_name("demo", "ETH/USDT"))
        fine, coarse = (candles.read(session, market.id, name) for name in ("5m", "1h"))
    whole = coarse[(coarse.time >= fine.time[0]) & (coarse.time + 3_600_000 <= fine.time[-1] + 300_000)]
    assert len(whole) >= 10
    for at, high, close in zip(whole.time, whole.high, whole.close, strict=True):
        inside = fine[(fine.time >= at) & (fine.time < at + 3_600_000)]
        assert high == inside.high.max()
        assert close == inside.close[-1]


def test_filling_waits_for_the_demo_to_start(server: Server, short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            serve_demo(server)

    monkeypatch.setattr(market_data.time, "sleep", sleep)
    assert market_data._when_demo_answers(context()).name == "demo"
    assert len(waited) == 2


def test_waiting_for_a_demo_that_starts_late_opens_no_breaker(
    server: Server, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.engine.session() as session:
        instance.get(session).demo_url = "http://127.0.0.1:1"
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 8:
            serve_demo(server)

    monkeypatch.setattr(market_data.time, "sleep", sleep)
    assert abs(market_data._when_demo_answers(context()).server_time() - to_ms(utc_now())) < 5_000


def test_filling_gives_up_when_the_demo_never_starts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_data, "DEMO_STARTS_S", 0.0)
    with pytest.raises(NotFound):
        market_data.fill_demo(context())


def follow(symbol: str = "BTC/USDT", exchange: str = "demo") -> Market:
    with db.engine.session() as session:
        market = markets.get_or_create(session, make_name(exchange, symbol), simulated=exchange == "demo")
        markets.set_followed(session, market.id, True)
        return market


def forget_newest(market: Market, **age: float) -> None:
    with db.engine.session() as session:
        session.execute(
            text("DELETE FROM candles WHERE market_id = :m AND open_time > :t"),
            {"m": market.id, "t": utc_now() - timedelta(**age)},
        )
        session.execute(
            text(
                "UPDATE series s SET (last_open, rows) = (SELECT max(open_time), count(*) FROM candles c"
                " WHERE c.market_id = s.market_id AND c.timeframe = s.timeframe) WHERE market_id = :m"
            ),
            {"m": market.id},
        )


def test_topping_up_closes_the_hole_since_the_last_candle(server: Server, short: None) -> None:
    serve_demo(server)
    market = follow()
    market_data.backfill(context(), market.id)
    forget_newest(market, minutes=90)
    result = market_data.top_up(context())
    assert result["stored"] >= 90
    assert result["failed"] == {}
    now_ms = to_ms(utc_now())
    series = table()["BTC/USDT"].series
    for name, row in series.items():
        assert row.last_ms >= TIMEFRAMES[name].last_closed(now_ms - 5_000)
        assert row.missing == 0


def test_topping_up_asks_for_nothing_that_has_not_closed(server: Server, short: None) -> None:
    serve_demo(server)
    market = follow()
    market_data.backfill(context(), market.id)
    market_data.top_up(context())
    before = server.requests()
    market_data.top_up(context())
    assert server.requests() - before <= 2


def test_a_followed_market_without_candles_is_back_filled(server: Server) -> None:
    market = follow("BTC/USDT", "kraken")
    market_data.top_up(context())
    market_data.top_up(context())
    with db.engine.session() as session:
        asked = jobs.latest(session, name=BACKFILL.name)
    assert [job.args for job in asked] == [{"market_id": market.id}]


def test_an_exchange_that_fails_does_not_hold_up_the_others(server: Server, short: None) -> None:
    serve_demo(server)
    market = follow()
    market_data.backfill(context(), market.id)
    forget_newest(market, minutes=30)
    follow("BTC/USDT", "no_such_exchange")
    result = market_data.top_up(context())
    assert list(result["failed"]) == ["no_such_exchange"]
    assert result["stored"] >= 29


def test_a_fault_during_topping_up_leaves_stored_candles_alone(server: Server, short: None) -> None:
    serve_demo(server)
    market = follow()
    market_data.backfill(context(), market.id)
    forget_newest(market, minutes=30)
    with db.engine.session() as session:
        before = candles.read(session, market.id, "1m")
    server.fault("status", code=451)
    assert "demo" in market_data.top_up(context())["failed"]
    with db.engine.session() as session:
        after = candles.read(session, market.id, "1m")
    assert np.array_equal(before.close, after.close)


def test_an_empty_answer_where_a_candle_was_due_is_a_failure_of_that_market_alone(server: Server, short: None) -> None:
    serve_demo(server)
    both = follow(), follow("ETH/USDT")
    for market in both:
        market_data.backfill(context(), market.id)
        forget_newest(market, minutes=30)
    server.fault("no_candles", match="symbol=BTCUSDT")
    result = market_data.top_up(context())
    assert list(result["failed"]) == ["demo:BTC/USDT"]
    assert "at all, though it had some" in result["failed"]["demo:BTC/USDT"]
    assert result["stored"] >= 29
    server.fault(None)
    assert market_data.top_up(context())["failed"] == {}
    assert table()["BTC/USDT"].series["1m"].missing == 0


def test_rows_that_are_no_candles_leave_the_other_markets_of_an_exchange_alone(server: Server, short: None) -> None:
    serve_demo(server)
    both = follow(), follow("ETH/USDT")
    for market in both:
        market_data.backfill(context(), market.id)
        forget_newest(market, minutes=30)
    server.fault("negative", match="symbol=BTCUSDT", every=1)
    result = market_data.top_up(context())
    assert list(result["failed"]) == ["demo:BTC/USDT"]
    assert result["stored"] >= 29
    assert table()["ETH/USDT"].series["1m"].missing == 0
    with db.engine.session() as session:
        assert sources.get(session, "demo").state == "ok"


def test_the_timeframes_that_were_asked_for_are_fetched_and_no_others(server: Server, short: None, binance_is) -> None:
    binance_is(server.url)
    market = follow("BTC/USDT", "binance")
    with db.engine.session() as session:
        markets.set_timeframes(session, market.id, ["15m", "1h"])
    market_data.backfill(context(), market.id)
    assert list(table()["BTC/USDT"].series) == ["15m", "1h"]
    market_data.top_up(context())
    assert list(table()["BTC/USDT"].series) == ["15m", "1h"]


def test_three_days_without_bolt_are_made_good_page_by_page_within_the_rate(
    server: Server, short: None, binance_is
) -> None:
    binance_is(server.url)
    market = follow("BTC/USDT", "binance")
    with db.engine.session() as session:
        markets.set_timeframes(session, market.id, ["1m"])
    market_data.backfill(context(), market.id)
    forget_newest(market, days=3)
    left = table()["BTC/USDT"].series["1m"]
    before = len(server.exchange.log)
    assert market_data.top_up(context())["stored"] >= 3 * 1_440 - 1
    asked = [e["query"] for e in list(server.exchange.log)[before:] if "klines" in e["path"]]
    starts = [int(query["startTime"]) for query in asked]
    assert starts == sorted(starts)
    assert starts[0] == left.last_ms
    assert len(asked) <= 6
    assert table()["BTC/USDT"].series["1m"].missing == 0


def test_back_filling_one_timeframe_fetches_that_alone(server: Server, short: None) -> None:
    serve_demo(server)
    market = follow()
    assert market_data.backfill(context(), market.id, "1h")["stored"] >= 95
    assert set(table()["BTC/USDT"].series) == {"1h"}


def test_a_market_its_exchange_does_not_list_is_forgotten(server: Server, binance_is) -> None:
    binance_is(server.url)
    market = follow("TYPO/USDT", "binance")
    with pytest.raises(NotFound, match="lists no market TYPO/USDT"):
        market_data.backfill(context(), market.id)
    assert "TYPO/USDT" not in table()


def test_a_market_that_was_delisted_keeps_its_candles_and_is_followed_no_longer(
    server: Server, short: None, binance_is
) -> None:
    binance_is(server.url)
    market = follow("BTC/USDT", "binance")
    market_data.backfill(context(), market.id, "1h")
    with db.engine.session() as session:
        session.get(Market, market.id).symbol = "GONE/USDT"
    with pytest.raises(NotFound):
        market_data.backfill(context(), market.id)
    assert not table()["GONE/USDT"].followed
    assert table()["GONE/USDT"].series["1h"].rows >= 95


def test_a_followed_real_market_is_filled_and_not_simulated(server: Server, short: None, binance_is) -> None:
    binance_is(server.url)
    market = follow("DOGE/USDT", "binance")
    market_data.backfill(context(), market.id)
    row = table()["DOGE/USDT"]
    assert (row.simulated, row.price_decimals, set(row.series)) == (False, 5, {"1m", "5m", "1h"})
    assert {one.rows for one in row.series.values()} == {market_data.NEWEST}


GOOD = "timestamp,open,high,low,close,volume\n1600000200000,10,12,9,11,5\n1600000500000,11,13,10,12,6\n"
BAD = GOOD + "1600000800000,11,9,10,12,6\n"


def upload(content: str) -> tuple[int, int]:
    """(id of the upload, id of its user)."""
    with db.engine.session() as session:
        user = User(email="a@example.org", password_hash="x", role="analyst")
        session.add(user)
        session.flush()
        return uploads.add(session, user.id, file_name="some.csv", content=content.encode()).id, user.id


def import_job(content: str, **more: object) -> tuple[jobs.Job, int]:
    upload_id, user_id = upload(content)
    args = {"upload_id": upload_id, "exchange": "binance", "symbol": "BTC/USDT", "timeframe": "5m", **more}
    with db.engine.session() as session:
        job_id = jobs.create(session, IMPORT_FILE, args, owner_id=user_id).id
    execute(job_id, settings())
    with db.engine.session() as session:
        return jobs.get(session, job_id), upload_id


def is_kept(upload_id: int) -> bool:
    with db.engine.session() as session:
        return session.execute(text("SELECT count(*) FROM uploads WHERE id = :i"), {"i": upload_id}).scalar_one() == 1


def test_an_uploaded_file_is_imported_and_forgotten(server: Server) -> None:
    job, upload_id = import_job(GOOD)
    assert job.state == "succeeded"
    assert job.result["summary"].startswith("2 stored, 0 unchanged")
    assert table()["BTC/USDT"].series["5m"].rows == 2
    assert not is_kept(upload_id)


def test_a_file_with_a_bad_row_fails_naming_its_line_and_stores_nothing(server: Server) -> None:
    job, upload_id = import_job(BAD)
    assert job.state == "failed"
    assert "line 4: open, high, low and close contradict each other" in job.reason
    assert "BTC/USDT" not in table()
    assert not is_kept(upload_id)
    with db.engine.session() as session:
        lines = refusals.lines_of(session, job.id, user_id=job.owner_id)
    assert lines == [(4, "open, high, low and close contradict each other")]


def test_bad_rows_may_be_skipped_and_are_told(server: Server) -> None:
    job, _ = import_job(BAD, skip_bad=True)
    assert job.state == "succeeded"
    assert [line for line, _ in job.result["refused"]] == [4]
    with db.engine.session() as session:
        (kept,) = refusals.of_user(session, job.owner_id)
    assert (kept.job_id, kept.count) == (job.id, 1)
    assert kept.import_id is not None


def test_many_refused_lines_are_counted_not_listed() -> None:
    refusal = BadCandles("Too bad.", [(k, "no") for k in range(80)])
    told = imports._with_lines(refusal)
    assert told.splitlines()[-1] == "and 30 more"
    assert len(told.splitlines()) == 52


def test_an_upload_that_is_gone_fails_with_a_sentence(server: Server) -> None:
    with pytest.raises(NotFound, match="Choose it again"):
        imports.import_file(context(), 999, "binance", "BTC/USDT", "5m")


def test_probing_runs_as_a_job(server: Server, binance_is) -> None:
    binance_is(server.url)
    job_id = jobs.submit(PROBE_EXCHANGES, {})
    execute(job_id, settings())
    with db.engine.session() as session:
        assert jobs.get(session, job_id).result == {"answered": True, "demo": False}


def test_the_first_candle_fetched_is_as_old_as_the_span_says(server: Server, short: None) -> None:
    serve_demo(server)
    market = follow()
    market_data.backfill(context(), market.id, "1h")
    first = from_ms(table()["BTC/USDT"].series["1h"].first_ms)
    assert timedelta(days=4) - timedelta(hours=1) <= utc_now() - first <= timedelta(days=4)
