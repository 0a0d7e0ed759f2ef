"""Candles that are one, and may be a fault of the exchange all the same: prices far outside what was paid around them.

A wick that leaves its own body by a quarter is believed when it is told again, unchanged, a while later; until then it
is left out, as a hole that is asked for again. Real ones are as rare as they are worth a minute's patience.
"""

import math
import time
from collections.abc import Callable

import numpy as np

from core import job_queue
from core.ohlcv import Candles
from core.shared import Numbers, SharedNumbers
from core.timeframe import Timeframe
from market.quality import Bools

FAR = math.log(1.25)  # of high above the body, or low under it
BELIEVED_S = 55.0  # between two answers that agree: the next minute's asks again
FORGOTTEN_S = 6 * 3_600.0

_alone = SharedNumbers(None)


def far_out(candles: Candles) -> Bools:
    """(n,): True where high or low leaves the body of its candle by FAR."""
    above = np.log(candles.high / np.maximum(candles.open, candles.close))
    below = np.log(np.minimum(candles.open, candles.close) / candles.low)
    found: Bools = np.maximum(above, below) > FAR
    return found


def believed(market_id: int, frame: Timeframe, candles: Candles, *, clock: Callable[[], float] = time.time) -> Candles:
    """The candles without those that are far out and were not told so before; all processes remember together."""
    doubtful = far_out(candles)
    if not doubtful.any():
        return candles
    told = {_word(candles, int(k)): int(k) for k in np.nonzero(doubtful)[0]}
    now = clock()

    def step(numbers: Numbers, _now: float) -> set[str]:
        for word in [word for word, at in numbers.items() if now - at > FORGOTTEN_S]:
            del numbers[word]
        return {word for word in told if now - numbers.setdefault(word, now) >= BELIEVED_S}

    sure = _shared().change(f"doubts:{market_id}:{frame.name}", step)
    keep = ~doubtful
    keep[[told[word] for word in sure]] = True
    return candles[keep]


def _word(candles: Candles, k: int) -> str:
    return f"{int(candles.time[k])} {float(candles.high[k])!r} {float(candles.low[k])!r}"


def _shared() -> SharedNumbers:
    try:
        return SharedNumbers(job_queue.redis())
    except RuntimeError:  # a command that only reads was never connected
        return _alone
