"""From candles to the rows a training sees: features, labels, split and scaler, of all markets on one time axis."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import NotEnoughData
from core.ohlcv import Candles, Floats, gaps
from ml import config as knobs
from ml import features, labels, scaling, splits, windows
from ml.card import DataSpan
from ml.config import TrainingConfig
from ml.scaling import Scaler
from ml.splits import Borders, Parts, Spans
from ml.windows import Ends, Table

Classes = npt.NDArray[np.int8]
Compute = Callable[[Candles, int], Floats]  # candles and their step in ms to (n, 10) features


@dataclass(frozen=True, slots=True)
class Frame:
    """The closed candles of one market; `finer` reads shorter ones where a bar touches both barriers."""

    market: str
    simulated: bool
    candles: Candles
    finer: labels.Finer | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Every bar that has a whole window and a label, of all markets; parallel arrays.

    `ends`: the bar's row in the table of features. `market`: number in the configuration's order. `width`: barrier
    as a log return. `said_before`: class of the market's newest label that had ended at the row's close.
    `momentum`: sign of the last `horizon` bars as a class.
    """

    ends: Ends
    market: npt.NDArray[np.int16]
    spans: Spans
    y: Classes
    ret: npt.NDArray[np.float32]
    ambiguous: npt.NDArray[np.bool_]
    said_before: Classes
    momentum: Classes
    width: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """`table` (bars of all markets, 10) is scaled; `parts` says which row is where. Train and validation hold no
    ambiguous row. `without_label`: windows whose path is not complete. `borders`: where the segments begin."""

    config: TrainingConfig
    scaler: Scaler
    k: float
    table: Table
    rows: Rows
    parts: Parts
    embargo_bars: int
    without_label: int
    data: tuple[DataSpan, ...]
    borders: Borders

    def x(self, rows: npt.NDArray[np.int64]) -> Table:
        """(rows, window, 10) windows."""
        return windows.gather(self.table, self.rows.ends[rows], self.config.window)

    def last_bars(self, rows: npt.NDArray[np.int64]) -> Table:
        """(rows, 10) features of the bar decided on."""
        return self.table[self.rows.ends[rows]]


@dataclass(frozen=True, slots=True)
class _Market:
    """One market before the split: `at` are the bars with a whole window and a volatility."""

    frame: Frame
    features: Floats
    sigma: Floats
    at: npt.NDArray[np.int64]


def prepare(
    frames: Sequence[Frame], config: TrainingConfig, compute: Compute = features.compute, *, fold: int = -1
) -> Dataset:
    """Raises NotEnoughData with what is missing. `compute` is another one only where a leak is planted.

    `fold`: which step of a walk-forward, the newest where nothing is said. Everything that is fitted (barrier width,
    scaler) is fitted on the train rows of that step, and its candles end where the step ends.
    """
    demand(frames, config)
    border = borders(frames, config)[fold]
    markets = [_open(_until(frame, border.end), config, compute, border) for frame in frames]
    paths = [_train_paths(m, border.validation, config) for m in markets]
    k = labels.choose_k(paths, horizon=config.horizon, step_ms=config.step.ms)
    rows = _join([_label(m, number, k, config) for number, m in enumerate(markets)], markets)
    parts = splits.chronological(rows.spans, border)
    parts = replace(
        parts, train=_clear(parts.train, rows.ambiguous), validation=_clear(parts.validation, rows.ambiguous)
    )
    _demand_windows(parts)
    raw = np.concatenate([m.features for m in markets])
    scaler = scaling.fit(features.NAMES, raw[rows.ends[parts.train]])
    return Dataset(
        config=config,
        scaler=scaler,
        k=k,
        table=scaler.apply(raw),
        rows=rows,
        parts=parts,
        embargo_bars=border.embargo_ms // config.step.ms,
        without_label=sum(len(m.at) for m in markets) - len(rows.ends),
        data=tuple(describe(f, config.step.ms) for f in frames),
        borders=border,
    )


def borders(frames: Sequence[Frame], config: TrainingConfig) -> list[Borders]:
    """The borders of every step, oldest first; a single split is one step."""
    time = np.concatenate([f.candles.time for f in frames])
    if config.walks:
        return splits.walk_forward(
            time,
            rolling=config.scheme == knobs.ROLLING,
            folds=config.folds,
            train_bars=config.train_bars,
            horizon=config.horizon,
            step_ms=config.step.ms,
            embargo=knobs.EMBARGO_SHARE,
        )
    return [
        splits.borders(
            time,
            horizon=config.horizon,
            step_ms=config.step.ms,
            train=knobs.TRAIN_SHARE,
            validation=knobs.VALIDATION_SHARE,
            embargo=knobs.EMBARGO_SHARE,
        )
    ]


def _until(frame: Frame, end: int) -> Frame:
    """The frame without the candles of later steps."""
    return replace(frame, candles=frame.candles[: int(np.searchsorted(frame.candles.time, end))])


