"""Does what a model sees, or how it does, still look like its training? Calculating only.

PSI: Σ (live − then)·ln(live / then) over ten bins of equal mass in training. KS: largest distance of the two empirical
distributions. Bars follow one another, so textbook limits would ring for every quiet week: a feature's own limits are
the 99th percentile of the same figures over stretches of equal length within its training span, and never below the
customary 0.25 (PSI) and 0.2 (KS).

CUSUM (Page 1954) on Brier scores: how much worse the model does than base rates, summed as long as it stays positive,
in standard deviations of blocks of one horizon, minus half of one each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.ohlcv import Floats, Times
from ml.card import Part
from ml.features import FEATURES

LIVE = 500  # newest bars that are compared
BLOCKS = 60  # stretches of the training span that set a feature's limits
QUANTILES = 101  # kept of each feature
BINS = 10
LEAST_PSI, LEAST_KS = 0.25, 0.2
MANY = 3  # features beyond their limits that mean drift
SLACK, LIMIT = 0.5, 5.0  # of the CUSUM, standard deviations: about one false alarm in 900 blocks
LEAST_BLOCKS = 20  # below these a CUSUM says nothing
TINY = 1e-4  # share a bin counts as at least

State = Literal["steady", "shifting", "drifted", "unknown"]


@dataclass(frozen=True)
class Usual(Part):
    """One feature in training: 101 quantiles from the least to the greatest, and the limits of PSI and KS."""

    key: str
    quantiles: list[float]
    psi_limit: float
    ks_limit: float


@dataclass(frozen=True)
class Shift(Part):
    """One feature now. `beyond`: both figures lie beyond their limits."""

    key: str
    psi: float
    ks: float
    psi_limit: float
    ks_limit: float
    beyond: bool


@dataclass(frozen=True)
class Cusum(Part):
    """`path` after each block of one horizon; `alarm`: it stands above `limit` now."""

    blocks: int
    path: list[float]
    limit: float
    alarm: bool


@dataclass(frozen=True)
class Report(Part):
    """`markets`: per market the shifts of its features. `unseen`: markets without live candles. `state`: the worst."""

    state: State
    markets: dict[str, list[Shift]]
    unseen: list[str]
    cusum: Cusum | None
    reason: str
    bars: int = LIVE


def usual(key: str, values: Floats) -> Usual:
    """What a feature was like over the training span `values`, in order of time, holes left out."""
    quantiles = np.quantile(values, np.linspace(0, 1, QUANTILES))
    starts = np.unique(np.linspace(0, max(len(values) - LIVE, 0), BLOCKS).astype(int))
    blocks = [values[start : start + LIVE] for start in starts]
    psis, distances = ([figure(quantiles, block) for block in blocks] for figure in (psi, ks))
    return Usual(
        key,
        [float(q) for q in quantiles],
        max(LEAST_PSI, float(np.quantile(psis, 0.99))),
        max(LEAST_KS, float(np.quantile(distances, 0.99))),
    )


def psi(quantiles: Floats, live: Floats) -> float:
    """Population stability index of `live` against the distribution with these 101 quantiles."""
    edges = np.unique(quantiles[:: QUANTILES // BINS])
    inner = edges[1:-1]
    then = np.diff(np.concatenate(([0.0], _share_below(quantiles, inner), [1.0])))
    now = np.bincount(np.searchsorted(inner, live, side="right"), minlength=len(inner) + 1) / len(live)
    then, now = np.maximum(then, TINY), np.maximum(now, TINY)
    return float(((now - then) * np.log(now / then)).sum())


def ks(quantiles: Floats, live: Floats) -> float:
    """Largest distance between the distribution with these quantiles and that of `live`, 0 to 1."""
    ordered, n = np.sort(live), len(live)
    then = _share_below(quantiles, ordered)
    above, below = np.arange(1, n + 1) / n - then, then - np.arange(n) / n
    return float(max(above.max(), below.max()))


def _share_below(quantiles: Floats, at: Floats) -> Floats:
    """Share of the training values up to each point; where many are equal the middle of their step."""
    levels = np.linspace(0, 1, len(quantiles))
    distinct, first = np.unique(quantiles, return_index=True)
    last = np.concatenate((first[1:], [len(quantiles)])) - 1
    found: Floats = np.interp(at, distinct, (levels[first] + levels[last]) / 2, left=0.0, right=1.0)
    return found


def compare(then: Sequence[Usual], live: Floats) -> list[Shift]:
    """Each feature's column of `live` (bars, features) against its training; rows with holes are left out."""
    whole = live[np.isfinite(live).all(axis=1)]
    found = []
    for number, feature in enumerate(then):
        quantiles, column = np.asarray(feature.quantiles), whole[:, number]
        moved, far = psi(quantiles, column), ks(quantiles, column)
        beyond = moved > feature.psi_limit and far > feature.ks_limit
        found.append(Shift(feature.key, moved, far, feature.psi_limit, feature.ks_limit, beyond))
    return found


def cusum(open_ms: Times, worse: Floats, *, horizon: int, step_ms: int) -> Cusum | None:
    """`worse`: per settled call the model's Brier score minus that of base rates. None while there are few blocks."""
    if not len(open_ms):
        return None
    _, block = np.unique(open_ms // (horizon * step_ms), return_inverse=True)
    means = np.bincount(block, worse) / np.bincount(block)
    spread = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    if len(means) < LEAST_BLOCKS or spread < 1e-12:
        return None
    path, level = [], 0.0
    for value in means / spread:
        level = max(0.0, level + float(value) - SLACK)
        path.append(round(level, 3))
    return Cusum(len(means), path, LIMIT, level > LIMIT)


def judge(markets: dict[str, list[Shift]], unseen: list[str], found: Cusum | None) -> Report:
    """The state of a model from what its markets and its scores show."""
    beyond = {name: [s.key for s in shifts if s.beyond] for name, shifts in markets.items()}
    far = [name for name, keys in beyond.items() if len(keys) >= MANY]
    state: State = "steady" if markets or found else "unknown"
    reason = "" if state == "steady" else "No live candles and too few settled calls to compare."
    if any(beyond.values()):
        state, reason = "shifting", _shifted(beyond)
    if far and 2 * len(far) >= len(markets):
        state, reason = "drifted", f"What it sees no longer looks like its training: {_shifted(beyond)}"
    if found is not None and found.alarm:
        state = "drifted"
        reason = (
            f"Its Brier score has been worse than that of base rates for so long that luck does not explain it "
            f"(CUSUM {found.path[-1]:.1f}, limit {found.limit:.0f})."
        )
    return Report(state, markets, unseen, found, reason)


def _shifted(beyond: dict[str, list[str]]) -> str:
    titles = {feature.key: feature.title for feature in FEATURES}
    parts = [f"{', '.join(titles.get(k, k) for k in keys)} in {name}" for name, keys in beyond.items() if keys]
    return "; ".join(parts) + "."
