"""What the leak lab examines of every step of a walk-forward, without training anything.

Each audit looks at the rows of one step and says what it measured; `joined` makes one line of all steps.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from core.ohlcv import Candles, Floats
from ml import config as knobs
from ml import features, labels, scaling
from ml.dataset import Dataset, Frame
from ml.leak_fits import fitted_on_own_rows
from ml.leak_probes import other_future
from ml.leak_report import Check
from ml.leak_steps import Seen, Step, apart, cuts, differs, raw_of, told

NAMED = 3  # steps a line speaks of by name


@dataclass(frozen=True, slots=True)
class Audit:
    """`doing`: what a page shows while it runs. `value`: one figure of all steps."""

    key: str
    title: str
    doing: str
    look: Callable[[Step], Seen]
    value: Callable[[list[Seen]], str]


def joined(audit: Audit, found: list[Seen]) -> Check:
    """One line of what was seen in every step, oldest first; guilty steps are named."""
    bad = [(number, seen.told) for number, seen in enumerate(found, 1) if seen.told]
    lines = [text if len(found) == 1 else f"Fold {number} of {len(found)}: {text}" for number, text in bad[:NAMED]]
    if len(bad) > NAMED:
        lines.append(f"So it is in {len(bad) - NAMED} more.")
    folds = list(range(1, len(found) + 1))
    return Check(audit.key, audit.title, not bad, audit.value(found), " ".join(lines), folds)


def table_holds_features(step: Step) -> Seen:
    raw, data, n = raw_of(step), step.data, len(features.NAMES)
    if raw.shape != data.table.shape:
        return Seen("The table holds other columns or rows than the features.", 0, n)
    off: labels.Flags = np.any(differs(data.table, data.scaler.apply(raw), 1e-4), axis=0).astype(bool)
    names = [f.title for f, bad in zip(features.FEATURES, off, strict=True) if bad]
    return Seen(f"Columns that hold something else: {', '.join(names)}." if names else "", n - len(names), n)


def windows_and_labels(step: Step) -> Seen:
    rows, wrong, count = step.data.rows, 0, len(step.data.rows.y)
    for number, frame in enumerate(step.frames):
        mine = np.nonzero(rows.market == number)[0]
        at = np.minimum(np.searchsorted(frame.candles.time, rows.spans.t0[mine]), len(frame.candles) - 1)
        if (frame.candles.time[at] != rows.spans.t0[mine]).any():
            return Seen("Some rows stand on candles that do not exist.", 0, count)
        first = at - step.config.window + 1
        whole = (step.config.window - 1) * step.config.step.ms
        gapless = (first >= 0) & (frame.candles.time[at] - frame.candles.time[np.maximum(first, 0)] == whole)
        again, moved = _labels_again(step, frame, at)
        bad = ~gapless | ~again.known | moved | (again.y != rows.y[mine]) | (again.ambiguous != rows.ambiguous[mine])
        bad |= frame.candles.time[again.end] != rows.spans.t1[mine]
        bad |= frame.candles.time[np.maximum(first, 0)] != rows.spans.start[mine]
        wrong += int(bad.sum())
    return Seen(f"{wrong:,} rows do not come out the same, or span a hole." if wrong else "", count - wrong, count)


def _labels_again(step: Step, frame: Frame, at: labels.Ints) -> tuple[labels.Outcomes, labels.Flags]:
    """Outcomes of rows `at` computed anew, and which of them candles after their end would change."""
    asked, c = step.config, frame.candles

    def follow(candles: Candles, sigma: Floats, some: labels.Ints) -> labels.Outcomes:
        upper, lower = labels.factors(sigma[some], step.data.k, asked.horizon)
        return labels.touch(
            candles, some, upper, lower, horizon=asked.horizon, step_ms=asked.step.ms, finer=frame.finer
        )

    sigma = labels.sigma(c, asked.step.ms, asked.sigma_span)
    found, moved = follow(c, sigma, at), np.zeros(len(at), dtype=bool)
    for cut in cuts(len(c))[::4]:
        other = other_future(c, cut)
        past = (found.end < cut) & found.known
        seen = follow(other, labels.sigma(other, asked.step.ms, asked.sigma_span), at[past])
        moved[past] |= (seen.y != found.y[past]) | (seen.end != found.end[past])
    return found, moved


def scaler_of_train_rows(step: Step) -> Seen:
    raw, data = raw_of(step), step.data
    ends = data.rows.ends[data.parts.train]
    distance = apart(scaling.fit(features.NAMES, raw[ends]), data.scaler) if len(raw) == len(data.table) else math.inf
    return Seen("" if distance < 1e-6 else "Means or deviations are not those of the train rows.", distance)


def segments_do_not_touch(step: Step) -> Seen:
    """Spans of train, validation and test rows against each other and against where the step's borders lie."""
    data, size, at = step.data, step.config.step.ms, step.borders
    axis = np.unique(np.concatenate([f.candles.time for f in step.frames]))
    embargo = max(int(np.ceil(knobs.EMBARGO_SHARE * len(axis))), step.config.horizon) * size
    spans, wrong, gaps = data.rows.spans, 0, []
    for before, after in ((data.parts.train, data.parts.validation), (data.parts.validation, data.parts.test)):
        ended = int(spans.t1[before].max())
        wrong += int((spans.start[after] <= ended).sum()) + len(np.intersect1d(before, after))
        gaps.append((int(spans.start[after].min()) - ended) // size)
    wrong += int((spans.start[data.parts.train] < at.start).sum())
    wrong += int(((spans.t0[data.parts.test] < at.test) | (spans.t1[data.parts.test] >= at.end)).sum())
    narrow = min(gaps) * size < embargo
    text = f"{wrong:,} rows reach over a border." if wrong else ""
    if narrow:
        text = f"{text} Between two segments lie {min(gaps)} bars; the embargo is {embargo // size}.".strip()
    return Seen(text, min(gaps))


def another_future(step: Step) -> Seen:
    """Everything prepared again with other candles after a segment, and after the whole step."""
    changed: set[str] = set()
    at = step.borders
    for border, part in ((at.validation, "train"), (at.test, "validation"), (at.end, "test")):
        frames = [replace(f, candles=_changed_from(f.candles, border)) for f in step.frames]
        if any(new.candles is not old.candles for new, old in zip(frames, step.frames, strict=True)):
            other = step.prepare(frames, step.config, fold=step.fold)
            changed |= _learned_differently(step.data, other, part)
    text = f"Candles after a segment change its {', '.join(sorted(changed))}." if changed else ""
    return Seen(text, len(changed))


def _changed_from(candles: Candles, moment: int) -> Candles:
    at = int(np.searchsorted(candles.time, moment))
    return other_future(candles, at) if at < len(candles) else candles


def _learned_differently(one: Dataset, other: Dataset, part: str) -> set[str]:
    mine, its = getattr(one.parts, part), getattr(other.parts, part)
    found = set()
    if apart(one.scaler, other.scaler) > 1e-9:
        found.add("scaler")
    if one.k != other.k:
        found.add("barrier width")
    if len(mine) != len(its) or (one.rows.spans.t0[mine] != other.rows.spans.t0[its]).any():
        return found | {"rows"}
    if (one.rows.y[mine] != other.rows.y[its]).any():
        found.add("labels")
    n = len(mine)
    some = np.union1d(np.arange(0, n, max(n // 500, 1)), np.arange(max(n - 50, 0), n))
    if differs(one.x(mine[some]), other.x(its[some]), 1e-5).any():
        found.add("windows")
    return found


def _least(found: list[Seen]) -> str:
    worst = min(found, key=lambda seen: seen.measured)
    return f"{worst.measured:g} of {worst.of}"


def _sum(found: list[Seen]) -> str:
    return f"{sum(int(seen.measured) for seen in found):,} of {sum(seen.of for seen in found):,}"


AUDITS = (
    Audit(
        "table",
        "The network sees these features alone",
        "Computing the table of features again",
        table_holds_features,
        _least,
    ),
    Audit(
        "labels",
        "Labels come from the candles after the call",
        "Computing every label again, and on another future",
        windows_and_labels,
        _sum,
    ),
    Audit(
        "scaler",
        "Scaler fitted on train rows only",
        "Computing the scaler from train rows alone",
        scaler_of_train_rows,
        lambda found: told(max(seen.measured for seen in found)),
    ),
    Audit(
        "fitted",
        "Weights and calibration fitted on their own rows",
        "Fitting weights and calibration beside other labels",
        fitted_on_own_rows,
        _least,
    ),
    Audit(
        "split",
        "No row reaches into another segment",
        "Comparing the spans of train, validation and test rows",
        segments_do_not_touch,
        lambda found: f"{min(int(seen.measured) for seen in found)} bars apart",
    ),
    Audit(
        "future",
        "Another future changes nothing learned",
        "Preparing everything again with another future",
        another_future,
        lambda found: f"{sum(int(seen.measured) for seen in found)} differences",
    ),
)