def describe(frame: Frame, step_ms: int) -> DataSpan:
    """What went in, with a hash of the raw columns."""
    digest = hashlib.sha256()
    for column in frame.candles.columns():
        digest.update(np.ascontiguousarray(column).tobytes())
    holes = gaps(frame.candles.time, step_ms)
    return DataSpan(
        market=frame.market,
        simulated=frame.simulated,
        first_ms=int(frame.candles.time[0]),
        last_ms=int(frame.candles.time[-1]),
        candles=len(frame.candles),
        gaps=len(holes),
        missing=sum(n for _, n in holes),
        sha256=digest.hexdigest(),
    )


def demand(frames: Sequence[Frame], config: TrainingConfig) -> None:
    """Raises NotEnoughData where a market holds too few candles."""
    for frame in frames:
        _demand_length(frame, config)


def _demand_length(frame: Frame, config: TrainingConfig) -> None:
    if len(frame.candles) < config.least_candles:
        raise NotEnoughData(
            f"{frame.market} holds {len(frame.candles):,} candles of {config.timeframe}; training with a horizon of "
            f"{config.horizon} needs {config.least_candles:,}. Import more history or choose a shorter timeframe."
        )


def _demand_windows(parts: Parts) -> None:
    least = min(len(parts.train), len(parts.validation), len(parts.test))
    if least < knobs.LEAST_JUDGED:
        raise NotEnoughData(
            f"After the holes in the candles only {least} gapless windows are left in one of the segments; "
            f"{knobs.LEAST_JUDGED} are needed. Fill the holes, import more history or choose a shorter horizon."
        )


def _open(frame: Frame, config: TrainingConfig, compute: Compute, border: Borders) -> _Market:
    """Rows are decided on every `stride` bars of the common time axis, so that all symbols share their moments."""
    table = compute(frame.candles, config.step.ms)
    sigma = labels.sigma(frame.candles, config.step.ms, config.sigma_span)
    time, step = frame.candles.time, config.step.ms
    wanted = (time - (config.window - 1) * step >= border.start) & (time // step % config.stride == 0)
    at = np.nonzero(windows.whole(table, config.window) & np.isfinite(sigma) & wanted)[0]
    return _Market(frame, table, sigma, at)


def _train_paths(market: _Market, border: int, config: TrainingConfig) -> tuple[Candles, labels.Ints, Floats]:
    """Rows whose longest path ends before validation begins."""
    time = market.frame.candles.time
    at = market.at[time[market.at] + config.horizon * config.step.ms < border]
    return market.frame.candles, at, market.sigma[at]


def _label(market: _Market, number: int, k: float, config: TrainingConfig) -> Rows:
    """Rows of one market; `ends` count within it until `_join` moves them."""
    candles, at = market.frame.candles, market.at
    upper, lower = labels.factors(market.sigma[at], k, config.horizon)
    found = labels.touch(
        candles, at, upper, lower, horizon=config.horizon, step_ms=config.step.ms, finer=market.frame.finer
    )
    known = found.known
    at, end, y = at[known], found.end[known], found.y[known]
    before = candles.close[np.maximum(at - config.horizon, 0)]
    return Rows(
        ends=at.astype(np.int32),
        market=np.full(len(at), number, dtype=np.int16),
        spans=Spans(candles.time[at - config.window + 1], candles.time[at], candles.time[end]),
        y=y,
        ret=found.ret[known].astype(np.float32),
        ambiguous=found.ambiguous[known],
        said_before=newest_settled(at, end, y, len(candles)),
        momentum=(np.sign(candles.close[at] - before) + 1).astype(np.int8),
        width=np.log(upper[known]).astype(np.float32),
    )


def newest_settled(at: npt.NDArray[np.int64], end: npt.NDArray[np.int64], y: Classes, bars: int) -> Classes:
    """For each row the class of the newest row whose label had ended at its close; neutral where there is none."""
    newest = np.full(bars, -1, dtype=np.int64)
    np.maximum.at(newest, end, np.arange(len(at)))
    known = np.maximum.accumulate(newest)[at]
    return np.where(known >= 0, y[known], labels.NEUTRAL).astype(np.int8)


def _join(parts: list[Rows], markets: list[_Market]) -> Rows:
    """One after another; `ends` then count over the joined table."""
    starts = np.cumsum([0] + [len(m.features) for m in markets[:-1]]).astype(np.int32)
    names = ("market", "y", "ret", "ambiguous", "said_before", "momentum", "width")
    joined: dict[str, Any] = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
    spans = (np.concatenate([getattr(p.spans, name) for p in parts]) for name in ("start", "t0", "t1"))
    ends = np.concatenate([p.ends + start for p, start in zip(parts, starts, strict=True)])
    return Rows(ends=ends, spans=Spans(*spans), **joined)


def _clear(rows: npt.NDArray[np.int64], ambiguous: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return rows[~ambiguous[rows]]
