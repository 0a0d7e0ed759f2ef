"""The model card: everything that is known about a version, as it stands in `card.json` and in `trained_models.card`.

All times are milliseconds UTC. Shares, probabilities and rates are fractions of 1. Log loss is in nats. Arrays of
three are always in the order bearish, neutral, bullish. `to_dict` gives plain JSON and `from_dict` takes it back;
a field that is added later has a default, so that older cards stay readable.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ml.card_parts import Abstained, Change, McNemar, NaiveSplit, Regime, Sets
from ml.card_parts import Part as Part

CLASSES = ("bearish", "neutral", "bullish")
SCHEMA = 1
NO_SKILL: Literal["no_demonstrated_skill"] = "no_demonstrated_skill"
SKILLED: Literal["skilled"] = "skilled"


@dataclass(frozen=True)
class DataSpan(Part):
    """The candles of one market that went in. `sha256` is of their raw columns, so that a rebuild can be compared."""

    market: str
    simulated: bool
    first_ms: int
    last_ms: int
    candles: int
    gaps: int
    missing: int
    sha256: str


@dataclass(frozen=True)
class Feature(Part):
    key: str
    title: str
    about: str


@dataclass(frozen=True)
class Segment(Part):
    """One stretch of the common time axis. `first_ms`/`last_ms`: opens of the first and last candle decided on.

    `shares`: how often each class happened. `dropped`: rows left out at the borders by purge and embargo.
    """

    first_ms: int
    last_ms: int
    windows: int
    shares: list[float]
    ambiguous: int
    dropped: int


@dataclass(frozen=True)
class Split(Part):
    train: Segment
    validation: Segment
    test: Segment
    embargo_bars: int
    purge: str = "A row belongs to a segment only when its whole input window and its label's end lie inside it."


@dataclass(frozen=True)
class Labels(Part):
    """Triple barrier. `k`: barrier width in σ·√horizon, chosen on train rows only.

    `typical_barrier`: median distance of a barrier from the entry, as a fraction of the price.
    `break_even`: hit rate a call needs to pay costs of `cost` a round trip at that distance: 1/2 + c/(2b).
    """

    k: float
    sigma_span: int
    typical_barrier: float
    cost: float
    break_even: float
    without_label: int


@dataclass(frozen=True)
class ClassScore(Part):
    """One class. `support`: how often it happened; `called`: how often it was called."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    called: int


@dataclass(frozen=True)
class Metrics(Part):
    """Scores out of sample. `confusion[actual][called]` counts; `skill` is the Brier skill score.

    `n_eff`: independent calls these n overlapping ones are worth; `independent`: the same where calls of one moment in
    several markets count as one, as they do where losses are compared. Intervals: 95 %, block bootstrap. `hit_rate`:
    share of right ones among the `directional` calls, which named a side and saw one of the two barriers reached; a
    coin has 50 %. `class_ece`: calibration error of each class's own probability, ten bins of equal mass.
    """

    n: int
    n_eff: float
    accuracy: float
    accuracy_interval: list[float]
    balanced_accuracy: float
    macro_f1: float
    mcc: float
    log_loss: float
    brier: float
    skill: float
    ece: float
    confusion: list[list[int]]
    per_class: list[ClassScore]
    hit_rate: float | None = None
    directional: int = 0
    mcc_interval: list[float] = field(default_factory=list)
    class_ece: list[float] = field(default_factory=list)
    independent: float = 0.0


@dataclass(frozen=True)
class Comparison(Part):
    """Diebold–Mariano on log loss, HAC lag horizon − 1. `gain`: nats per call the model saves against the baseline.

    `p_value`: one-sided, of seeing such a gain if there were none. `beats`: p_value < 0.05.
    """

    gain: float
    interval: list[float]
    statistic: float
    p_value: float
    beats: bool


