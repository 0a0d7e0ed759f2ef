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

    walks = asked.walk_forward is not None or asked.full
    folds, epochs, stride, seeds = 1, config.EPOCHS, 1, 1
    if walks:
        folds, epochs, stride, seeds = config.WALK_FOLDS, config.WALK_EPOCHS, config.WALK_STRIDE, config.FEW_SEEDS
    if asked.full:
        folds, epochs, stride = config.FULL_FOLDS, config.EPOCHS, 1
    return {
        "scheme": (asked.walk_forward or config.ROLLING) if walks else config.SINGLE,
        "folds": folds if asked.folds is None else asked.folds,
        "epochs": epochs if asked.epochs is None else asked.epochs,
        "stride": (min(stride, asked.horizon) if stride > 1 else stride) if asked.every is None else asked.every,
        "seeds": seeds if asked.seeds is None else asked.seeds,
        "train_days": config.TRAIN_DAYS if asked.train_days is None else asked.train_days,
        "cost": config.COST if asked.cost is None else asked.cost,
    }
