"""P2: the outputs of P1 at one new candle on 10k of history, beside the `ta` package, which knows only all of it.

WMA is left out on both sides: `ta` alone takes a second for it.

The full run says what is right: the values must agree with it to 1e-9.
"""

import math
from statistics import median

import pandas as pd

from core.ohlcv import Candles
from market.indicators.compute import compute_all, newest
from tests.bench.p01_indicators import CHOSEN as THIRTEEN
from tests.bench.p01_indicators import by_ta
from tests.bench.table import Row
from tests.bench.timing import median_ms
from tests.candles import walk

CHOSEN = [one for one in THIRTEEN if one.indicator.key != "wma"]
N = 10_000
EQUAL = 1e-9


def agree(candles: Candles) -> None:
    """Raises AssertionError where a value differs from the full run's."""
    short, full = newest(candles, CHOSEN), compute_all(candles, CHOSEN)
    for key, lines in full.items():
        for name, line in lines.items():
            if not math.isclose(short[key][name], line[-1], rel_tol=EQUAL, abs_tol=EQUAL):
                raise AssertionError(f"{key} {name} at the new candle is not what the full run gives")


def run() -> list[Row]:
    candles = walk(N + 200)
    for n in range(N, N + 200, 20):
        agree(candles[:n])
    frame = pd.DataFrame({name: getattr(candles, name)[:N] for name in ("open", "high", "low", "close", "volume")})
    mine = candles[:N]
    rounds = [(median_ms(lambda: by_ta(frame), 1), median_ms(lambda: newest(mine, CHOSEN), 101)) for _ in range(7)]
    peer, bolt = (median(column) for column in zip(*rounds, strict=True))
    return [Row("P2", "12 outputs at a new candle, 10k stored", "ta", peer, bolt, "ms", 1_000)]