@dataclass(frozen=True)
class Baseline(Part):
    """`simple`: one of climatology, majority, persistence, momentum; the others are models.

    `mcnemar`: how often the model was right against how often the baseline was; None in cards from before it.
    """

    key: str
    title: str
    about: str
    simple: bool
    metrics: Metrics
    model_against: Comparison
    mcnemar: McNemar | None = None


@dataclass(frozen=True)
class SeedRun(Part):
    """One training run. Losses per epoch; `best_epoch` counts from 1; `served` marks the run whose weights serve."""

    seed: int
    losses: list[float]
    val_losses: list[float]
    best_epoch: int
    best_val_loss: float
    stopped_early: bool
    seconds: float
    served: bool
    test_log_loss: float
    test_accuracy: float
    test_mcc: float


@dataclass(frozen=True)
class Bin(Part):
    """One bar of the reliability diagram: calls with confidence in [low, high)."""

    low: float
    high: float
    n: int
    confidence: float
    right: float


@dataclass(frozen=True)
class TestCalls(Part):
    """The newest calls of the test period in one market (at most 1,000), oldest first, parallel arrays.

    `time_ms`: open of the candle the call was made on. `call`, `outcome`: 0 bearish, 1 neutral, 2 bullish.
    `probabilities`: n × 3. `log_return`: from entry to the end of the label. `until_ms`: open of the deciding candle.
    """

    time_ms: list[int] = field(default_factory=list)
    until_ms: list[int] = field(default_factory=list)
    call: list[int] = field(default_factory=list)
    outcome: list[int] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)
    log_return: list[float] = field(default_factory=list)
    ambiguous: list[bool] = field(default_factory=list)


@dataclass(frozen=True)
class Fold(Part):
    """One step of a walk-forward: everything was fitted anew on its train rows. Scores are of its own test alone."""

    split: Split
    k: float
    temperatures: list[float]
    best_epochs: list[int]
    n: int
    accuracy: float
    mcc: float
    log_loss: float
    base_log_loss: float


@dataclass(frozen=True)
class WalkForward(Part):
    """`scheme`: single, rolling or anchored. `stride`: every how many bars a call was made."""

    scheme: str
    train_days: int
    stride: int
    folds: list[Fold]


@dataclass(frozen=True)
class Card(Part):
    """One model version. `finding` is the sentence a page opens with; `reasons` are why the verdict is what it is.

    `calls` is empty where only an overview was asked for (`trained_models.table`). `version` is None in `card.json`,
    which is written before the registry counts it. Scores are over the rows out of sample of all folds together;
    `split`, `labels` and the losses in `runs` are of the newest fold, whose networks serve, the mean of all seeds.
    `skill_shown`: every condition of the verdict holds but the leak lab's, whose report may come later; `history`: the
    verdicts that changed with a report.
    """

    name: str
    version: int | None
    markets: list[str]
    simulated: bool
    timeframe: str
    horizon: int
    window: int
    verdict: Literal["skilled", "no_demonstrated_skill"]
    better_than_simple_models: bool
    quick_look: bool
    finding: str
    reasons: list[str]
    limits: list[str]
    leak_lab: str
    metrics: Metrics
    baselines: list[Baseline]
    reliability: list[Bin]
    runs: list[SeedRun]
    climatology_val_loss: float
    labels: Labels
    split: Split
    data: list[DataSpan]
    features: list[Feature]
    network: dict[str, Any]
    environment: dict[str, str]
    code_version: str
    onnx_max_difference: float
    created_ms: int
    seconds: float
    calls: dict[str, TestCalls] = field(default_factory=dict)
    schema: int = SCHEMA
    skill_shown: bool = False
    walk: WalkForward | None = None
    regimes: list[Regime] = field(default_factory=list)
    sets: Sets | None = None
    abstained: Abstained | None = None
    history: list[Change] = field(default_factory=list)
    naive: NaiveSplit | None = None

    def numbered(self, version: int) -> "Card":
        """The same card with the version number the registry gave it."""
        return replace(self, version=version)

    def baseline(self, key: str) -> Baseline:
        return next(b for b in self.baselines if b.key == key)
