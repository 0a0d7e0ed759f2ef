"""The promotion gate: what a version has to show before it may serve as a proven champion. Calculating only.

Skilled; better than the live champion on the same rows; calibrated; worth its costs; from enough seeds; leak lab green.
What is measured of the rows has to hold for the mean of all seeds, which serves, and for the median over the seeds each
taken alone: no version passes on one lucky network. Every line is shown with its values. Nobody can skip one.
"""

import io
import zipfile
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from core import timeframe
from core.errors import ModelUnavailable
from core.ohlcv import Floats, Times
from ml import comparison, evaluation, sharpe
from ml.card import SKILLED, Card, Comparison, Part
from ml.config import FEW_SEEDS
from ml.evaluation import Classes

CALIBRATED = 0.05  # expected calibration error at most
PAYS = 0.9  # probabilistic Sharpe ratio after costs at least
SHARED = 100  # rows two versions must share to be compared
NO_WALK = "no walk-forward"

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Line(Part):
    """One condition. `value` is what was measured, in a few words; `detail` says what is missing."""

    key: str
    title: str
    passed: bool
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Gate(Part):
    lines: list[Line]

    @property
    def passed(self) -> bool:
        return all(line.passed for line in self.lines)

    @property
    def open(self) -> list[Line]:
        """The lines that do not pass."""
        return [line for line in self.lines if not line.passed]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A version's rows out of sample; `market`: number in the list of its card.

    `label` counts for `p`. `seeds`: (n, seeds, 3) what each network said, empty where that was not kept.
    """

    market: npt.NDArray[np.int64]
    open_ms: Times
    until_ms: Times
    p: Floats
    label: Classes
    ret: Floats
    abstains: npt.NDArray[np.bool_]
    seeds: Floats = field(default_factory=lambda: np.zeros((0, 0, 3)))

    @classmethod
    def of_walk(cls, content: bytes) -> Self:
        """From `oos.npz`, as `ml.scorecard` describes it; raises ModelUnavailable."""
        found = _arrays(content, ("market_id", "open_ms", "until_ms", "probabilities", "label", "ret"))
        n = len(found["open_ms"])
        abstains = found.get("abstains", np.zeros(n, dtype=bool)).astype(bool)
        p = found["probabilities"].astype(np.float64)
        label, ret = found["label"].astype(np.int8), found["ret"].astype(np.float64)
        market, seeds = found["market_id"].astype(np.int64), found.get("seed_probabilities", np.zeros((0, 0, 3)))
        return cls(market, found["open_ms"], found["until_ms"], p, label, ret, abstains, seeds.astype(np.float64))

    @classmethod
    def of_test(cls, content: bytes) -> Self:
        """The single test period of a quick look, from `labels.npz`; raises ModelUnavailable."""
        found = _arrays(content, ("market", "t0", "t1", "y", "ret", "ambiguous", "test_rows", "test_p"))
        rows, p = found["test_rows"], found["test_p"].astype(np.float64)
        y = evaluation.settled(found["y"][rows], found["ambiguous"][rows], p)
        ret = found["ret"][rows].astype(np.float64)
        market, nobody = found["market"][rows].astype(np.int64), np.zeros(len(rows), dtype=bool)
        return cls(market, found["t0"][rows], found["t1"][rows], p, y, ret, nobody)

    def each_seed(self) -> list["Sample"]:
        """The rows as each network alone said them, the one sample there is where that was not kept."""
        return [replace(self, p=self.seeds[:, k]) for k in range(self.seeds.shape[1])] or [self]


def _arrays(content: bytes, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as fault:
        raise ModelUnavailable("A file of the model's rows out of sample cannot be read. Train it again.") from fault
    missing = [name for name in names if name not in found]
    if missing:
        raise ModelUnavailable(f"A file of the model's rows out of sample lacks {', '.join(missing)}. Train it again.")
    return found


@dataclass(frozen=True, slots=True)
class Rival:
    """The champion that serves now: its title, its markets and its rows; None where its files hold none."""

    title: str
    markets: tuple[str, ...]
    sample: Sample | None


def gate(card: Card, sample: Sample | None, rival: Rival | None, *, leaks: str) -> Gate:
    """`sample`: rows of the walk-forward, None without one. `rival`: the champion, None where no other serves.

    `leaks`: state of the leak report, `green` or anything else.
    """
    return Gate(
        [
            _skilled(card),
            _better(card, sample, rival),
            _calibrated(sample),
            _pays(sample, card.labels.cost),
            Line("seeds", f"At least {FEW_SEEDS} seeds", len(card.runs) >= FEW_SEEDS, f"{len(card.runs)}"),
            Line("leaks", "Leak lab green", leaks == "green", leaks, "" if leaks == "green" else "Run the leak lab."),
        ]
    )


def _skilled(card: Card) -> Line:
    skilled = card.verdict == SKILLED
    return Line("skilled", "Skill demonstrated", skilled, "skilled" if skilled else "no demonstrated skill")


def _better(card: Card, sample: Sample | None, rival: Rival | None) -> Line:
    key = "better"
    if rival is None:
        return Line(key, "Better than the live champion", True, "no other serves")
    title = f"Better than live {rival.title} on the same calls"
    if sample is None:
        return Line(key, title, False, NO_WALK)
    if rival.sample is None:
        return Line(key, title, False, "its rows are gone", "Its files hold no rows out of sample to compare with.")
    mine, theirs = _shared(card.markets, sample, list(rival.markets), rival.sample)
    if len(mine) < SHARED:
        return Line(key, title, False, f"{len(mine)} shared calls", f"At least {SHARED} are needed to compare.")
    overlap = comparison.overlapping(sample.open_ms[mine], card.horizon * timeframe.parse(card.timeframe).ms)
    served = _lead(sample, mine, rival.sample, theirs, overlap)
    alone = [_lead(one, mine, rival.sample, theirs, overlap) for one in sample.each_seed()]
    middle = sorted(alone, key=lambda c: c.p_value)[len(alone) // 2]
    gain = float(np.median([c.gain for c in alone]))
    passed = served.beats and middle.beats and gain > 0
    value = f"{_nats(served.gain)} nats over {len(mine):,} calls, median of seeds {_nats(gain)}"
    worst = max(served.p_value, middle.p_value)
    return Line(key, title, passed, value, "" if passed else f"Its lead may be chance: p = {worst:.3f}.")


def _lead(one: Sample, mine: Rows, other: Sample, theirs: Rows, overlap: int) -> Comparison:
    """The lead over the champion, by whichever version's outcomes show less of it: neither is favoured."""
    found = []
    for y in (one.label[mine], other.label[theirs]):
        ours, its = (evaluation.log_losses(p, y) for p in (one.p[mine], other.p[theirs]))
        found.append(comparison.compare(ours, its, one.open_ms[mine], horizon=overlap))
    return max(found, key=lambda c: c.p_value)


