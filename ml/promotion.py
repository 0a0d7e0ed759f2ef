"""The promotion gate: what a version has to show before it may serve as a proven champion. Calculating only.

Skilled; better than the live champion on the same rows; calibrated; worth its costs; from enough seeds; leak lab green.
Every line is shown with its value. Nobody can skip one.
"""

import io
import zipfile
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from core.errors import ModelUnavailable
from core.ohlcv import Floats, Times
from ml import comparison, evaluation, sharpe
from ml.card import SKILLED, Card, Part
from ml.config import FEW_SEEDS
from ml.evaluation import Classes

CALIBRATED = 0.05  # expected calibration error at most
PAYS = 0.9  # probabilistic Sharpe ratio after costs at least
SHARED = 100  # rows two versions must share to be compared
NO_WALK = "no walk-forward"


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
    """A version's rows out of sample; `market`: number in the list of its card."""

    market: npt.NDArray[np.int64]
    open_ms: Times
    until_ms: Times
    p: Floats
    label: Classes
    ret: Floats
    abstains: npt.NDArray[np.bool_]

    @classmethod
    def of_walk(cls, content: bytes) -> Self:
        """From `oos.npz`, as `ml.scorecard` describes it; raises ModelUnavailable."""
        found = _arrays(content, ("market_id", "open_ms", "until_ms", "probabilities", "label", "ret"))
        n = len(found["open_ms"])
        abstains = found.get("abstains", np.zeros(n, dtype=bool)).astype(bool)
        p = found["probabilities"].astype(np.float64)
        label, ret = found["label"].astype(np.int8), found["ret"].astype(np.float64)
        return cls(found["market_id"].astype(np.int64), found["open_ms"], found["until_ms"], p, label, ret, abstains)

    @classmethod
    def of_test(cls, content: bytes) -> Self:
        """The single test period of a quick look, from `labels.npz`; raises ModelUnavailable."""
        found = _arrays(content, ("market", "t0", "t1", "y", "ret", "ambiguous", "test_rows", "test_p"))
        rows, p = found["test_rows"], found["test_p"].astype(np.float64)
        y = evaluation.settled(found["y"][rows], found["ambiguous"][rows], p)
        ret = found["ret"][rows].astype(np.float64)
        market, nobody = found["market"][rows].astype(np.int64), np.zeros(len(rows), dtype=bool)
        return cls(market, found["t0"][rows], found["t1"][rows], p, y, ret, nobody)


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
    found = []
    for y in (sample.label[mine], rival.sample.label[theirs]):  # each version's own outcomes: neither is favoured
        ours, other = (evaluation.log_losses(p, y) for p in (sample.p[mine], rival.sample.p[theirs]))
        found.append(comparison.compare(ours, other, sample.open_ms[mine], horizon=card.horizon))
    worst = max(found, key=lambda c: c.p_value)
    value = f"{'−' if worst.gain < 0 else '+'}{abs(worst.gain):.4f} nats over {len(mine):,} calls"
    detail = "" if worst.beats else f"Its lead may be chance: p = {worst.p_value:.3f}."
    return Line(key, title, worst.beats, value, detail)


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
    error = evaluation.ece(evaluation.reliability(sample.p, sample.label))
    return Line("calibration", title, error <= CALIBRATED, f"{100 * error:.1f} pp")


def _pays(sample: Sample | None, cost: float) -> Line:
    title = f"Probabilistic Sharpe ratio after costs above {PAYS:g}"
    if sample is None:
        return Line("pays", title, False, NO_WALK)
    said = np.where(sample.abstains, sharpe.NEUTRAL, sample.p.argmax(axis=1)).astype(np.int8)
    days = sharpe.daily(sample.market, sample.open_ms, sample.until_ms, said, sample.ret, cost=cost)
    found = sharpe.probabilistic(days)
    if found is None:
        detail = f"{len(days)} days of returns; {sharpe.LEAST_DAYS} on which something happened are needed."
        return Line("pays", title, False, "not known", detail)
    total = 100 * float(days.sum())
    made = f"{'−' if total < 0 else '+'}{abs(total):.1f} % in {len(days):,} days"
    told = f"{made} at costs of {100 * cost:.2g} % a round trip."
    return Line("pays", title, found > PAYS, f"{found:.3f}", told)
