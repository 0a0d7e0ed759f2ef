"""The demo exchange speaks Binance's protocol, orders faults, and is closed to web pages."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from tests.demo.server import Server, running

HOUR = 3_600_000


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    running_server.forget()
    yield running_server
    running_server.forget()


def ask(server: Server, path: str, *, body: object = None, method: str | None = None, **headers: str):
    asked = method or ("GET" if body is None else "POST")
    answer = requests.request(asked, server.url + path, json=body, headers=headers, timeout=5)
    text = answer.text
    return answer.status_code, json.loads(text) if text[:1] in ("{", "[") else text


def now_ms() -> int:
    return int(time.time() * 1_000)


def test_ping_and_time(server: Server) -> None:
    assert ask(server, "/api/v3/ping") == (200, {})
    assert abs(ask(server, "/api/v3/time")[1]["serverTime"] - now_ms()) < 2_000


def test_twelve_markets_are_listed_with_their_ticks(server: Server) -> None:
    symbols = {s["symbol"]: s for s in ask(server, "/api/v3/exchangeInfo")[1]["symbols"]}
    assert len(symbols) == 12
    filters = {f["filterType"]: f for f in symbols["BTCUSDT"]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    one = ask(server, "/api/v3/exchangeInfo?symbol=ETHUSDT")[1]["symbols"]
    assert [s["baseAsset"] for s in one] == ["ETH"]


def test_klines_have_twelve_columns_and_end_with_the_forming_one(server: Server) -> None:
    rows = ask(server, "/api/v3/klines?symbol=BTCUSDT&interval=1h")[1]
    assert len(rows) == 500
    assert {len(r) for r in rows} == {12}
    assert rows[-1][0] <= now_ms() < rows[-1][0] + HOUR
    assert rows[0][6] == rows[0][0] + HOUR - 1


def test_klines_from_a_start_come_oldest_first_up_to_the_limit(server: Server) -> None:
    start = now_ms() // HOUR * HOUR - 5_000 * HOUR
    rows = ask(server, f"/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime={start}&limit=5000")[1]
    assert [rows[0][0], len(rows), rows[-1][0]] == [start, 1_000, start + 999 * HOUR]
    few = ask(server, f"/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime={start}&endTime={start + 3 * HOUR}")[1]
    assert few == rows[:4]


def test_klines_from_before_the_first_candle_begin_with_it(server: Server) -> None:
    rows = ask(server, "/api/v3/klines?symbol=BTCUSDT&interval=1d&startTime=0&limit=2")[1]
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("interval=1h", -1102),
        ("symbol=NOPE&interval=1h", -1121),
        ("symbol=BTCUSDT&interval=7h", -1120),
        ("symbol=BTCUSDT&interval=1h&limit=x", -1100),
        ("symbol=BTCUSDT&interval=1h&limit=0", -1130),
    ],
)
def test_wrong_questions_get_binances_error_codes(server: Server, query: str, code: int) -> None:
    status, answer = ask(server, f"/api/v3/klines?{query}")
    assert (status, answer["code"]) == (400, code)


def test_tickers_depth_and_klines_agree(server: Server) -> None:
    for _ in range(3):  # the price may move between two requests
        price = float(ask(server, "/api/v3/ticker/price?symbol=SOLUSDT")[1]["price"])
        day = ask(server, "/api/v3/ticker/24hr?symbol=SOLUSDT")[1]
        book = ask(server, "/api/v3/depth?symbol=SOLUSDT&limit=5")[1]
        if float(day["lastPrice"]) == price:
            break
    assert float(day["lowPrice"]) <= float(day["lastPrice"]) <= float(day["highPrice"])
    assert float(day["lastPrice"]) == pytest.approx(price, rel=0.01)
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    assert len(ask(server, "/api/v3/ticker/24hr")[1]) == 12
    assert len(ask(server, '/api/v3/ticker/price?symbols=["BTCUSDT","ETHUSDT"]'.replace('"', "%22"))[1]) == 2
    assert ask(server, "/api/v3/ticker/price?symbols=oops")[0] == 400


def test_a_fault_strikes_as_often_as_it_was_ordered(server: Server) -> None:
    ask(server, "/__control", body={"fault": "status", "code": 503, "match": "time", "count": 2})
    assert [ask(server, "/api/v3/time")[0] for _ in range(3)] == [503, 503, 200]
    assert ask(server, "/api/v3/ping")[0] == 200
    assert ask(server, "/__control")[1]["faults"][0]["hits"] == 2


def test_latency_delays_the_answer(server: Server) -> None:
    ask(server, "/__control", body={"fault": "latency", "seconds": 0.3})
    began = time.monotonic()
    assert ask(server, "/api/v3/ping")[0] == 200
    assert time.monotonic() - began >= 0.3


def test_a_null_fault_ends_all(server: Server) -> None:
    ask(server, "/__control", body={"fault": "html"})
    ask(server, "/__control", body={"fault": None})
    assert ask(server, "/api/v3/ping") == (200, {})


@pytest.mark.parametrize(
    "wish", [{"fault": "no such"}, {"fault": "html", "match": "("}, {"fault": "html", "count": "x"}, []]
)
def test_an_order_that_makes_no_sense_is_refused(server: Server, wish: object) -> None:
    status, answer = ask(server, "/__control", body=wish)
    assert status == 400
    assert answer["error"]


def test_a_spike_stays_a_candle(server: Server) -> None:
    ask(server, "/__control", body={"fault": "spike", "every": 10, "factor": 5})
    rows = ask(server, "/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=20")[1]
    assert [k for k, r in enumerate(rows) if float(r[2]) > 2 * float(r[1])] == [9, 19]


def test_the_log_tells_what_came(server: Server) -> None:
    ask(server, "/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=1")
    log = ask(server, "/__log")[1]
    assert [(e["path"], e["query"]["symbol"]) for e in log] == [("/api/v3/klines", "BTCUSDT")]
    assert ask(server, "/__log", method="DELETE") == (200, [])


def test_web_pages_cannot_order_faults(server: Server) -> None:
    assert ask(server, "/__control", body={"fault": "html"}, Origin="https://evil.example")[0] == 403
    assert ask(server, "/__control", body={"fault": "html"}, Host="evil.example")[0] == 403
    assert ask(server, "/__log", Host="evil.example:80")[0] == 403
    assert ask(server, "/api/v3/ping") == (200, {})


def test_the_program_serves_on_the_port_it_is_given_and_ends_when_told() -> None:
    with subprocess.Popen([sys.executable, "-m", "demo", "--port", "0"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        url = json.loads(child.stdout.readline())["url"]
        assert requests.get(url + "/api/v3/ping", timeout=5).status_code == 200
        child.terminate()
        assert child.wait(10) == 0
