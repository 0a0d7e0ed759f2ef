"""The verdict on series whose answer is known: `python -m tests.drills.skill` (5 random walks), `--full` (20).

A random walk of 6,000 candles has to be called `no_demonstrated_skill`, a series with a planted drift `skilled`. Each
is a walk-forward with the prescribed network; every part is trained in this process. Ends with 1 where one is not so.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from core.ohlcv import Candles
from ml import build, dataset, parts, walk
from ml.card import NO_SKILL, SKILLED, Card
from ml.config import TrainingConfig, first_seeds
from ml.dataset import Frame
from ml.features import NAMES
from tests.ml.series import planted_drift, random_walk

MARKET = "demo:KNOWN/USDT"
CANDLES = 6_000
DRIFT = 6  # bars ahead: shorter than the planted direction lasts, so that it can be known


def config(seeds: int) -> TrainingConfig:
    """The size `train --walk-forward` takes."""
    return TrainingConfig((MARKET,), "1h", 24, epochs=8, seeds=first_seeds(seeds), scheme="rolling", folds=4, stride=4)


# More steps than the default has room for in so short a series, and as many seeds as a promotable model needs.
PLANTED = replace(config(5), horizon=DRIFT, stride=2, epochs=12)


def judged(candles: Candles, asked: TrainingConfig) -> Card:
    """The card of a walk-forward on the candles."""
    frames = [Frame(MARKET, True, candles)]
    net = walk.start(asked, len(NAMES))
    trained, prepared = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for key in parts.keys(asked):
            if key.fold not in prepared:
                prepared = {key.fold: dataset.prepare(frames, asked, fold=key.fold)}
            trained[key] = parts.train(
                net,
                prepared[key.fold],
                key,
                folder=Path(folder),
                on_epoch=lambda _: None,
                on_step=lambda _: None,
                each_batch=lambda: None,
            )
    made = build.assemble(
        frames, asked, trained, now_ms=0, each_batch=lambda: None, on_stage=lambda _fraction, _message: None
    )
    return made.card


def line(name: str, card: Card, seconds: float) -> str:
    base = card.baseline("climatology").model_against
    return (
        f"{name:<18} {card.verdict:<22} MCC {card.metrics.mcc:+.3f}  gain {base.gain:+.4f} nats, p {base.p_value:.3f}  "
        f"n {card.metrics.n}  leak lab {card.leak_lab}  {seconds:.0f} s"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.skill")
    parser.add_argument("--full", action="store_true", help="20 random walks of 5 seeds instead of 5 of 1")
    full = parser.parse_args(arguments).full
    asked = config(5 if full else 1)
    walks = range(1, 21 if full else 6)
    cases: list[tuple[str, Candles, str, TrainingConfig]] = [
        (f"random walk {seed}", random_walk(CANDLES, seed=seed), NO_SKILL, asked) for seed in walks
    ]
    cases.append(("planted drift", planted_drift(CANDLES, seed=1), SKILLED, PLANTED))
    wrong = 0
    for name, candles, expected, its in cases:
        began = time.monotonic()
        card = judged(candles, its)
        wrong += card.verdict != expected
        print(line(name, card, time.monotonic() - began), flush=True)
    print(f"{len(cases) - wrong} of {len(cases)} as expected.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
