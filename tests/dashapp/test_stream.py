"""Live prices: real Redis, the real application in a thread, server-sent events read over HTTP."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import db.engine
from core import ticks
from core.clock import utc_now
from core.errors import Refused
from core.market_name import parse
from core.roles import Role
from core.ticks import Tick, Told
from dashapp import live_hub, stream
from dashapp.live_hub import Hub
from db.queries import markets, user_sessions, users
from tests.dashapp.sse import Stream, serving
from tests.web import SignIn

BTC, ETH = "markets=binance/BTC-USDT", "markets=binance/ETH-USDT"
Open = Callable[..., Stream]


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


@pytest.fixture
def listed(session: Session) -> None:
    for name in ("binance:BTC/USDT", "binance:ETH/USDT"):
        markets.get_or_create(session, parse(name))
    session.commit()


@pytest.fixture
def viewer(signed_in: SignIn) -> FlaskClient:
    return signed_in(Role.VIEWER)


@pytest.fixture
def open_stream(app: Flask, listed: None, viewer: FlaskClient) -> Iterator[Open]:
    opened: list[Stream] = []
    with serving(app) as address:

        def make(query: str = BTC, client: FlaskClient | None = None, **headers: str) -> Stream:
            opened.append(Stream(address, client or viewer, query, **headers))
            return opened[-1]

        yield make
        for one in opened:
            one.close()


def hub(app: Flask) -> Hub:
    found: Hub = app.extensions["bolt_hub"]
    return found


def listening(app: Flask, count: int = 1) -> None:
    """Wait until so many streams are open."""
    until(lambda: len(hub(app).clients) == count)


def subscribed(app: Flask) -> None:
    """Wait until this application's own subscriber hears; one of an earlier test may still be there as well."""
    until(hub(app)._subscribed.is_set)


def until(true: Callable[[], bool], seconds: float = 8.0) -> None:
    over = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < over
        time.sleep(0.02)


def told(redis: Redis, price: float, symbol: str = "BTC/USDT") -> str:
    return ticks.publish(redis, Tick("binance", symbol, price, 1_700_000_000_000))


def test_a_price_reaches_the_browser(open_stream: Open, app: Flask, redis: Redis) -> None:
    one = open_stream()
    assert one.answer.status_code == 200
    assert one.answer.headers["Content-Type"].startswith("text/event-stream")
    assert one.answer.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in one.answer.headers
    assert abs(int(one.next("beat")["data"]) - time.time() * 1_000) < 5_000
    told_id = told(redis, 64_000.5)
    fields = one.next()
    assert fields["id"] == told_id
    assert json.loads(fields["data"])["price"] == 64_000.5
    assert json.loads(fields["data"])["market"] == "binance/BTC-USDT"


def test_only_what_was_asked_for_comes(open_stream: Open, redis: Redis) -> None:
    one, both = open_stream(), open_stream("markets=binance/BTC-USDT,binance/ETH-USDT")
    one.next("beat")
    both.next("beat")
    told(redis, 3_000.0, "ETH/USDT")
    told(redis, 64_000.0)
    assert one.tick()["price"] == 64_000.0
    assert [both.tick()["price"] for _ in range(2)] == [3_000.0, 64_000.0]


def test_a_new_stream_begins_with_the_last_price(open_stream: Open, redis: Redis) -> None:
    told(redis, 1.0)
    told(redis, 2.0)
    one = open_stream()
    assert one.tick()["price"] == 2.0
    told(redis, 3.0)
    assert one.tick()["price"] == 3.0


@pytest.mark.parametrize("by_header", [True, False])
def test_a_stream_goes_on_after_the_id_it_saw_last(open_stream: Open, redis: Redis, by_header: bool) -> None:
    ids = [told(redis, float(n)) for n in range(1, 6)]
    one = open_stream(**{"Last-Event-ID": ids[1]}) if by_header else open_stream(f"{BTC}&last={ids[1]}")
    assert [one.tick()["price"] for _ in range(3)] == [3.0, 4.0, 5.0]
    told(redis, 6.0)
    assert one.tick()["price"] == 6.0


