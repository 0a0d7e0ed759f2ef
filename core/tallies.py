"""Counts that many processes add to and /metrics shows; kept in Redis, added every few seconds."""

import threading
from collections import Counter
from collections.abc import Mapping

from core.shared import Numbers, SharedNumbers

STREAM = "stream:"  # + exchange: what its live process has seen
HUB = "hub"  # what web processes have handed out
HUB_OPEN = "hub-open"  # {unit: open streams}, and {unit + SEEN: when it said so}
SEEN = "@"
FORGOTTEN_S = 60.0  # a unit not heard of for so long has no streams any more
HEARD = "heard_at"  # seconds since 1970; not added, but set


class Tallies:
    """Counts of one process under one key; `add` is cheap, `flush` brings them to the others."""

    def __init__(self, shared: SharedNumbers, key: str) -> None:
        self._shared = shared
        self._key = key
        self._lock = threading.Lock()
        self._new: Counter[str] = Counter()
        self._moments: Numbers = {}

    def add(self, word: str, n: int = 1) -> None:
        self.add_all({word: n})

    def add_all(self, counted: Mapping[str, int]) -> None:
        with self._lock:
            for word, n in counted.items():
                self._new[word] += n

    def mark(self, word: str, at: float) -> None:
        """Set a moment instead of adding."""
        with self._lock:
            self._moments[word] = at

    def flush(self) -> None:
        """Add what is new to everybody's numbers."""
        with self._lock:
            new, self._new = self._new, Counter()
            moments, self._moments = self._moments, {}
        if not new and not moments:
            return

        def step(numbers: Numbers, _now: float) -> None:
            for word, n in new.items():
                numbers[word] = numbers.get(word, 0) + n
            numbers.update(moments)

        self._shared.change(self._key, step)


def read(shared: SharedNumbers, key: str) -> Numbers:
    """Everybody's numbers under a key."""
    return shared.change(key, lambda numbers, _now: dict(numbers))


def note_open(shared: SharedNumbers, unit: str, streams: int) -> None:
    """Say how many streams this process has open."""

    def step(numbers: Numbers, now: float) -> None:
        numbers[unit], numbers[unit + SEEN] = streams, now

    shared.change(HUB_OPEN, step)


def open_streams(shared: SharedNumbers) -> int:
    """Of all processes that were heard of lately; the others are forgotten."""

    def step(numbers: Numbers, now: float) -> int:
        units = [name for name in numbers if not name.endswith(SEEN)]
        for unit in units:
            if now - numbers.get(unit + SEEN, 0.0) > FORGOTTEN_S:
                del numbers[unit]
                numbers.pop(unit + SEEN, None)
        return int(sum(n for name, n in numbers.items() if not name.endswith(SEEN)))

    return shared.change(HUB_OPEN, step)
