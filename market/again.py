"""Candles with a huge wick that were stored lately: their exchange is asked for them twice more.

An exchange that errs puts it right within minutes; a wick that was real stays as it was. Redis remembers them: where it
is emptied, the questions of that day are forgotten, and the candles stay flagged.
"""

import time
from collections.abc import Callable

from core.shared import Numbers, SharedNumbers
from core.timeframe import Timeframe

AFTER_S = (600.0, 3_600.0)  # since it was stored
YOUNG_S = 86_400.0  # older candles were settled when they were first asked for
KEPT_S = 9 * 86_400.0  # since it opened: a week is the longest candle
LATER_S = 120.0  # where the exchange did not answer
ASKED = -1.0
KEY = "again"

Question = tuple[int, str, int]  # market, timeframe, open time in ms


def remember(
    shared: SharedNumbers,
    market_id: int,
    frame: Timeframe,
    opened: list[int],
    *,
    clock: Callable[[], float] = time.time,
) -> None:
    """Ask for these candles again, those that closed within a day; once remembered, again does not count."""
    now = clock()
    young = [at for at in opened if now - (at + frame.ms) / 1_000 < YOUNG_S]
    if not young:
        return

    def step(numbers: Numbers, _now: float) -> None:
        for name in [name for name in numbers if now - int(name.split(" ")[2]) / 1_000 > KEPT_S]:
            del numbers[name]
        for at in young:
            for number, after in enumerate(AFTER_S):
                numbers.setdefault(f"{market_id} {frame.name} {at} {number}", now + after)

    shared.change(KEY, step)


def due(shared: SharedNumbers, *, limit: int, clock: Callable[[], float] = time.time) -> list[Question]:
    """Questions whose time has come; nobody else gets the same ones."""
    now = clock()

    def step(numbers: Numbers, _now: float) -> list[str]:
        found = sorted(name for name, at in numbers.items() if at != ASKED and at <= now)[:limit]
        numbers.update(dict.fromkeys(found, ASKED))
        return found

    parted = (name.split(" ") for name in shared.change(KEY, step))
    return list(dict.fromkeys((int(market_id), frame, int(at)) for market_id, frame, at, _ in parted))


def put_back(shared: SharedNumbers, question: Question, *, clock: Callable[[], float] = time.time) -> None:
    """Ask that later: the exchange did not answer."""
    market_id, frame, at = question
    last = f"{market_id} {frame} {at} {len(AFTER_S) - 1}"
    shared.change(KEY, lambda numbers, _now: numbers.update({last: clock() + LATER_S}))
