"""The public record of a model in a market: its settled calls beside what simple rules said on the very same candles.

What it is made of; `ml.scoring` draws it up. Hit rate, MCC and calibration count the calls that were made; log loss
and Brier count the abstained ones too, for their probabilities stood as well, and nobody may leave out what went wrong.

A walk-forward leaves its rows out of sample in the version's folder as `oos.npz` (`artefacts.OOS`, read by
`ml.promotion`), parallel arrays sorted by (open_ms, market_id):

`market_id`: number of the market in the card's list. `open_ms`, `until_ms`: opens of the bar decided on and of the bar
that ended the label. `probabilities`: (n, 3), served and calibrated. `label`: class as `evaluation.settled` counts it.
`ret`: log return from entry to the end of the label. `regime`: code of `ml.regimes`, −1 unknown. `abstains`: optional.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats, Times
from ml.card import Bin, Comparison, Part
from ml.evaluation import Classes

ENOUGH = 100  # settled calls below which no rate is shown
FORM = 3  # of stored scorecards; those of an older form are drawn up again
RULES = ("climatology", "majority", "persistence", "momentum")  # that are no models; evidence is against these
MODELS = ("logistic", "boosting")  # baselines that are models, as they were fitted for the version
POINTS = 240  # of the line of log loss saved

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Settled calls of one version in one market, oldest first; classes 0 bearish, 1 neutral, 2 bullish.

    `p`: (n, 3). `held`: (n, 3) classes of the conformal set, no class where none was given. `persistence` and
    `momentum`: what the rules said, −1 where that is not known. `regime`: code of `ml.regimes`. `logistic` and
    `boosting`: (n, 3) what these said when the call was made, NaN where the version kept none.
    """

    open_ms: Times
    until_ms: Times
    p: Floats
    y: Classes
    ambiguous: Flags
    abstained: Flags
    held: Flags
    regime: Classes
    persistence: Classes
    momentum: Classes
    logistic: Floats
    boosting: Floats

    def __len__(self) -> int:
        return len(self.y)

    def where(self, rows: Flags) -> "Settled":
        return Settled(*(getattr(self, name)[rows] for name in Settled.__slots__))


@dataclass(frozen=True)
class Habits(Part):
    """What followed in the training span: class shares, and per rule the shares given what it said (3 × 3)."""

    base_rates: list[float]
    persistence: list[list[float]]
    momentum: list[list[float]]


@dataclass(frozen=True)
class Side(Part):
    """One forecaster on the rows. `saves`: what the model saves against it, None for the model itself and in a slice.

    Hit rate, calibration error and MCC count the `n` calls that were made; None while these are fewer than `ENOUGH`.
    Intervals are 95 % by circular block bootstrap over blocks of at least one horizon; `interval`, that of the hit
    rate, is never narrower than Wilson's at the effective size.
    """

    key: str
    title: str
    about: str
    n: int
    right: int
    hit_rate: float | None
    interval: list[float] | None
    mcc: float | None
    log_loss: float
    brier: float
    saves: Comparison | None = None
    brier_interval: list[float] | None = None
    ece: float | None = None
    ece_interval: list[float] | None = None
    mcc_interval: list[float] | None = None


@dataclass(frozen=True)
class Slice(Part):
    """The calls of one kind of market: the model and every baseline on the same rows, or, of too few, why none.

    `best`: the best hit rate of a rule. `n_eff`: independent calls they are worth.
    """

    key: str
    n: int
    right: int
    hit_rate: float | None
    interval: list[float] | None
    best: float | None
    log_loss: float
    base_log_loss: float
    abstained: int = 0
    n_eff: float = 0.0
    note: str = ""
    model: Side | None = None
    baselines: list[Side] = field(default_factory=list)


@dataclass(frozen=True)
class Direction(Part):
    """Bullish and bearish calls that did not end neutral: right half of the time by luck.

    `n_eff`: independent calls they are worth. `needed`: how many confirm a hit rate of `target` (5 %, power 80 %).
    """

    n: int
    right: int
    n_eff: float
    rate: float | None
    interval: list[float] | None
    target: float
    needed: int


@dataclass(frozen=True)
class Coverage(Part):
    """How often the outcome lay in the conformal set that promised `target`."""

    n: int
    held: int
    target: float
    rate: float
    interval: list[float]


@dataclass(frozen=True)
class Saved(Part):
    """Log loss saved against base rates, summed call by call, nats; at most `POINTS` points, the last one included."""

    time_ms: list[int]
    nats: list[float]


@dataclass(frozen=True)
class Scorecard(Part):
    """`n` settled calls, `abstained` of them not counted in rates. `level`: evidence 0 to 4, None below `ENOUGH`.

    `skill`: of Brier against base rates. Whatever is None waits for `ENOUGH` calls, as `note` says.
    """

    n: int
    abstained: int
    n_eff: float
    first_ms: int
    last_ms: int
    horizon: int
    model: Side
    baselines: list[Side]
    skill: float
    skill_interval: list[float]
    level: int | None
    direction: Direction
    coverage: Coverage | None
    regimes: list[Slice]
    reliability: list[Bin]
    saved: Saved
    finding: str
    detail: str
    note: str = ""
    form: int = 1

    def baseline(self, key: str) -> Side:
        return next(side for side in self.baselines if side.key == key)

    @property
    def best(self) -> float | None:
        """The best hit rate of a simple rule on the same rows."""
        return best_rule(self.baselines)

    @property
    def not_recorded(self) -> list[str]:
        """Baselines nothing is known of: the version was trained before they were kept, and they said nothing."""
        return [key for key in MODELS if all(side.key != key for side in self.baselines)]


def best_rule(sides: list[Side]) -> float | None:
    """The best hit rate of a rule that is no model; None where none has any."""
    return max((b.hit_rate for b in sides if b.key in RULES and b.hit_rate is not None), default=None)