@pytest.mark.parametrize("offered", ["x", "1", "9" * 40, "1-1 OR 1"])
def test_an_id_that_is_none_is_as_good_as_none(open_stream: Open, redis: Redis, offered: str) -> None:
    told(redis, 1.0)
    told(redis, 2.0)
    assert open_stream(**{"Last-Event-ID": offered}).tick()["price"] == 2.0


def test_beats_come_while_nothing_else_does(open_stream: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BEAT", 0.2)
    one = open_stream()
    beats = [int(one.next("beat")["data"]) for _ in range(4)]
    assert 300 < beats[-1] - beats[0] < 3_000


def test_strangers_get_no_stream(app: Flask, listed: None, owner: int) -> None:
    answer = app.test_client().get(f"/stream?{BTC}", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 401
    assert hub(app).clients == set()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("markets=", 422),
        ("markets=BTC", 422),
        ("markets=binance/nothing at all", 422),
        ("markets=binance/XYZ-USDT", 404),
        ("markets=" + ",".join(f"binance/A{n}-USDT" for n in range(51)), 422),
    ],
)
def test_what_is_no_list_of_known_markets_is_refused(
    viewer: FlaskClient, listed: None, query: str, status: int
) -> None:
    answer = viewer.get(f"/stream?{query}", headers={"Accept": "text/event-stream"})
    assert answer.status_code == status


def test_fifty_markets_are_not_too_many_and_doubles_count_once() -> None:
    names = [f"binance/A{n}-USDT" for n in range(50)]
    assert len(stream.asked(",".join(names * 2))) == 50
    with pytest.raises(Refused):
        stream.asked(",".join([*names, "binance/B-USDT"]))


@pytest.mark.parametrize("way", ["signed out", "disabled", "signed out everywhere"])
def test_a_stream_closes_within_a_second_of_the_session(
    open_stream: Open, viewer: FlaskClient, app: Flask, database: Engine, session: Session, way: str
) -> None:
    one = open_stream()
    one.next("beat")
    with app.test_request_context():
        user = users.by_email(session, "viewer@example.org")
        assert user is not None
        if way == "disabled":
            user.disabled_at = utc_now()
        elif way == "signed out everywhere":
            user.session_version += 1
        else:
            with viewer.session_transaction() as cookie:
                users.end_session(session, cookie["sid"], now=utc_now(), forget_at=utc_now())
        session.commit()
    assert one.ends_within(1.5)  # a second, and what a busy machine adds
    listening(app, 0)
    assert live_hub.LOOK < 0.9


