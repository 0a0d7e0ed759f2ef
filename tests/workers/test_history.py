"""Holes and the past of followed markets against the demo exchange, real PostgreSQL and a real Redis."""

import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import Engine, update

import core.settings
import db.engine
from core import job_queue
from core.clock import from_ms, to_ms, utc_now
from core.market_name import make as make_name
from core.timeframe import TIMEFRAMES
from db.queries import candles, gaps, markets, revisions
from db.tables import Gap, Series
from market import again, ccxt_gateway, ingest
from market.gateway import NotCandles
from tests.demo.server import Server, running
from workers import history
from workers.context import JobContext

HOUR = TIMEFRAMES["1h"]


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(
    running_server: Server, database: Engine, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """The demo exchange where Binance is expected."""
    running_server.forget()
    job_queue.connect(redis_url)
    plain = ccxt_gateway.make
    lead = {"base_url": running_server.url}
    monkeypatch.setattr(ccxt_gateway, "make", lambda name, **more: plain(name, **{**more, **lead}))
    yield running_server
    running_server.forget()


@pytest.fixture
def context() -> JobContext:
    return JobContext(core.settings.read({}), "test", 1)


@pytest.fixture
def market_id(server: Server) -> int:
    with db.engine.session() as session:
        market = markets.get_or_create(session, make_name("binance", "BTC/USDT"))
        markets.set_followed(session, market.id, True)
        return market.id


def true_candles(hours: int, symbol: str = "BTC/USDT"):
    """The newest candles as the exchange tells them."""
    gateway = ccxt_gateway.make("binance")
    start = HOUR.last_closed(to_ms(utc_now())) - (hours - 1) * HOUR.ms
    return gateway.candles(symbol, "1h", since_ms=start, limit=hours)


def another(symbol: str) -> int:
    with db.engine.session() as session:
        market = markets.get_or_create(session, make_name("binance", symbol))
        markets.set_followed(session, market.id, True)
        return market.id


def rows_of(market_id: int) -> int:
    with db.engine.session() as session:
        return markets.series_of(session, market_id)["1h"].rows


def keep(market_id: int, made, *, reached: bool = True) -> None:
    with db.engine.session() as session:
        candles.upsert(session, market_id, "1h", made)
        if reached:
            session.get(Series, (market_id, "1h")).asked_back_to = from_ms(history.ORIGIN_MS)


def hole(made):
    return made[(made.time < made.time[20]) | (made.time >= made.time[23])]


def the_gap() -> Gap:
    with db.engine.session() as session:
        (row,) = gaps.latest(session)
        return row.gap


def later(seconds: int) -> None:
    """Let time pass for the holes that were asked for."""
    with db.engine.session() as session:
        session.execute(update(Gap).values(asked_at=Gap.asked_at - timedelta(seconds=seconds)))


def test_a_hole_is_filled_with_what_the_exchange_has(server: Server, context: JobContext, market_id: int) -> None:
    made = true_candles(60)
    keep(market_id, hole(made))
    assert history.mend_history(context) == {"asked_again": 1, "stored": 0, "failed": {}}
    with db.engine.session() as session:
        there = candles.read(session, market_id, "1h")
        assert markets.series_of(session, market_id)["1h"].gaps == 0
    assert there.close.tolist() == made.close.tolist()
    assert the_gap().state == "filled"


def test_a_very_long_hole_is_fetched_as_the_past_is(
    server: Server, context: JobContext, market_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = true_candles(60)
    monkeypatch.setattr(history, "LONGEST_HOLE", 2)
    monkeypatch.setattr(history, "depth_ms", lambda _settings, _timeframe, _now: int(made.time[0]))
    keep(market_id, hole(made))
    assert history.mend_history(context) == {"asked_again": 1, "stored": 3, "failed": {}}
    assert rows_of(market_id) == 60
    history.note_holes(context)
    assert the_gap().state == "filled"
    asked = server.requests("klines")
    history.mend_history(context)
    assert server.requests("klines") == asked


def test_a_very_long_hole_for_which_there_is_nothing_is_confirmed_after_three_rounds(
    server: Server, context: JobContext, market_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = true_candles(60)
    monkeypatch.setattr(history, "LONGEST_HOLE", 2)
    monkeypatch.setattr(history, "depth_ms", lambda _settings, _timeframe, _now: int(made.time[0]))
    keep(market_id, kept := hole(made))
    told = ccxt_gateway.CcxtGateway.candles

    def without(*args: object, **more: object):
        answer = told(*args, **more)
        return answer[np.isin(answer.time, kept.time)]

    monkeypatch.setattr(ccxt_gateway.CcxtGateway, "candles", without)
    states = []
    for _ in range(5):
        history.mend_history(context)
        states.append((the_gap().answers, the_gap().state))
        later(31)
    assert states == [(0, "open"), (1, "open"), (2, "open"), (3, "confirmed"), (3, "confirmed")]


def test_of_a_very_long_hole_what_is_older_than_the_depth_is_not_asked_for(
    server: Server, context: JobContext, market_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = true_candles(60)
    monkeypatch.setattr(history, "LONGEST_HOLE", 2)
    deepest = int(made.time[21])
    monkeypatch.setattr(history, "depth_ms", lambda _settings, _timeframe, _now: deepest)
    keep(market_id, hole(made))
    assert history.mend_history(context)["stored"] == 2
    monkeypatch.setattr(history, "LONGEST_HOLE", 0)
    asked = server.requests("klines")
    for _ in range(2):
        later(31)
        history.mend_history(context)
    assert server.requests("klines") == asked
    with db.engine.session() as session:
        assert [(row.gap.count, row.gap.state) for row in gaps.latest(session)] == [(1, "open")]


def test_a_candle_that_is_in_doubt_is_no_answer_for_its_hole(
    server: Server, context: JobContext, market_id: int
) -> None:
    made = true_candles(60)
    keep(market_id, hole(made))
    server.fault("spike", every=1)
    for _ in range(5):
        history.mend_history(context)
        later(31)
    assert (the_gap().answers, the_gap().state) == (0, "open")
    server.fault(None)
    history.mend_history(context)
    assert rows_of(market_id) == 60


def test_a_false_wick_that_was_stored_is_put_right_when_it_is_asked_for_again(
    server: Server, context: JobContext, market_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = true_candles(60)
    keep(market_id, made[:-2])
    wrong = made[-2:-1]
    wrong.high[0] *= 1.2
    ingest.store(db.engine.session, market_id, HOUR, wrong)
    keep(market_id, made[-1:])
    asked = server.requests("klines")
    history.mend_history(context)
    assert server.requests("klines") == asked
    server.fault("status", code=503)
    ahead = time.time() + again.AFTER_S[0] + 1
    plain = again.due
    monkeypatch.setattr(again, "due", lambda shared, limit: plain(shared, limit=limit, clock=lambda: ahead))
    history.mend_history(context)
    server.fault(None)
    ahead += again.LATER_S
    history.mend_history(context)
    with db.engine.session() as session:
        assert candles.read(session, market_id, "1h").high.tolist() == true_candles(60).high.tolist()
        assert [row.open_time for row in revisions.latest(session, limit=9)] == [from_ms(int(wrong.time[0]))]


def test_many_holes_of_a_series_cost_few_requests(server: Server, context: JobContext, market_id: int) -> None:
    made = true_candles(600)
    keep(market_id, made[[n for n in range(600) if n == 0 or n % 3]])
    before = server.requests("klines")
    assert history.mend_history(context)["asked_again"] == 199
    assert server.requests("klines") - before == 1
    with db.engine.session() as session:
        assert candles.read(session, market_id, "1h").close.tolist() == made.close.tolist()


def test_of_neighbours_only_the_one_that_stays_is_answered_for(
    server: Server, context: JobContext, market_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = true_candles(60)
    lost = made.time[40]
    keep(market_id, hole(made[made.time != lost]))
    told = ccxt_gateway.CcxtGateway.candles

    def without(*args: object, **more: object):
        answer = told(*args, **more)
        return answer[answer.time != lost]

    monkeypatch.setattr(ccxt_gateway.CcxtGateway, "candles", without)
    history.mend_history(context)
    with db.engine.session() as session:
        states = {to_ms(row.gap.first_missing): (row.gap.state, row.gap.answers) for row in gaps.latest(session)}
    assert states == {made.time[20]: ("filled", 0), lost: ("open", 1)}


def test_a_hole_is_confirmed_by_three_answers_and_asked_for_no_more(
    server: Server, context: JobContext, market_id: int
) -> None:
    made = true_candles(60)
    keep(market_id, hole(made))
    server.fault("no_candles", match=f"startTime={made.time[20]}")
    before = server.requests("klines")
    for passed, answers, state in ((0, 1, "open"), (10, 1, "open"), (30, 2, "open"), (30, 3, "confirmed")):
        later(passed)
        history.mend_history(context)
        assert (the_gap().answers, the_gap().state) == (answers, state)
    later(60)
    history.mend_history(context)
    assert server.requests("klines") - before == 6  # each answer was proved by asking for a candle there is


def test_an_exchange_that_has_lost_everything_confirms_no_hole(
    server: Server, context: JobContext, market_id: int
) -> None:
    keep(market_id, hole(true_candles(60)))
    server.fault("no_candles")
    for _ in range(4):
        later(30)
        failed = history.mend_history(context)["failed"]
        assert "with no 1h candle of BTC/USDT at all" in failed["binance:BTC/USDT 1h"]
    assert (the_gap().answers, the_gap().state) == (0, "open")


def test_a_market_that_lost_its_candles_keeps_no_other_from_being_mended(
    server: Server, context: JobContext, market_id: int
) -> None:
    keep(market_id, hole(true_candles(60)))
    other = another("ETH/USDT")
    keep(other, hole(true_candles(60, "ETH/USDT")))
    server.fault("no_candles", match="BTCUSDT")
    failed = history.mend_history(context)["failed"]
    assert list(failed) == ["binance:BTC/USDT 1h"]
    assert (rows_of(market_id), rows_of(other)) == (57, 60)


def test_a_bad_row_costs_a_listed_hole_and_neither_the_rest_nor_other_markets(
    server: Server, context: JobContext, market_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = true_candles(30)
    keep(market_id, newest, reached=False)
    other = another("ETH/USDT")
    keep(other, true_candles(30, "ETH/USDT"), reached=False)
    deepest = int(newest.time[0]) - 2_000 * HOUR.ms
    monkeypatch.setattr(history, "depth_ms", lambda _settings, _timeframe, _now: deepest)
    bad = int(newest.time[0]) - 700 * HOUR.ms
    told = ccxt_gateway.CcxtGateway.candles

    def spoilt(gateway, symbol: str, *args: object, **more: object):
        answer = told(gateway, symbol, *args, **more)
        if symbol == "BTC/USDT" and bad in answer.time:
            raise NotCandles("a row is no candle", {"not_positive": 1})
        return answer

    monkeypatch.setattr(ccxt_gateway.CcxtGateway, "candles", spoilt)
    assert history.deepen(context, time.monotonic() + 60, {}) == 3_999
    assert (rows_of(market_id), rows_of(other)) == (2_029, 2_030)
    history.note_holes(context)
    for _ in range(4):
        history.repair(context, time.monotonic() + 60, failed := {})
        assert list(failed) == ["binance:BTC/USDT 1h"]
        later(31)
    gap = the_gap()
    assert (to_ms(gap.first_missing), gap.count, gap.state, gap.answers) == (bad, 1, "open", 0)


def test_an_exchange_that_has_lost_everything_ends_no_history(
    server: Server, context: JobContext, market_id: int
) -> None:
    keep(market_id, true_candles(60), reached=False)
    server.fault("no_candles")
    history.mend_history(context)
    with db.engine.session() as session:
        assert session.get(Series, (market_id, "1h")).asked_back_to is None


def test_an_exchange_that_fails_confirms_nothing(server: Server, context: JobContext, market_id: int) -> None:
    keep(market_id, hole(true_candles(60)))
    server.fault("status", code=503)
    assert "binance" in history.mend_history(context)["failed"]
    assert (the_gap().answers, the_gap().asked_at) == (0, None)


def test_markets_that_are_not_followed_are_left_alone(server: Server, context: JobContext, market_id: int) -> None:
    keep(market_id, hole(true_candles(60)))
    with db.engine.session() as session:
        markets.set_followed(session, market_id, False)
    history.mend_history(context)
    assert server.requests("klines") == 1  # our own


def test_the_past_is_fetched_to_where_the_exchange_begins_and_not_again(
    server: Server, context: JobContext, market_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = true_candles(30)
    keep(market_id, newest, reached=False)
    deepest = int(newest.time[0]) - 7_000 * HOUR.ms
    monkeypatch.setattr(history, "depth_ms", lambda _settings, _timeframe, _now: deepest)
    first = history.deepen(context, time.monotonic() + 60, {})
    with db.engine.session() as session:
        row = markets.series_of(session, market_id)["1h"]
    assert first == 7_000
    assert (row.rows, row.first_ms, row.missing) == (7_030, deepest, 0)
    asked = server.requests("klines")
    assert history.deepen(context, time.monotonic() + 60, {}) == 0
    assert server.requests("klines") == asked


def test_a_run_ends_in_time_and_the_next_goes_on(
    server: Server, context: JobContext, market_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = true_candles(30)
    keep(market_id, newest, reached=False)
    monkeypatch.setattr(history, "PAGES_A_STEP", 1)
    left = iter([0.0, 0.0, 99.0, 99.0])
    monkeypatch.setattr(history, "time", SimpleNamespace(monotonic=lambda: next(left, 99.0)))
    assert history.deepen(context, 50.0, {}) > 0
    with db.engine.session() as session:
        reached = session.get(Series, (market_id, "1h")).asked_back_to
    assert reached < from_ms(int(newest.time[0]))


@pytest.mark.parametrize(("timeframe", "days"), [("1m", 14), ("5m", 90), ("15m", 90)])
def test_short_timeframes_go_back_as_far_as_the_settings_say(timeframe: str, days: int) -> None:
    now_ms = to_ms(utc_now())
    assert history.depth_ms(core.settings.read({}), timeframe, now_ms) == now_ms - days * 86_400_000
    assert history.depth_ms(core.settings.read({"BACKFILL_DAYS_1M": "2"}), "1m", now_ms) == now_ms - 2 * 86_400_000


@pytest.mark.parametrize("timeframe", ["1h", "4h", "1d"])
def test_longer_timeframes_go_back_to_the_beginning(timeframe: str) -> None:
    assert history.depth_ms(core.settings.read({}), timeframe, to_ms(utc_now())) == history.ORIGIN_MS


def test_the_demo_exchange_keeps_its_own_depth(server: Server, context: JobContext) -> None:
    with db.engine.session() as session:
        demo = markets.get_or_create(session, make_name("demo", "BTC/USDT"), simulated=True).id
        markets.set_followed(session, demo, True)
    keep(demo, true_candles(30), reached=False)
    assert history._shallow(context) == []
