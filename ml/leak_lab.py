"""The leak lab: does anything a model learns from, or is scored on, know what it could not have known?

Everything is tried on the pipeline as it is: its features on a truncated history and on another future, its table,
labels, scaler and split computed again, and a probe that must find nothing where nothing is (shuffled labels, a random
walk) and must find what is planted. One red line makes the report red.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from core.ohlcv import Candles, Floats
from ml import config as knobs
from ml import dataset, features, labels, leak_probes, scaling
from ml.config import TrainingConfig
from ml.dataset import Compute, Dataset, Frame
from ml.leak_probes import LOGISTIC, Probe, other_future
from ml.leak_report import Check, Report
from ml.scaling import Scaler

SLICE = 6_000  # newest candles of a market the truncation test runs on
CUTS = 12  # places a history is truncated at
SURE = 1e-4  # one-sided p below which a probe has found something
LOUD = 0.2  # nats a call a planted future has to be worth
Prepare = Callable[[Sequence[Frame], TrainingConfig], Dataset]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What is examined: the features of candles, and how they become rows."""

    compute: Compute
    prepare: Prepare


BOLT = Pipeline(features.compute, dataset.prepare)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a version carries in its files."""

    scaler: Scaler
    k: float


@dataclass(frozen=True, slots=True)
class Case:
    """One examination."""

    frames: Sequence[Frame]
    config: TrainingConfig
    pipeline: Pipeline
    probe: Probe
    data: Dataset
    stored: Stored | None


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
    on_check(0.0, "Computing features and labels")
    case = Case(frames, config, pipeline, probe, pipeline.prepare(frames, config), stored)
    wanted = [c for c in CHECKS if stored is not None or c is not stored_files]
    found = []
    for number, check in enumerate(wanted):
        on_check((number + 1) / (len(wanted) + 1), (check.__doc__ or "").strip().rstrip("."))
        found.append(check(case))
    return Report(
        checks=found,
        probe=probe.title,
        candles=sum(len(f.candles) for f in frames),
        windows=len(case.data.rows.y),
        seconds=round(time.monotonic() - began, 2),
    )


def truncated_features(case: Case) -> Check:
    """Computing every feature on truncated candles."""
    step = case.config.step.ms
    guilty: labels.Flags = np.zeros(len(features.NAMES), dtype=bool)
    for frame in case.frames:
        candles = frame.candles[-SLICE:]
        whole = case.pipeline.compute(candles, step)
        for cut in _cuts(len(candles)):
            for other in (candles[:cut], other_future(candles, cut)):
                guilty[_differs(whole[:cut], case.pipeline.compute(other, step)[:cut]).any(axis=0)] = True
    names = [f.title for f, bad in zip(features.FEATURES, guilty, strict=True) if bad]
    told = f"Later candles change: {', '.join(names)}." if names else ""
    value = f"{len(guilty) - len(names)} of {len(guilty)}"
    return Check("features", "Features use only closed candles", not names, value, told)


def table_holds_features(case: Case) -> Check:
    """Computing the table of features again."""
    raw, title = _raw(case), "The network sees these features alone"
    if raw.shape != case.data.table.shape:
        return Check("table", title, False, "other shape", "The table holds other columns or rows than the features.")
    off: labels.Flags = np.any(_differs(case.data.table, case.data.scaler.apply(raw), 1e-4), axis=0).astype(bool)
    names = [f.title for f, bad in zip(features.FEATURES, off, strict=True) if bad]
    told = f"Columns that hold something else: {', '.join(names)}." if names else ""
    return Check("table", title, not names, f"{len(off) - len(names)} of {len(off)}", told)


def _raw(case: Case) -> Floats:
    return np.concatenate([case.pipeline.compute(f.candles, case.config.step.ms) for f in case.frames])


def windows_and_labels(case: Case) -> Check:
    """Computing every label again, and on another future."""
    rows, wrong, count = case.data.rows, 0, len(case.data.rows.y)
    title = "Labels come from the candles after the call"
    for number, frame in enumerate(case.frames):
        mine = np.nonzero(rows.market == number)[0]
        at = np.minimum(np.searchsorted(frame.candles.time, rows.spans.t0[mine]), len(frame.candles) - 1)
        if (frame.candles.time[at] != rows.spans.t0[mine]).any():
            return Check("labels", title, False, "invented", "Some rows stand on candles that do not exist.")
        first = at - case.config.window + 1
        gapless = (first >= 0) & (
            frame.candles.time[at] - frame.candles.time[np.maximum(first, 0)]
            == (case.config.window - 1) * case.config.step.ms
        )
        again, moved = _labels_again(case, frame, at)
        bad = ~gapless | ~again.known | moved | (again.y != rows.y[mine]) | (again.ambiguous != rows.ambiguous[mine])
        bad |= frame.candles.time[again.end] != rows.spans.t1[mine]
        bad |= frame.candles.time[np.maximum(first, 0)] != rows.spans.start[mine]
        wrong += int(bad.sum())
    told = f"{wrong:,} rows do not come out the same, or span a hole." if wrong else ""
    return Check("labels", title, not wrong, f"{count - wrong:,} of {count:,}", told)


def _labels_again(case: Case, frame: Frame, at: labels.Ints) -> tuple[labels.Outcomes, labels.Flags]:
    """Outcomes of rows `at` computed anew, and which of them candles after their end would change."""
    asked, c = case.config, frame.candles
    step = asked.step.ms

    def follow(candles: Candles, sigma: Floats, some: labels.Ints) -> labels.Outcomes:
        upper, lower = labels.factors(sigma[some], case.data.k, asked.horizon)
        return labels.touch(candles, some, upper, lower, horizon=asked.horizon, step_ms=step, finer=frame.finer)

    sigma = labels.sigma(c, step, asked.sigma_span)
    found, moved = follow(c, sigma, at), np.zeros(len(at), dtype=bool)
    for cut in _cuts(len(c))[::4]:
        other = other_future(c, cut)
        past = (found.end < cut) & found.known
        seen = follow(other, labels.sigma(other, step, asked.sigma_span), at[past])
        moved[past] |= (seen.y != found.y[past]) | (seen.end != found.end[past])
    return found, moved


def scaler_of_train_rows(case: Case) -> Check:
    """Computing the scaler from train rows alone."""
    raw = _raw(case)
    ends = case.data.rows.ends[case.data.parts.train]
    inside = len(raw) == len(case.data.table)
    apart = _apart(scaling.fit(features.NAMES, raw[ends]), case.data.scaler) if inside else float("inf")
    told = "" if apart < 1e-6 else "Means or deviations are not those of the train rows."
    return Check("scaler", "Scaler fitted on train rows only", apart < 1e-6, _told(apart), told)


def segments_do_not_touch(case: Case) -> Check:
    """Comparing the spans of train, validation and test rows."""
    data, step = case.data, case.config.step.ms
    axis = np.unique(np.concatenate([f.candles.time for f in case.frames]))
    embargo = max(int(np.ceil(knobs.EMBARGO_SHARE * len(axis))), case.config.horizon) * step
    spans, wrong, gaps = data.rows.spans, 0, []
    for before, after in ((data.parts.train, data.parts.validation), (data.parts.validation, data.parts.test)):
        ended = int(spans.t1[before].max())
        wrong += int((spans.start[after] <= ended).sum()) + len(np.intersect1d(before, after))
        gaps.append((int(spans.start[after].min()) - ended) // step)
    narrow = min(gaps) * step < embargo
    told = f"{wrong:,} rows reach over a border." if wrong else ""
    if narrow:
        told = f"{told} Between two segments lie {min(gaps)} bars; the embargo is {embargo // step}.".strip()
    return Check("split", "No row reaches into another segment", not told, f"{min(gaps)} bars apart", told)


def another_future(case: Case) -> Check:
    """Preparing everything again with another future."""
    changed: set[str] = set()
    at = case.data.borders
    for border, part in ((at.validation, "train"), (at.test, "validation")):
        frames = [replace(f, candles=_changed_from(f.candles, border)) for f in case.frames]
        changed |= _learned_differently(case.data, case.pipeline.prepare(frames, case.config), part)
    told = f"Candles after a segment change its {', '.join(sorted(changed))}." if changed else ""
    title = "Another future changes nothing learned"
    return Check("future", title, not changed, f"{len(changed)} differences", told)


def _changed_from(candles: Candles, moment: int) -> Candles:
    at = int(np.searchsorted(candles.time, moment))
    return other_future(candles, at) if at < len(candles) else candles


def _learned_differently(one: Dataset, other: Dataset, part: str) -> set[str]:
    mine, its = getattr(one.parts, part), getattr(other.parts, part)
    found = set()
    if _apart(one.scaler, other.scaler) > 1e-9:
        found.add("scaler")
    if one.k != other.k:
        found.add("barrier width")
    if len(mine) != len(its) or (one.rows.spans.t0[mine] != other.rows.spans.t0[its]).any():
        return found | {"rows"}
    if (one.rows.y[mine] != other.rows.y[its]).any():
        found.add("labels")
    n = len(mine)
    some = np.union1d(np.arange(0, n, max(n // 500, 1)), np.arange(max(n - 50, 0), n))
    if _differs(one.x(mine[some]), other.x(its[some]), 1e-5).any():
        found.add("windows")
    return found


def shuffled_labels(case: Case) -> Check:
    """Learning from shuffled labels."""
    loss, against = leak_probes.shuffled(case.data, case.probe)
    fine = against.p_value >= SURE
    told = "" if fine else f"A probe that learned nothing saves {against.gain:.4f} nats a call."
    return Check("shuffled", "Shuffled labels score like chance", fine, f"{loss:.4f}", told)


def planted_future(case: Case) -> Check:
    """Learning from a planted future."""
    against = leak_probes.planted(case.data, case.probe)
    loud = against.gain > LOUD and against.p_value < SURE
    told = "" if loud else "The probe did not find a future that was planted: this lab would miss a leak."
    return Check("planted", "A planted future is found", loud, f"{against.gain:+.2f} nats".replace("-", "−"), told)


def random_walk(case: Case) -> Check:
    """Learning from a random walk."""
    most = max(len(f.candles) for f in case.frames)
    n = max(min(most, leak_probes.WALK), case.config.least_candles)
    step = case.config.step.ms
    frames = [leak_probes.placebo(f, step, n, seed) for seed, f in enumerate(case.frames)]
    against = leak_probes.direction(case.pipeline.prepare(frames, case.config), case.probe)
    fine = against.p_value >= SURE
    told = "" if fine else f"The probe foretells a random walk: {against.gain:.4f} nats a call."
    value = f"{against.gain:+.4f}".replace("-", "−")
    return Check("walk", "A random walk cannot be foretold", fine, value, told)


def stored_files(case: Case) -> Check:
    """Comparing the version's files."""
    stored = case.stored
    apart = _apart(stored.scaler, case.data.scaler) if stored else 0.0
    same = stored is not None and apart < 1e-9 and stored.k == case.data.k
    told = "" if same else "The version's scaler or barrier width is not what its train rows give."
    return Check("files", "The version's files fit its train rows", same, _told(apart), told)


CHECKS = (
    truncated_features,
    table_holds_features,
    windows_and_labels,
    scaler_of_train_rows,
    segments_do_not_touch,
    another_future,
    stored_files,
    shuffled_labels,
    planted_future,
    random_walk,
)


def _cuts(n: int) -> list[int]:
    """Places between a third of `n` and its end, the same for the same n; not on any round grid."""
    return sorted(int(c) for c in np.random.default_rng(n).integers(n // 3, n - 1, CUTS))


def _differs(one: np.ndarray, other: np.ndarray, tolerance: float = 1e-7) -> np.ndarray:
    apart: np.ndarray = ~np.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)
    return apart


def _told(apart: float) -> str:
    """A difference in words, one significant digit, never with an exponent."""
    if apart == 0:
        return "exactly the same"
    return f"differs by at most {Decimal(f'{apart:.0e}'):f}" if math.isfinite(apart) else "cannot be compared"


def _apart(one: Scaler, other: Scaler) -> float:
    """The largest relative difference of means and deviations, in deviations."""
    spread = np.array(one.deviation)
    means = np.abs(np.array(one.mean) - np.array(other.mean)) / spread
    return float(max(means.max(), np.abs(np.array(other.deviation) / spread - 1).max()))
