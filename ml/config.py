"""What a training is asked to do: one frozen, checked object, stored with the version as `config.json`."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from core import market_name, timeframe
from core.errors import Refused
from core.timeframe import Timeframe

UNITS = (128, 64, 32)  # prescribed
WINDOW = 60  # prescribed, bars
EPOCHS = 60
PATIENCE = 8  # epochs without a better validation loss before training stops
BATCH = 256  # at most; from 256 up one thread computes no more windows a second
LEARNING_RATE = 1e-3
DROPOUT = 0.2
SIGMA_SPAN = 100  # bars; the labels' volatility
TRAIN_SHARE, VALIDATION_SHARE = 0.70, 0.15  # of the time axis; the rest is the test period
EMBARGO_SHARE = 0.01  # of all bars, and never less than the horizon
COST = 0.002  # a round trip, as a fraction: for the break-even line and the least distance of the barriers
MAX_HORIZON = 288
SPELT = 3  # markets named in a family's name
MAX_MARKETS = 20
MAX_SEEDS = 20
FEW_SEEDS = 5  # fewer are a quick look
LEAST_JUDGED = 50  # windows validation and test must hold at least
SINGLE, ROLLING, ANCHORED = "single", "rolling", "anchored"
SCHEMES = (SINGLE, ROLLING, ANCHORED)
MAX_FOLDS = 60
TRAIN_DAYS = 365  # of a walk-forward's training span; never more than half of the time axis
WALK_FOLDS, WALK_EPOCHS, WALK_STRIDE = 4, 8, 4  # the size that ends within the hour; `--full` is every bar, 60 epochs
FULL_FOLDS = 8


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """`markets` are names such as `binance:BTC/USDT`; `horizon` is in bars; every seed is a network of its own.

    `scheme`: `single` is one split, a quick look; `rolling` and `anchored` are walk-forwards of `folds` steps, each
    trained on `train_days` before it, or on everything before it. `stride`: every how many bars a decision is taken.
    """

    markets: tuple[str, ...]
    timeframe: str
    horizon: int
    epochs: int = EPOCHS
    seeds: tuple[int, ...] = (1,)
    window: int = WINDOW
    units: tuple[int, ...] = UNITS
    dropout: float = DROPOUT
    batch: int = BATCH
    learning_rate: float = LEARNING_RATE
    patience: int = PATIENCE
    sigma_span: int = SIGMA_SPAN
    cost: float = COST
    scheme: str = SINGLE
    folds: int = 1
    train_days: int = TRAIN_DAYS
    stride: int = 1

    def __post_init__(self) -> None:
        timeframe.parse(self.timeframe)
        if not 1 <= len(self.markets) <= MAX_MARKETS:
            raise Refused(f"Choose 1 to {MAX_MARKETS} markets; there are {len(self.markets)}.")
        if len(set(self.markets)) < len(self.markets):
            raise Refused("A market is named twice. Name each market once.")
        for name in self.markets:
            market_name.parse(name)
        if not 1 <= self.horizon <= MAX_HORIZON:
            raise Refused(f"A horizon of {self.horizon} bars is not possible. Choose 1 to {MAX_HORIZON}.")
        if not 1 <= self.epochs <= 1_000:
            raise Refused(f"{self.epochs} epochs are not possible. Choose 1 to 1,000.")
        _check_count(len(self.seeds))
        if not 0 <= self.cost <= 0.2:
            raise Refused("Costs of a round trip are 0 to 20 %.")
        self._check_walk()

    def _check_walk(self) -> None:
        if self.scheme not in SCHEMES:
            raise Refused(f"“{self.scheme}” is no way to split. Choose one of {', '.join(SCHEMES)}.")
        if not 1 <= self.stride <= self.horizon:
            raise Refused(f"Every {self.stride}th bar is not possible. Choose 1 to the horizon, {self.horizon}.")
        if self.scheme == SINGLE and self.folds != 1:
            raise Refused("A single split has no folds. Choose a rolling or an anchored walk-forward.")
        if self.walks and not 2 <= self.folds <= MAX_FOLDS:
            raise Refused(f"{self.folds} folds are not possible. Choose 2 to {MAX_FOLDS}.")
        if not 30 <= self.train_days <= 3_650:
            raise Refused(f"{self.train_days} days of training are not possible. Choose 30 to 3,650.")

    @property
    def walks(self) -> bool:
        """Whether this is a walk-forward."""
        return self.scheme != SINGLE

    @property
    def train_bars(self) -> int:
        """Bars of a walk-forward's training span."""
        return self.train_days * 86_400_000 // self.step.ms

    @property
    def step(self) -> Timeframe:
        return timeframe.parse(self.timeframe)

    @property
    def family(self) -> str:
        """The name versions are counted under, such as `binance-btc-usdt-1h-h24`; the order of markets is no matter.

        Where names alone would leave it open which markets are meant, a few digits of their hash follow.
        """
        names = sorted(market_name.parse(name) for name in self.markets)
        exchanges = sorted({n.exchange for n in names})
        words = [*exchanges, *(n.symbol for n in names[:SPELT]), self.timeframe, f"h{self.horizon}"]
        if len(names) > SPELT or len(exchanges) > 1:
            words.insert(-2, hashlib.sha256(" ".join(map(str, names)).encode()).hexdigest()[:6])
        return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")

    @property
    def work(self) -> str:
        """Names this very training, every knob and seed of it: asked for twice, it is one job while that is open."""
        asked = self.to_dict() | {"markets": sorted(self.markets)}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
        return f"train:{self.family}:{digest}"

    @property
    def least_candles(self) -> int:
        """Candles a market needs so that each segment holds a fair number of windows."""
        share = 1 / (2 * (self.folds + 1)) if self.walks else 1 - TRAIN_SHARE - VALIDATION_SHARE
        warm = max(self.sigma_span, 50) + 10
        return warm + math.ceil((self.window + 2 * self.horizon + LEAST_JUDGED * self.stride) / share)

    def to_dict(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def sized(
    scheme: str | None,
    horizon: int,
    *,
    full: bool = False,
    folds: int | None = None,
    epochs: int | None = None,
    stride: int | None = None,
    seeds: int | None = None,
    train_days: int | None = None,
    cost: float | None = None,
) -> dict[str, Any]:
    """Arguments of a training job, with what is usual for the scheme where nothing was said.

    A walk-forward has 5 seeds and the size that ends within the hour; `full` is one of every bar and 60 epochs, rolling
    where no scheme was named. Raises Refused for the full size of a single split.
    """
    if full and scheme == SINGLE:
        raise Refused("A single split has no full size. Choose a rolling or an anchored walk-forward.")
    scheme = scheme or (ROLLING if full else SINGLE)
    usual = {"folds": 1, "epochs": EPOCHS, "stride": 1, "seeds": 1}
    if full:
        usual |= {"folds": FULL_FOLDS, "seeds": FEW_SEEDS}
    elif scheme != SINGLE:
        short = min(WALK_STRIDE, max(horizon, 1))
        usual = {"folds": WALK_FOLDS, "epochs": WALK_EPOCHS, "stride": short, "seeds": FEW_SEEDS}
    said = {"folds": folds, "epochs": epochs, "stride": stride, "seeds": seeds}
    return {
        "scheme": scheme,
        **{name: usual[name] if value is None else value for name, value in said.items()},
        "train_days": TRAIN_DAYS if train_days is None else train_days,
        "cost": COST if cost is None else cost,
    }


def first_seeds(count: int) -> tuple[int, ...]:
    """Seeds 1 to `count`; raises Refused before a huge number would fill the memory."""
    _check_count(count)
    return tuple(range(1, count + 1))


def _check_count(seeds: int) -> None:
    if not 1 <= seeds <= MAX_SEEDS:
        raise Refused(f"{seeds} seeds are not possible. Choose 1 to {MAX_SEEDS}.")


def from_dict(data: dict[str, Any]) -> TrainingConfig:
    """Read `to_dict`'s output back."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return TrainingConfig(**values)
