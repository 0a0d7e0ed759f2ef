"""A seeded plan of everything that goes wrong with an exchange, minute by minute, and who asked when he should not."""

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.drills.stage import Replay, say

PATHS = {"binance": "^/api/v3", "kraken": "^/kraken", "coinbase": "^/coinbase"}
RETRY_AFTER = {429: 10.0, 418: 20.0}
OF_ANSWERS: tuple[dict[str, Any], ...] = (
    {"fault": "http429", "retry_after": 10, "count": 3},
    {"fault": "http418", "retry_after": 20, "count": 1},
    {"fault": "truncated", "count": 4},
    {"fault": "html200", "count": 4},
    {"fault": "malformed_json", "count": 4},
    {"fault": "empty_body", "count": 3},
    {"fault": "status", "code": 502, "count": 4},
    {"fault": "reset", "count": 4},
    {"fault": "timeout", "s": 15, "count": 1},
)
OF_CANDLES: tuple[dict[str, Any], ...] = (
    {"fault": "gap_candles", "every": 3},
    {"fault": "dup_candles", "every": 2},
    {"fault": "nan_candles", "every": 2, "value": "NaN"},
    {"fault": "spike", "every": 2, "factor": 10},
    {"fault": "neg_price"},
    {"fault": "unsorted_candles"},
    {"fault": "short_page", "n": 1},
    {"fault": "clock_skew", "ms": 90_000},
    {"fault": "clock_skew", "ms": -90_000},
)
OF_STREAMS = ("silent", "drop", "garbage", "refuse")
LASTING = {"fault": "spike", "every": 2, "factor": 10, "match": PATHS["coinbase"]}  # alike in every answer …
LASTING_S = 330.0  # … for longer than a fault of minutes
SLOT_S, ACTIVE_S = 60.0, 50.0
ON_TIME_S = 0.05


@dataclass
class Faults:
    """Plays one fault of answers, one of candles and often one of streams in every minute, until `stop`.

    From the beginning, one exchange tells the same false prices for five and a half minutes without a break.
    """

    exchange: Replay
    seed: int
    stop: threading.Event = field(default_factory=threading.Event)
    played: list[str] = field(default_factory=list)
    lasts_until: float = 0.0

    def play(self) -> None:
        dice = random.Random(self.seed)
        answers, candles, streams = _endless(dice, OF_ANSWERS), _endless(dice, OF_CANDLES), _endless(dice, OF_STREAMS)
        self.lasts_until = time.monotonic() + LASTING_S
        self.exchange.order("/__control", **LASTING)
        say(f"fault that lasts {LASTING_S:g} s: coinbase: spike")
        while not self.stop.is_set():
            one, two = dice.sample(sorted(PATHS), 2)
            orders = [next(answers) | {"match": PATHS[one]}, next(candles) | {"match": PATHS[two]}]
            stream = next(streams) if dice.random() < 0.7 else ""
            self._note(one, orders[0], two, orders[1], stream)
            for fault in orders:
                self.exchange.order("/__control", **fault)
            if stream:
                self.exchange.order("/__ws", action=stream)
            self.stop.wait(ACTIVE_S)
            self.end()
            self.stop.wait(SLOT_S - ACTIVE_S)

    def _note(self, one: str, first: dict[str, Any], two: str, second: dict[str, Any], stream: str) -> None:
        told = f"{one}: {first['fault']}; {two}: {second['fault']}" + (f"; streams: {stream}" if stream else "")
        self.played.append(told)
        say(f"fault {told}")

    def end(self) -> None:
        """Everything but the fault that lasts works again; the log of requests stays."""
        self.exchange.order("/__control", fault="none")
        if time.monotonic() < self.lasts_until and not self.stop.is_set():
            self.exchange.order("/__control", **LASTING)
        self.exchange.order("/__ws", action="resume")
        self.exchange.order("/__ws", action="accept")


def _endless(dice: random.Random, kinds: Any) -> Any:
    """All of them in a random order, again and again."""
    while True:
        yield from dice.sample(kinds, len(kinds))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the exchange's log says: requests and openings of streams, and those that came before a Retry-After."""

    requests: dict[str, int]
    streams: int
    waits: int
    early: list[str]


def asked(log: list[dict[str, Any]]) -> Asked:
    """Judge a log; a request that was on its way when the wait was asked for counts as in time."""
    counts = {name: sum(entry["path"].startswith(path[1:]) for entry in log) for name, path in PATHS.items()}
    early: list[str] = []
    waits = [entry for entry in log if entry["status"] in RETRY_AFTER]
    for wait in waits:
        name = next(name for name, path in PATHS.items() if wait["path"].startswith(path[1:]))
        told = wait["t"] + wait["ms"] / 1_000
        until = told + RETRY_AFTER[wait["status"]]
        for entry in log:
            of_it = entry["path"].startswith(PATHS[name][1:]) or (entry["method"] == "WS" and name == "binance")
            if of_it and told + ON_TIME_S < entry["t"] < until - ON_TIME_S:
                early.append(f"{name} {entry['method']} {entry['path']}: {until - entry['t']:.1f} s early")
    return Asked(counts, sum(entry["method"] == "WS" for entry in log), len(waits), early)
