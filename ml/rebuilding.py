"""Comparing a version with one that was trained again from the same candles, configuration and seeds."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml import artefacts
from ml.card import Card, Part

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "log_loss", "brier", "skill", "ece")


@dataclass(frozen=True)
class Rebuild(Part):
    """`difference`: largest of `figures` (then − now) and of the weights. `same_files`: names with the same bytes.

    `changed`: markets whose candles are others than those the version learned from; a difference is then expected.
    `environment`: what differs in versions of Python, libraries and code, as `then → now`.
    """

    same: bool
    difference: float
    figures: dict[str, float]
    weights: float | None
    same_files: list[str]
    other_files: list[str]
    changed: list[str]
    environment: dict[str, str]
    seconds: float
    created_ms: int
    finding: str


COMPARED = (
    *(artefacts.WEIGHTS, artefacts.MODEL, artefacts.SCALER, artefacts.CONFIG, artefacts.LABELS, artefacts.OOS),
    artefacts.BASELINES,
)


def compare(then: Card, now: Card, *, old: dict[str, bytes], new: dict[str, bytes], created_ms: int) -> Rebuild:
    """`old`, `new`: files of both by name, those that can be read."""
    figures = {name: getattr(now.metrics, name) - getattr(then.metrics, name) for name in FIGURES}
    names = [name for name in COMPARED if name in old and name in new]
    same = [name for name in names if old[name] == new[name]]
    hashes = {span.market: span.sha256 for span in now.data}
    changed = [span.market for span in then.data if hashes.get(span.market) != span.sha256]
    moved = [abs(value) for value in figures.values()]
    weights = _apart(old.get(artefacts.WEIGHTS), new.get(artefacts.WEIGHTS))
    largest = max([*moved, *([weights] if weights is not None else [])])
    told = {k: f"{then.environment.get(k, 'unknown')} → {v}" for k, v in now.environment.items()
            if then.environment.get(k) != v}  # fmt: skip
    if then.code_version != now.code_version:
        told["code"] = f"{then.code_version} → {now.code_version}"
    alike = largest == 0 and len(same) == len(names) and not changed
    return Rebuild(
        same=alike,
        difference=largest,
        figures=figures,
        weights=weights,
        same_files=same,
        other_files=[name for name in names if name not in same],
        changed=changed,
        environment=told,
        seconds=now.seconds,
        created_ms=created_ms,
        finding=_finding(alike, largest, changed, told),
    )


def _finding(same: bool, difference: float, changed: list[str], environment: dict[str, str]) -> str:
    if same:
        return "Trained again from the same candles and seeds, it is the same version: the difference is 0."
    size = np.format_float_positional(difference, precision=2, fractional=False, trim="-")
    if changed:
        return (
            f"The candles of {', '.join(changed)} have changed since it was trained, so this was no rebuild of the "
            f"same thing; the largest difference is {size}."
        )
    if environment:
        return f"The largest difference is {size}; {', '.join(environment)} differ from when it was trained."
    return f"The largest difference is {size}, from the same candles, seeds and libraries: another machine may do that."


def _apart(old: bytes | None, new: bytes | None) -> float | None:
    """Largest distance of any weight; None where they cannot be compared."""
    if old is None or new is None:
        return None
    then, now = _arrays(old), _arrays(new)
    if then.keys() != now.keys() or any(then[name].shape != now[name].shape for name in then):
        return None
    apart = [float(np.abs(then[n].astype(np.float64) - now[n]).max()) for n in then if then[n].size]
    return max(apart, default=0.0)


def _arrays(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return {name: found[name] for name in found.files if found[name].dtype.kind == "f"}
