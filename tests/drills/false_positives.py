"""How often forecasts that know nothing pass the test of losses: `python -m tests.drills.false_positives`.

Random walks labelled by the triple barrier, and three ways to lean to a side that have nothing to do with what follows:
always the same one, one that turns slowly at random, and the distance of the close from EMA 50. To first order such a
forecast saves lean × outcome nats a call against base rates, 0 on average: the border of what the test has to refuse.
Prints, for sample sizes from a quick look's up, the share called better at p < 0.05 by a plain Diebold–Mariano test
(Bartlett weights, normal distribution) and by `ml.comparison`. ADR 0017 has the table. Ends with 1 where from
`verdict.INDEPENDENT` independent calls on more than 6 % pass.
"""

import argparse
import math
import sys
from collections.abc import Iterator

import numpy as np

from core.ohlcv import Candles, Floats, Times
from ml import comparison, evaluation, labels, verdict
from tests.candles import START_MS

HOUR, SIGMA, INSIDE = 3_600_000, 0.01, 6
EMA = 50
TURNS = 1 / 33  # of its lean a slowly turning forecast forgets each bar
CASES = ((6, 1), (24, 1), (24, 4), (72, 1))  # horizon, and every how many bars a call is made
SIZES = (12, 25, 50, 75, 100, 200)  # independent calls, about
ALLOWED = 0.06  # 5 % and what two thousand samples leave to chance
LIFE = 0.7  # of the horizon a label lasts on average


def walk(n: int, rng: np.random.Generator) -> Candles:
    """A random walk whose bars have the highs and lows of the steps inside them."""
    path = np.cumsum(rng.normal(0.0, SIGMA / math.sqrt(INSIDE), (n, INSIDE)).ravel()).reshape(n, INSIDE)
    opened = np.concatenate(([0.0], path[:-1, -1]))
    high, low = np.maximum(path.max(axis=1), opened), np.minimum(path.min(axis=1), opened)
    time = START_MS + np.arange(n, dtype=np.int64) * HOUR
    return Candles(time, np.exp(opened), np.exp(high), np.exp(low), np.exp(path[:, -1]), np.ones(n))


def smoothed(values: Floats, share: float) -> Floats:
    """Exponentially weighted mean, `share` of it new each step."""
    found, level = np.empty(len(values)), 0.0
    for number, value in enumerate(values.tolist()):
        level += share * (value - level)
        found[number] = level
    return found


def leans(candles: Candles, rng: np.random.Generator) -> dict[str, Floats]:
    """To which side, and how far, each forecast leans at the close of each bar."""
    price = np.log(candles.close)
    return {
        "one side": np.ones(len(price)),
        "turning": smoothed(rng.normal(size=len(price)), TURNS),
        "EMA 50": price - smoothed(price, 2 / (EMA + 1)),
    }


def samples(horizon: int, stride: int, n: int, count: int) -> Iterator[tuple[dict[str, Floats], Times, float]]:
    """What each forecast saves on `n` calls, when they were made, and what they are worth in independent ones."""
    rng = np.random.default_rng([horizon, stride, n])
    together = max(1, 200_000 // (n * stride + horizon))  # samples cut out of one long walk
    for _ in range(math.ceil(count / together)):
        candles = walk(together * (n * stride + horizon) + 2 * EMA, rng)
        said = leans(candles, rng)
        at = 2 * EMA + (np.arange(together)[:, None] * (n * stride + horizon) + np.arange(n) * stride - 1).ravel()
        sigma = np.full(len(at), SIGMA)
        factors = labels.factors(sigma, 0.8, horizon)
        found = labels.touch(candles, at, *factors, horizon=horizon, step_ms=HOUR)
        side, ends = found.y.astype(float) - 1, candles.time[np.minimum(found.end, len(candles) - 1)]
        for rows in np.arange(len(at)).reshape(together, n)[: count if together > count else together]:
            times = candles.time[at[rows]]
            worth = evaluation.effective_size(times, ends[rows], np.zeros(n, dtype=np.int16), HOUR)
            yield {name: lean[at[rows]] * side[rows] for name, lean in said.items()}, times, worth


def plain(saved: Floats, horizon: int) -> bool:
    """Diebold–Mariano with Bartlett weights up to lag h − 1 and the normal distribution."""
    moved = saved - saved.mean()
    total = float(moved @ moved)
    for k in range(1, min(horizon, len(moved))):
        total += 2 * (1 - k / horizon) * float(moved[k:] @ moved[:-k])
    return total > 0 and saved.sum() / math.sqrt(total) > 1.645


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.false_positives")
    parser.add_argument("--samples", type=int, default=2_000)
    count = parser.parse_args(arguments).samples
    worst = 0.0
    print("| horizon, every | independent calls | forecast | plain | as Bolt tests |\n|---|---|---|---|---|")
    for horizon, stride in CASES:
        for size in SIZES:
            n, passed, worth = round(size * horizon * LIFE / stride), dict[str, list[complex]](), 0.0
            drawn = 0
            for saved, times, independent in samples(horizon, stride, n, count):
                drawn, worth = drawn + 1, worth + independent
                for name, values in saved.items():
                    found = comparison.compare(-values, np.zeros(n), times, horizon=horizon)
                    passed.setdefault(name, []).append(plain(values, horizon) + 1j * found.beats)
            for name, both in passed.items():
                share = complex(np.mean(both))
                if worth / drawn >= verdict.INDEPENDENT:
                    worst = max(worst, share.imag)
                said = f"{100 * share.real:.1f} % | {100 * share.imag:.1f} %"
                print(f"| {horizon}, {stride} | {worth / drawn:.0f} | {name} | {said} |", flush=True)
    print(f"Worst from {verdict.INDEPENDENT} independent calls on: {100 * worst:.1f} %.")
    return 1 if worst > ALLOWED else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