def _nats(gain: float) -> str:
    return f"{'−' if gain < 0 else '+'}{abs(gain):.4f}"


def _shared(
    names: list[str], sample: Sample, rival_names: list[str], rival: Sample
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row numbers in both samples of the same markets and moments."""
    number = {name: k for k, name in enumerate([*names, *(n for n in rival_names if n not in names)])}

    def keys(own: list[str], rows: Sample) -> npt.NDArray[np.int64]:
        codes = np.array([number[name] for name in own], dtype=np.int64)
        return codes[rows.market] + rows.open_ms * (len(number) + 1)

    _, mine, theirs = np.intersect1d(keys(names, sample), keys(rival_names, rival), return_indices=True)
    return mine, theirs


def _calibrated(sample: Sample | None) -> Line:
    title = f"Calibration error at most {100 * CALIBRATED:.0f} pp"
    if sample is None:
        return Line("calibration", title, False, NO_WALK)
    served, *alone = (evaluation.ece(evaluation.reliability(s.p, s.label)) for s in (sample, *sample.each_seed()))
    middle = float(np.median(alone))
    value = f"{100 * served:.1f} pp, median of seeds {100 * middle:.1f} pp"
    return Line("calibration", title, max(served, middle) <= CALIBRATED, value)


def _pays(sample: Sample | None, cost: float) -> Line:
    title = f"Probabilistic Sharpe ratio after costs above {PAYS:g}"
    if sample is None:
        return Line("pays", title, False, NO_WALK)
    days = _days(sample, cost)
    found = sharpe.probabilistic(days)
    alone = [sharpe.probabilistic(_days(one, cost)) for one in sample.each_seed()]
    if found is None:
        detail = f"{len(days)} days of returns; {sharpe.LEAST_DAYS} on which something happened are needed."
        return Line("pays", title, False, "not known", detail)
    middle = float(np.median([0.0 if one is None else one for one in alone]))
    total = 100 * float(days.sum())
    made = f"{'−' if total < 0 else '+'}{abs(total):.1f} % in {len(days):,} days"
    told = f"{made} at costs of {100 * cost:.2g} % a round trip."
    return Line("pays", title, min(found, middle) > PAYS, f"{found:.3f}, median of seeds {middle:.3f}", told)


def _days(sample: Sample, cost: float) -> Floats:
    """Returns of each day after costs, a fraction."""
    said = np.where(sample.abstains, sharpe.NEUTRAL, sample.p.argmax(axis=1)).astype(np.int8)
    return sharpe.daily(sample.market, sample.open_ms, sample.until_ms, said, sample.ret, cost=cost)
