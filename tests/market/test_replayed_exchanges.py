"""Real candles, replayed as Binance, Kraken and Coinbase, reach the gateway through ccxt as it comes."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

pytestmark = pytest.mark.shared

HOUR = 3_600_000
FAULTS = {
    "http429": "ExchangeBackOff",
    "http418": "ExchangeBackOff",
    "geo451": "ExchangeBlocked",
    "truncated": "ExchangeUnavailable",
    "html200": "ExchangeUnavailable",
    "nan_candles": "NotCandles",
    "neg_price": "NotCandles",
}
QUESTIONS: list[tuple[str, str, int, str | None]] = [
    *((name, "1h", 200, None) for name in ("binance", "kraken", "coinbase")),
    *((name, "4h", 400, None) for name in ("binance", "coinbase")),
    ("kraken", "1h", 5_000, None),
    *(("binance", "1h", 50, fault) for fault in FAULTS),
]

# runs in a process of its own, whose traffic to exchanges leads to the replay
PROGRAM = """
import json, os, sys, time
import requests
from core.errors import BoltError
from market import ccxt_gateway

control, answers = os.environ["FAKE_EXCHANGE"] + "/__control", []
for name, timeframe, hours, fault in json.loads(sys.argv[1]):
    requests.post(control + "/reset", json={}, timeout=5)
    if fault:
        order = {"fault": fault, "match": "klines", "retry_after": 7}
        requests.post(control, json=order, timeout=5)
    gateway = ccxt_gateway.make(name, timeout_s=5)
    since = int(time.time() * 1000) - hours * 3_600_000
    try:
        got = gateway.candles("BTC/USDT", timeframe, since_ms=since, limit=gateway.page(timeframe))
        answers.append({"time": got.time.tolist(), "close": got.close.tolist(), "page": gateway.page(timeframe)})
    except BoltError as error:
        answers.append({"error": type(error).__name__})
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def told(shared: Path) -> dict[tuple[str, str, int, str | None], dict[str, Any]]:
    """The answer to each of QUESTIONS."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    replay = [sys.executable, str(shared / "tools/replay_exchange.py"), "--port", url.rpartition(":")[2]]
    replay.append(str(shared / "data/binance_BTC_USDT-1h_2024.csv.gz"))
    root = str(Path(__file__).resolve().parents[2])
    environ = {**os.environ, "FAKE_EXCHANGE": url, "FAKE_BLOCK": "1"}
    environ["PYTHONPATH"] = f"{shared / 'tools/redirect'}{os.pathsep}{root}"
    with subprocess.Popen(replay, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(url)
            asking = [sys.executable, "-c", PROGRAM, json.dumps(QUESTIONS)]
            said = subprocess.run(asking, env=environ, capture_output=True, text=True, check=True, timeout=120)
        finally:
            server.kill()
    return dict(zip(QUESTIONS, json.loads(said.stdout), strict=True))


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            requests.get(url + "/__control", timeout=1)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail("the replay did not start")


def test_three_exchanges_tell_the_same_closes(told) -> None:
    answers = {name: told[name, "1h", 200, None] for name in ("binance", "kraken", "coinbase")}
    closes = {name: dict(zip(a["time"], a["close"], strict=True)) for name, a in answers.items()}
    for name in ("kraken", "coinbase"):
        assert len(closes[name]) >= 198
        for at, close in closes[name].items():
            assert close == pytest.approx(closes["binance"][at], rel=1e-5)
    assert [a["page"] for a in answers.values()] == [1_000, 720, 300]
    assert max(answers["binance"]["time"]) + HOUR <= time.time() * 1_000


def test_four_hours_on_coinbase_are_made_of_hours(told) -> None:
    made, own = told["coinbase", "4h", 400, None], told["binance", "4h", 400, None]
    assert made["page"] == len(made["time"]) == 75
    assert made["time"] == own["time"][:75]
    assert made["close"] == pytest.approx(own["close"][:75], rel=1e-5)


def test_kraken_has_nothing_older_than_its_newest_720(told) -> None:
    assert told["kraken", "1h", 5_000, None]["time"] == []


@pytest.mark.parametrize(("fault", "error"), FAULTS.items())
def test_faults_are_said_in_our_words(told, fault: str, error: str) -> None:
    assert told["binance", "1h", 50, fault] == {"error": error}
