"""Pieces of the model card: how they become JSON and come back, and what is said of regimes and of abstaining."""

from dataclasses import asdict, dataclass, fields
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints


class Part:
    """A frozen piece of the card that can be read back from JSON."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Rebuild from `to_dict`'s output; unknown keys are ignored, missing ones take their default."""
        hints = get_type_hints(cls)
        names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        return cls(**{key: _read(hints[key], value) for key, value in data.items() if key in names})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload,no-any-return]


def _read(kind: Any, value: Any) -> Any:
    """`value` of JSON as the type a field asks for."""
    origin, inner = get_origin(kind), get_args(kind)
    if value is None or kind is Any:
        return value
    if origin is UnionType:
        return _read(next(a for a in inner if a is not type(None)), value)
    if origin is list:
        return [_read(inner[0], item) for item in value]
    if origin is tuple:
        return tuple(_read(inner[0], item) for item in value)
    if origin is dict:
        return {key: _read(inner[1], item) for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Part):
        return kind.from_dict(value)
    return value


@dataclass(frozen=True)
class McNemar(Part):
    """Rows where one alone was right. `design_effect`: overlapping rows that are worth one independent row, by which
    both counts were divided for `p_value`, the two-sided mid-p of both being right equally often."""

    model_alone: int
    baseline_alone: int
    design_effect: float
    p_value: float


@dataclass(frozen=True)
class NaiveSplit(Part):
    """Nearest neighbours on the newest fold, split as the card does (`purged_`) and with the same rows shuffled first
    (`naive_`). `flatters`: by more than chance explains; `told`: the sentence of it."""

    train: int
    test: int
    purged_accuracy: float
    purged_log_loss: float
    naive_accuracy: float
    naive_log_loss: float
    flatters: bool
    told: str


@dataclass(frozen=True)
class Change(Part):
    """A verdict that changed after the training: when, ms, from what to what, and why."""

    at_ms: int
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Regime(Part):
    """Results in one kind of market, known before the call: `gain` is nats a call saved against base rates."""

    key: str
    title: str
    n: int
    n_eff: float
    accuracy: float
    hit_rate: float | None
    mcc: float
    log_loss: float
    gain: float
    interval: list[float]


@dataclass(frozen=True)
class Sets(Part):
    """Conformal prediction sets (split conformal on purged validation, LAC). `threshold`: the least probability a class
    needs to stay in the set. `coverage`: how often what happened was in it, out of sample; `sizes`: share of sets that
    hold one, two, three classes."""

    target: float
    threshold: float
    coverage: float
    mean_size: float
    sizes: list[float]


@dataclass(frozen=True)
class Abstained(Part):
    """How often the model would rather not have called, out of sample, and how right it was where it did call.

    `novel`: the window was unlike those it learned from; `undecided`: no class could be ruled out.
    """

    share: float
    novel: float
    undecided: float
    answered: int
    answered_accuracy: float | None