def test_a_browser_that_went_away_frees_its_place(
    open_stream: Open, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT", 0.1)
    one = open_stream()
    listening(app)
    one.close()
    listening(app, 0)


def test_beyond_its_share_of_threads_a_stream_is_refused_politely(open_stream: Open, app: Flask) -> None:
    assert hub(app).most == 240
    hub(app).most = 2
    first, _second = open_stream(), open_stream()
    listening(app, 2)
    third = open_stream()
    assert third.answer.status_code == 503
    assert third.answer.headers["Retry-After"] == "30"
    assert "streams of this desk are taken" in third.answer.text
    assert first.next("beat")


def test_all_streams_share_one_subscriber(
    open_stream: Open, app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Hub] = []
    subscribe = Hub._subscribe
    monkeypatch.setattr(Hub, "_subscribe", lambda self, used: (begun.append(self), subscribe(self, used))[1])
    several = [open_stream() for _ in range(5)]
    listening(app, 5)
    subscribed(app)
    told(redis, 5.0)
    assert [one.tick()["price"] for one in several] == [5.0] * 5
    assert begun == [hub(app)]


def test_a_slow_client_is_dropped_and_the_others_go_on() -> None:
    made = Hub("redis://127.0.0.1:1/0", 5, timedelta(minutes=30))
    slow, quick = live_hub.Client(frozenset({"a:B/C"})), live_hub.Client(frozenset({"a:B/C"}))
    made.clients |= {slow, quick}
    for n in range(live_hub.WAITING + 50):
        made.hand_out(Told(f"{n + 1}-0", "a:B/C", "{}"))
        assert quick.next(1)
    assert slow.dropped
    assert slow.waiting.qsize() == live_hub.WAITING
    assert not quick.dropped


def test_a_tick_is_handed_out_once_however_often_it_comes() -> None:
    made = Hub("redis://127.0.0.1:1/0", 5, timedelta(minutes=30))
    client = live_hub.Client(frozenset({"a:B/C"}))
    made.clients.add(client)
    for told_id in ("5-0", "5-0", "4-9", "5-1", ""):
        made.hand_out(Told(told_id, "a:B/C", "{}"))
    assert [told.id for told in client.waiting.queue if told] == ["5-0", "5-1", ""]


def test_the_subscriber_reads_what_it_missed_while_redis_was_away(
    open_stream: Open, app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub, "PAUSE", 0.5)
    one = open_stream()
    subscribed(app)
    told(redis, 1.0)
    assert one.tick()["price"] == 1.0
    redis.client_kill_filter(_type="pubsub")
    ids = [told(redis, 2.0), told(redis, 3.0)]
    assert [one.tick()["price"] for _ in ids] == [2.0, 3.0]


def test_the_subscriber_ends_when_nobody_listens(
    open_stream: Open, app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub, "IDLE", 0.1)
    monkeypatch.setattr(stream, "BEAT", 0.1)
    one = open_stream()
    subscribed(app)
    one.close()
    until(lambda: redis.pubsub_numpat() == 0)
    again = open_stream()
    subscribed(app)
    told(redis, 9.0)
    assert again.tick()["price"] == 9.0


def test_line_breaks_in_a_message_forge_no_event() -> None:
    made = stream.event(Told("1-1", "a:B/C", '{"x":1}\n\nevent: end\ndata: x'))
    assert made.count("\n\n") == 1
    assert made.startswith("id: 1-1\nevent: tick\ndata: ")


def test_while_the_database_is_away_streams_end_so_that_nobody_listens_unseen(app: Flask, redis_url: str) -> None:
    db.engine.connect("postgresql://bolt:x@127.0.0.1:1/bolt")
    made = Hub(redis_url, 5, timedelta(minutes=30))
    client = made.join(["binance:BTC/USDT"], "a session")
    assert client is not None
    assert client.next(10) is None
    assert client.ended
    made.leave(client)


def test_one_question_tells_which_sessions_stand(viewer: FlaskClient, session: Session) -> None:
    with viewer.session_transaction() as cookie:
        sid = cookie["sid"]
    idle = timedelta(minutes=30)
    assert user_sessions.open_among(session, {sid, "another"}, now=utc_now(), idle=idle) == {sid}
    assert user_sessions.open_among(session, {sid}, now=utc_now() + 2 * idle, idle=idle) == set()


def test_where_the_process_ends_every_stream_is_let_go_and_may_come_again(open_stream: Open, app: Flask) -> None:
    both = [open_stream(), open_stream(ETH)]
    listening(app, 2)
    hub(app).end_all()
    assert all(one.ends_within(2) for one in both)
    listening(app, 0)


def test_a_redis_that_is_away_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_hub, "PAUSE", 0.05)
    monkeypatch.setattr(live_hub, "IDLE", 0.5)
    lone = Hub("redis://127.0.0.1:1/0", 1, timedelta(minutes=5))
    client = lone.join(["binance:BTC/USDT"], "")
    assert client is not None
    lone.leave(client)
    until(lambda: lone._thread is None)
    assert [one.message for one in caplog.records].count("redis_does_not_answer") == 1
