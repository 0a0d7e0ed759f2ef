"""Candles that are one, and may be a fault of the exchange all the same: prices far outside what was paid around them.

A wick that leaves its own body by a quarter is believed at once when stream and REST tell it alike; else when it is
told again and again, unchanged, for longer than exchanges are usually wrong. Until then it is left out, as a hole that
is asked for again. Real ones are as rare as they are worth some minutes' patience.
"""

import math
import time
from collections.abc import Callable

import numpy as np

import db.engine
from core import job_queue
from core.ohlcv import Candles
from core.shared import Numbers, SharedNumbers
from core.timeframe import Timeframe
from db.tables import Market
from market import refused
from market.quality import Bools, Reason

FAR = math.log(1.25)  # of high above the body, or low under it
BELIEVED_S = 600.0  # from the first to the last of the answers that agree …
ANSWERS = 3  # … of which there are at least so many …
APART_S = 25.0  # … each so long after the one before
TOLD_BY_STREAM = refused.STREAM
FORGOTTEN_S = 6 * 3_600.0

_alone = SharedNumbers(None)


def far_out(candles: Candles) -> Bools:
    """(n,): True where high or low leaves the body of its candle by FAR."""
    above = np.log(candles.high / np.maximum(candles.open, candles.close))
    below = np.log(np.minimum(candles.open, candles.close) / candles.low)
    found: Bools = np.maximum(above, below) > FAR
    return found


def believed(
    market_id: int, frame: Timeframe, candles: Candles, *, by: str = "", clock: Callable[[], float] = time.time
) -> Candles:
    """The candles without those that are far out and were not told so before; all processes remember together.

    `by` is TOLD_BY_STREAM for what a stream tells, which is another witness than the answers to requests.
    """
    doubtful = far_out(candles)
    if not doubtful.any():
        return candles
    told = {_word(candles, int(k)): int(k) for k in np.nonzero(doubtful)[0]}
    now = clock()

    def step(numbers: Numbers, _now: float) -> tuple[set[str], int]:
        _forget(numbers, now)
        new = sum(word not in numbers and f"{word} {TOLD_BY_STREAM}" not in numbers for word in told)
        return {word for word in told if _heard(numbers, word, by, now)}, new

    sure, new = remembered().change(f"doubts:{market_id}:{frame.name}", step)
    if new:
        _note(market_id, frame, by, new)
    keep = ~doubtful
    keep[[told[word] for word in sure]] = True
    return candles[keep]


def _note(market_id: int, frame: Timeframe, by: str, new: int) -> None:
    """Count candles that are kept back, each once."""
    counts = {str(Reason.FAR_OUT): new}
    with db.engine.session() as session:
        market = session.get(Market, market_id)
    if market is not None:
        refused.tally(remembered(), market.exchange, "rejected", counts)
        refused.note(market.exchange, market.symbol, frame.name, by or refused.REQUEST, counts)


def _heard(numbers: Numbers, word: str, by: str, now: float) -> bool:
    """Note one answer; True where it is to be believed. Of each word: first told, last told, how often, by stream."""
    streamed = f"{word} {TOLD_BY_STREAM}"
    if by == TOLD_BY_STREAM:
        numbers[streamed] = now
        return word in numbers
    first = numbers.setdefault(word, now)
    last, times = f"{word} last", f"{word} times"
    if now - numbers.get(last, -math.inf) >= APART_S:
        numbers[last], numbers[times] = now, numbers.get(times, 0) + 1
    return streamed in numbers or (now - first >= BELIEVED_S and numbers[times] >= ANSWERS)


def _forget(numbers: Numbers, now: float) -> None:
    """Drop what was first told long ago, with all that is known of it."""
    old = {" ".join(name.split(" ")[:3]) for name, at in numbers.items() if _is_time(name) and now - at > FORGOTTEN_S}
    for name in [name for name in numbers if " ".join(name.split(" ")[:3]) in old]:
        del numbers[name]


def _is_time(name: str) -> bool:
    return not name.endswith((" last", " times"))


def _word(candles: Candles, k: int) -> str:
    return f"{int(candles.time[k])} {float(candles.high[k])!r} {float(candles.low[k])!r}"


def remembered() -> SharedNumbers:
    """What all processes know together; this one's own where it was never connected."""
    try:
        return SharedNumbers(job_queue.redis())
    except RuntimeError:  # a command that only reads was never connected
        return _alone
