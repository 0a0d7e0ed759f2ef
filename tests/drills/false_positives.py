"""How often forecasts that know nothing pass the test of losses: `python -m tests.drills.false_positives`.

Random walks labelled by the triple barrier, and three ways to lean to a side that have nothing to do with what follows:
always the same one, one that turns slowly at random, and the distance of the close from EMA 50. To first order such a
forecast saves lean × outcome nats a call against base rates, 0 on average: the border of what the test has to refuse.
Prints, for sample sizes from a quick look's up, the share called better at p < 0.05 by a plain Diebold–Mariano test
(Bartlett weights, normal distribution) and by `ml.comparison`; and the share that takes the verdict's hurdles together
(base rates, persistence, itself without direction, Brier skill), with probabilities around class shares learned from
other candles. ADR 0017 has the table. From `verdict.INDEPENDENT` independent calls on 5 % and two standard errors are
allowed: to the comparison on the mean of each forecast's lines, to the verdict on every line. Ends with 1 where more
pass. `--horizons 24 72`: these alone.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.ohlcv import Candles, Floats, Times
from ml import baselines, comparison, evaluation, labels, verdict
from ml.evaluation import Classes
from tests.candles import START_MS

HOUR, SIGMA, INSIDE = 3_600_000, 0.01, 6
EMA = 50
WIDTH = 0.8  # of barriers, σ·√horizon
TURNS = 1 / 33  # of its lean a slowly turning forecast forgets each bar
CASES = ((6, 1), (24, 1), (24, 4), (72, 1))  # horizon, and every how many bars a call is made
SIZES = (12, 30, 50, 100, 200)  # independent calls, about
PROMISED = 0.05
LEAN = 0.1  # of a probability, what a forecast adds to a side at one deviation of its lean
LEARNED = 3_000  # candles class shares and what follows each outcome are learned from
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


@dataclass(frozen=True, slots=True)
class Sample:
    """`lean`: how each forecast leans; `saved`: nats it saves, to first order; `before`: outcome that settled last."""

    lean: dict[str, Floats]
    saved: dict[str, Floats]
    y: Classes
    before: Classes
    times: Times
    worth: float


def samples(horizon: int, stride: int, n: int, count: int) -> Iterator[Sample]:
    """Samples of `n` calls each, cut out of long walks."""
    rng = np.random.default_rng([horizon, stride, n])
    together = max(1, 200_000 // (n * stride + horizon))  # samples cut out of one long walk
    for _ in range(math.ceil(count / together)):
        candles = walk(together * (n * stride + horizon) + 2 * EMA, rng)
        said = leans(candles, rng)
        at = 2 * EMA + (np.arange(together)[:, None] * (n * stride + horizon) + np.arange(n) * stride - 1).ravel()
        sigma = np.full(len(at), SIGMA)
        factors = labels.factors(sigma, WIDTH, horizon)
        found = labels.touch(candles, at, *factors, horizon=horizon, step_ms=HOUR)
        side, ends = found.y.astype(float) - 1, candles.time[np.minimum(found.end, len(candles) - 1)]
        for rows in np.arange(len(at)).reshape(together, n)[: count if together > count else together]:
            times = candles.time[at[rows]]
            worth = evaluation.effective_size(times, ends[rows], np.zeros(n, dtype=np.int16), HOUR)
            lean = {
                name: values[at[rows]] / values.std() if values.std() > 0 else values[at[rows]]
                for name, values in said.items()
            }
            saved = {name: values * side[rows] for name, values in lean.items()}
            yield Sample(lean, saved, found.y[rows], found.y[rows - math.ceil(horizon / stride)], times, worth)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a training span says: class shares, and the shares after each settled outcome."""

    shares: Floats
    after: Floats


def learned(horizon: int) -> Learned:
    """Class shares of candles that are not in any sample."""
    candles = walk(LEARNED, np.random.default_rng([horizon, 1]))
    at = np.arange(LEARNED - horizon - 1)
    y = labels.touch(
        candles, at, *labels.factors(np.full(len(at), SIGMA), WIDTH, horizon), horizon=horizon, step_ms=HOUR
    ).y
    counts = np.ones((3, 3))
    np.add.at(counts, (y[:-horizon], y[horizon:]), 1.0)
    return Learned(labels.shares(y), counts / counts.sum(axis=1, keepdims=True))


def skilled(sample: Sample, lean: Floats, known: Learned, overlap: int) -> bool:
    """Whether a forecast takes the hurdles of the verdict; majority is base rates here. Without direction it leans to
    the side it leans to on average: base rates of a short span are wrong, and whoever leans the other way all the time
    is nearer to the truth without knowing anything."""
    tilt = LEAN * np.clip(lean, -3, 3)
    p = known.shares * np.stack([1 - tilt, np.ones(len(tilt)), 1 + tilt], axis=1)
    p /= p.sum(axis=1, keepdims=True)
    base = np.tile(known.shares, (len(p), 1))
    ours = evaluation.log_losses(p, sample.y)
    for q in (base, known.after[sample.before], baselines.undirected(p, p.mean(axis=0))):
        if not comparison.compare(ours, evaluation.log_losses(q, sample.y), sample.times, horizon=overlap).beats:
            return False
    return bool(evaluation.briers(p, sample.y).mean() < evaluation.briers(base, sample.y).mean())


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
    parser.add_argument("--horizons", type=int, nargs="+", default=sorted({h for h, _ in CASES}), help="only these")
    asked = parser.parse_args(arguments)
    count = asked.samples
    tests, verdicts = dict[str, list[float]](), list[float]()
    print(
        "| horizon, every | independent calls | forecast | plain | as Bolt tests | verdict |\n|---|---|---|---|---|---|"
    )
    for horizon, stride in (case for case in CASES if case[0] in asked.horizons):
        known = learned(horizon)
        for size in SIZES:
            worth, shares = passed(horizon, stride, size, count, known)
            for name, (simple, tested, claimed) in shares.items():
                if worth >= verdict.INDEPENDENT:
                    tests.setdefault(name, []).append(tested)
                    verdicts.append(claimed)
                said = " | ".join(f"{100 * share:.1f} %" for share in (simple, tested, claimed))
                print(f"| {horizon}, {stride} | {worth:.0f} | {name} | {said} |", flush=True)
    allowed = PROMISED + 2 * math.sqrt(PROMISED * (1 - PROMISED) / count)
    means = {name: float(np.mean(found)) for name, found in tests.items()}
    told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in means.items())
    print(f"From {verdict.INDEPENDENT} independent calls on, on average: {told}.")
    print(f"Worst verdict: {100 * max(verdicts):.1f} %. Allowed: {100 * allowed:.1f} %.")
    return 1 if max(*means.values(), *verdicts) > allowed else 0


def passed(horizon: int, stride: int, size: int, count: int, known: Learned) -> tuple[float, dict[str, Floats]]:
    """Mean worth in independent calls, and per forecast the shares the plain test, Bolt's and the verdict let pass."""
    n, overlap = round(size * horizon * LIFE / stride), math.ceil(horizon / stride)
    found, worth = dict[str, list[tuple[bool, bool, bool]]](), list[float]()
    for sample in samples(horizon, stride, n, count):
        worth.append(sample.worth)
        for name, saved in sample.saved.items():
            tested = comparison.compare(-saved, np.zeros(n), sample.times, horizon=overlap).beats
            claimed = skilled(sample, sample.lean[name], known, overlap)
            found.setdefault(name, []).append((plain(saved, horizon), tested, claimed))
    return float(np.mean(worth)), {name: np.mean(rows, axis=0) for name, rows in found.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
