"""The leak lab: does anything a model learns from, or is scored on, know what it could not have known?

Everything is tried on the pipeline as it is: its features on a truncated history and on another future; of every step
of a walk-forward its table, labels, scaler, fits and split computed again (`ml.leak_audits`); and, on the newest step,
a probe that must find nothing where nothing is (shuffled labels, a random walk) and must find what is planted. One red
line makes the report red.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ml import dataset, features, labels, leak_audits, leak_probes
from ml.config import TrainingConfig
from ml.dataset import Compute, Dataset, Frame
from ml.leak_audits import AUDITS
from ml.leak_fits import FITS
from ml.leak_probes import LOGISTIC, Probe, other_future
from ml.leak_report import Check, Report
from ml.leak_steps import Fits, Prepare, Seen, apart, cuts, differs, step_of, told
from ml.scaling import Scaler

SLICE = 6_000  # newest candles of a market the truncation test runs on
SURE = 1e-4  # one-sided p below which a probe has found something
LOUD = 0.2  # nats a call a planted future has to be worth


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What is examined: the features of candles, how they become rows, and what is fitted on those."""

    compute: Compute
    prepare: Prepare
    fits: Fits = field(default_factory=lambda: FITS)


BOLT = Pipeline(features.compute, dataset.prepare)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a version carries in its files; `ks`: barrier width of every step, empty where its card tells of none."""

    scaler: Scaler
    k: float
    ks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One examination. `data`: rows of the newest step; `ks`: barrier widths of all steps, oldest first."""

    frames: Sequence[Frame]
    config: TrainingConfig
    pipeline: Pipeline
    probe: Probe
    data: Dataset
    stored: Stored | None
    ks: tuple[float, ...]


def examine(
    frames: Sequence[Frame],
    config: TrainingConfig,
    *,
    pipeline: Pipeline = BOLT,
    probe: Probe = LOGISTIC,
    stored: Stored | None = None,
    on_check: Callable[[float, str], None] = lambda _fraction, _title: None,
) -> Report:
    """Run every check; `on_check(fraction, what comes next)` may raise to stop. Raises NotEnoughData."""
    began = time.monotonic()
    wanted = [c for c in CHECKS if stored is not None or c is not stored_files]
    whole, done = 2 + config.folds * (1 + len(AUDITS)) + len(wanted), 0

    def comes(title: str) -> None:
        nonlocal done
        on_check(done / whole, title)
        done += 1

    comes("Computing every feature on truncated candles")
    first = truncated_features(frames, config, pipeline.compute)
    seen, data, ks, windows = _steps(frames, config, pipeline, comes)
    case = Case(frames, config, pipeline, probe, data, stored, ks)
    found = [first, *(leak_audits.joined(audit, seen[audit.key]) for audit in AUDITS)]
    for check in wanted:
        comes((check.__doc__ or "").strip().rstrip("."))
        found.append(check(case))
    return Report(
        checks=found,
        probe=probe.title,
        candles=sum(len(f.candles) for f in frames),
        windows=windows,
        seconds=round(time.monotonic() - began, 2),
        folds=config.folds,
    )


def _steps(
    frames: Sequence[Frame], config: TrainingConfig, pipeline: Pipeline, comes: Callable[[str], None]
) -> tuple[dict[str, list[Seen]], Dataset, tuple[float, ...], int]:
    """What every audit saw in every step, one step after another so that only one stands in memory; the newest step's
    rows, barrier widths of all, and how many windows were looked at."""
    found: dict[str, list[Seen]] = {audit.key: [] for audit in AUDITS}
    ks, windows = [], 0
    for fold in range(config.folds):
        which = f"Fold {fold + 1} of {config.folds}: " if config.folds > 1 else ""
        comes(_began(which, "Computing features and labels"))
        step = step_of(frames, config, pipeline.compute, pipeline.prepare, pipeline.fits, fold)
        for audit in AUDITS:
            comes(_began(which, audit.doing))
            found[audit.key].append(audit.look(step))
        ks.append(step.data.k)
        windows += len(step.data.rows.y)
    return found, step.data, tuple(ks), windows


def _began(which: str, doing: str) -> str:
    return f"{which}{doing[0].lower()}{doing[1:]}" if which else doing


def truncated_features(frames: Sequence[Frame], config: TrainingConfig, compute: Compute) -> Check:
    """Every feature on candles cut short, and on another future, must be what it is on all of them."""
    step = config.step.ms
    guilty: labels.Flags = np.zeros(len(features.NAMES), dtype=bool)
    for frame in frames:
        candles = frame.candles[-SLICE:]
        whole = compute(candles, step)
        for cut in cuts(len(candles)):
            for other in (candles[:cut], other_future(candles, cut)):
                guilty[differs(whole[:cut], compute(other, step)[:cut]).any(axis=0)] = True
    names = [f.title for f, bad in zip(features.FEATURES, guilty, strict=True) if bad]
    text = f"Later candles change: {', '.join(names)}." if names else ""
    value = f"{len(guilty) - len(names)} of {len(guilty)}"
    return Check("features", "Features use only closed candles", not names, value, text)


def _newest(case: Case) -> list[int]:
    return [case.config.folds]


def shuffled_labels(case: Case) -> Check:
    """Learning from shuffled labels."""
    loss, against = leak_probes.shuffled(case.data, case.probe)
    fine = against.p_value >= SURE
    text = "" if fine else f"A probe that learned nothing saves {against.gain:.4f} nats a call."
    return Check("shuffled", "Shuffled labels score like chance", fine, f"{loss:.4f}", text, _newest(case))


def planted_future(case: Case) -> Check:
    """Learning from a planted future."""
    against = leak_probes.planted(case.data, case.probe)
    loud = against.gain > LOUD and against.p_value < SURE
    text = "" if loud else "The probe did not find a future that was planted: this lab would miss a leak."
    return Check(
        "planted", "A planted future is found", loud, f"{against.gain:+.2f} nats".replace("-", "−"), text, _newest(case)
    )


def random_walk(case: Case) -> Check:
    """Learning from a random walk."""
    most = max(len(f.candles) for f in case.frames)
    n = max(min(most, leak_probes.WALK), case.config.least_candles)
    step = case.config.step.ms
    frames = [leak_probes.placebo(f, step, n, seed) for seed, f in enumerate(case.frames)]
    against = leak_probes.direction(case.pipeline.prepare(frames, case.config), case.probe)
    fine = against.p_value >= SURE
    text = "" if fine else f"The probe foretells a random walk: {against.gain:.4f} nats a call."
    value = f"{against.gain:+.4f}".replace("-", "−")
    return Check("walk", "A random walk cannot be foretold", fine, value, text, _newest(case))


def stored_files(case: Case) -> Check:
    """Comparing the version's files."""
    stored, title = case.stored, "The version's files fit its train rows"
    distance = apart(stored.scaler, case.data.scaler) if stored else 0.0
    same = stored is not None and distance < 1e-9 and stored.k == case.data.k
    text = "" if same else "The version's scaler or barrier width is not what its train rows give."
    folds = _newest(case)
    if stored is not None and stored.ks:
        folds = list(range(1, len(case.ks) + 1))
        other = [n for n in folds if n > len(stored.ks) or stored.ks[n - 1] != case.ks[n - 1]]
        if other and same:
            text = f"The barrier width of fold {', '.join(map(str, other))} is not what its train rows give."
    return Check("files", title, not text, told(distance), text, folds)


CHECKS = (stored_files, shuffled_labels, planted_future, random_walk)
