"""What `train` may be told about seeds, folds and size, and what it takes where nothing is said."""

import argparse
from typing import Any


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", type=int, help="at most; early stopping may end sooner")
    parser.add_argument(
        "--seeds", type=int, help="networks trained from different seeds; fewer than 5 are a quick look"
    )
    parser.add_argument(
        "--walk-forward",
        nargs="?",
        const="rolling",
        choices=("rolling", "anchored"),
        help="train and test step by step through time, as a verdict of skill needs",
    )
    parser.add_argument("--folds", type=int, metavar="N", help="steps of the walk-forward")
    parser.add_argument("--train-days", type=int, metavar="N", help="days each rolling step is trained on")
    parser.add_argument("--every", type=int, metavar="N", help="decide on every Nth bar only")
    parser.add_argument("--full", action="store_true", help="the walk-forward at its full size: every bar, 60 epochs")
    parser.add_argument("--cost", type=float, metavar="SHARE", help="of a round trip, such as 0.002")


def read(asked: argparse.Namespace) -> dict[str, Any]:
    """Arguments of the training job; a walk-forward has 5 seeds and the size that ends within the hour."""
    from ml import config

    return config.sized(
        asked.walk_forward,
        asked.horizon,
        full=asked.full,
        folds=asked.folds,
        epochs=asked.epochs,
        stride=asked.every,
        seeds=asked.seeds,
        train_days=asked.train_days,
        cost=asked.cost,
    )
