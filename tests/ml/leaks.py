"""Twelve pipelines that know what they could not have known, and twenty that do not."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.ohlcv import Candles, Floats
from ml import dataset, features, labels, scaling
from ml.config import TrainingConfig
from ml.dataset import Compute, Dataset, Frame
from ml.leak_lab import BOLT, Pipeline
from tests.candles import walk

N = 2_500
DAY_MS = 86_400_000
Case = tuple[list[Frame], TrainingConfig, Pipeline]


def config(horizon: int = 6, **more: object) -> TrainingConfig:
    markets = more.pop("markets", ("demo:BTC/USDT",))
    return TrainingConfig(markets, str(more.pop("timeframe", "1h")), horizon, **more)  # type: ignore[arg-type]


def frames(asked: TrainingConfig, *, n: int = N, seed: int = 0) -> list[Frame]:
    return [Frame(m, True, walk(n, asked.timeframe, seed=10 * seed + k)) for k, m in enumerate(asked.markets)]


def with_column(number: int, made: Callable[[Candles, int], Floats]) -> Compute:
    """Bolt's features with one of them made another way; where they are not warm it is not either."""

    def compute(candles: Candles, step_ms: int) -> Floats:
        table = features.compute(candles, step_ms)
        if len(table):
            table[:, number] = np.where(np.isnan(table[:, number]), np.nan, made(candles, step_ms))
        return table

    return compute


def through(compute: Compute) -> Pipeline:
    return Pipeline(compute, lambda given, asked, fold=-1: dataset.prepare(given, asked, compute, fold=fold))


def after(change: Callable[[Dataset, Sequence[Frame]], Dataset]) -> Pipeline:
    """Bolt's pipeline with something done to what it prepared."""
    return Pipeline(
        features.compute, lambda given, asked, fold=-1: change(dataset.prepare(given, asked, fold=fold), given)
    )


def returns(candles: Candles, _step: int) -> Floats:
    return np.concatenate(([0.0], np.diff(np.log(candles.close))))


# Features that look ahead


def shifted(candles: Candles, step: int) -> Floats:
    return np.append(returns(candles, step)[1:], 0.0)


def centred_average(candles: Candles, _step: int) -> Floats:
    mean = np.convolve(np.pad(candles.close, 5, mode="edge"), np.full(11, 1 / 11), mode="valid")
    return candles.close / mean - 1


def future_volume(candles: Candles, _step: int) -> Floats:
    return np.append(candles.volume[3:], np.zeros(3)) / 1_000


def coarse_bar(candles: Candles, _step: int) -> Floats:
    """The return of the day the candle lies in, whose close is hours away."""
    days = candles.time // DAY_MS
    _, first, which = np.unique(days, return_index=True, return_inverse=True)
    last = np.append(first[1:], len(days)) - 1
    return np.log(candles.close[last] / candles.open[first])[which]


def global_maximum(candles: Candles, _step: int) -> Floats:
    return candles.close / candles.close.max()


def encoded_hour(candles: Candles, step: int) -> Floats:
    """How the next bars went, on average, at this hour of the day, over the whole history."""
    hour = candles.time // 3_600_000 % 24
    ahead = np.append(np.log(candles.close[6:] / candles.close[:-6]), np.zeros(min(6, len(candles))))[: len(candles)]
    return np.array([ahead[hour == h].mean() if (hour == h).any() else 0.0 for h in range(24)])[hour]


# Rows that know too much


def until(data: Dataset, given: Sequence[Frame]) -> Floats:
    """Features of the candles the rows stand on: those up to the end of the step."""
    seen = [f.candles[: int(np.searchsorted(f.candles.time, data.borders.end))] for f in given]
    return np.concatenate([features.compute(candles, data.config.step.ms) for candles in seen])


def scaler_on_everything(data: Dataset, given: Sequence[Frame]) -> Dataset:
    raw = until(data, given)
    scaler = scaling.fit(features.NAMES, raw[data.rows.ends])
    return replace(data, scaler=scaler, table=scaler.apply(raw))


def label_in_features(data: Dataset, _given: Sequence[Frame]) -> Dataset:
    table = data.table.copy()
    table[data.rows.ends, 6] = data.rows.y - 1.0
    return replace(data, table=table)


def resplit(
    data: Dataset, given: Sequence[Frame], *, from_window: bool = True, to_label: bool = True, embargo: bool = True
) -> Dataset:
    """Segments that forget the begin of a row's window, the end of its label, or the embargo."""
    at = data.borders
    wait = data.embargo_bars * data.config.step.ms if embargo else 0
    spans = data.rows.spans
    begin, end = (spans.start if from_window else spans.t0), (spans.t1 if to_label else spans.t0)
    masks = (
        (begin >= at.start) & (end < at.validation),
        (begin >= at.validation + wait) & (end < at.test),
        (begin >= at.test + wait) & (end < at.end),
    )
    rows = [np.nonzero(mask & ~data.rows.ambiguous)[0] for mask in masks]
    parts = replace(data.parts, train=rows[0], validation=rows[1], test=rows[2])
    raw = until(data, given)
    scaler = scaling.fit(features.NAMES, raw[data.rows.ends[rows[0]]])
    return replace(data, parts=parts, scaler=scaler, table=scaler.apply(raw))


def filled_forward(given: Sequence[Frame], asked: TrainingConfig, *, fold: int = -1) -> Dataset:
    """Holes are filled with the last close before anything is computed."""
    return dataset.prepare([replace(f, candles=_filled(f.candles, asked.step.ms)) for f in given], asked, fold=fold)


def _filled(candles: Candles, step: int) -> Candles:
    time = np.arange(candles.time[0], candles.time[-1] + step, step, dtype=np.int64)
    at = np.searchsorted(candles.time, time, side="right") - 1
    there = candles.time[at] == time
    close = candles.close[at]
    opened, high, low = (np.where(there, getattr(candles, name)[at], close) for name in ("open", "high", "low"))
    return Candles(time, opened, high, low, close, np.where(there, candles.volume[at], 0.0))


def holed(given: list[Frame], at: int = 1_200, width: int = 30) -> list[Frame]:
    keep = np.ones(len(given[0].candles), dtype=bool)
    keep[at : at + width] = False
    return [replace(f, candles=f.candles[keep]) for f in given]


KNOWING = {
    "scaler fitted on everything": scaler_on_everything,
    "label among the features": label_in_features,
    "window reaching over the border": lambda d, g: resplit(d, g, from_window=False),
    "embargo missing": lambda d, g: resplit(d, g, embargo=False),
    "labels overlapping the border": lambda d, g: resplit(d, g, to_label=False),
}


def in_the_oldest_fold_alone(change: Callable[[Dataset, Sequence[Frame]], Dataset]) -> Pipeline:
    """Bolt's pipeline, but for what it prepares of the oldest step."""

    def prepare(given: Sequence[Frame], asked: TrainingConfig, *, fold: int = -1) -> Dataset:
        data = dataset.prepare(given, asked, fold=fold)
        return change(data, given) if fold == 0 else data

    return Pipeline(features.compute, prepare)


def planted() -> dict[str, Case]:
    """By name: what is examined, and what of it."""
    asked = config()
    given = frames(asked)
    looking = {
        "feature shifted by one": (0, shifted),
        "centred moving average": (6, centred_average),
        "future volume": (3, future_volume),
        "coarse bar that still forms": (0, coarse_bar),
        "normalised by the global maximum": (1, global_maximum),
        "target-encoded hour": (2, encoded_hour),
    }
    cases: dict[str, Case] = {
        name: (given, asked, through(with_column(k, made))) for name, (k, made) in looking.items()
    }
    cases |= {name: (given, asked, after(change)) for name, change in KNOWING.items()}
    cases["gap filled forward"] = (holed(given), asked, Pipeline(features.compute, filled_forward))
    return cases


# Pipelines that know nothing


def slow_average(candles: Candles, _step: int) -> Floats:
    mean = np.convolve(np.pad(candles.close, (10, 0), mode="edge"), np.full(11, 1 / 11), mode="valid")
    return candles.close / mean - 1


def yesterday(candles: Candles, step: int) -> Floats:
    return np.concatenate((np.zeros(24), returns(candles, step)))[: len(candles)]


def hour_of_day(candles: Candles, _step: int) -> Floats:
    return np.sin(candles.time / DAY_MS * 2 * np.pi)


def highest_so_far(candles: Candles, _step: int) -> Floats:
    return candles.close / np.maximum.accumulate(candles.high)


def clean() -> dict[str, Case]:
    two = ("demo:BTC/USDT", "demo:ETH/USDT")
    cases: dict[str, Case] = {}
    for seed in range(8):
        asked = config()
        cases[f"walk {seed}"] = (frames(asked, seed=seed + 1), asked, BOLT)
    for horizon in (1, 3, 24):
        asked = config(horizon)
        cases[f"horizon {horizon}"] = (frames(asked, seed=horizon + 20), asked, BOLT)
    for timeframe in ("5m", "4h", "1d"):
        asked = config(timeframe=timeframe)
        cases[f"timeframe {timeframe}"] = (frames(asked, seed=31), asked, BOLT)
    pair = config(markets=two)
    cases["two markets"] = (frames(pair, n=1_800, seed=40), pair, BOLT)
    asked = config(window=30)
    cases["holes"] = (holed(frames(asked, seed=41)), asked, BOLT)
    for number, (name, column, made) in enumerate(
        (
            ("moving average that ends now", 6, slow_average),
            ("yesterday's return", 0, yesterday),
            ("hour of the day", 2, hour_of_day),
            ("distance to the highest so far", 1, highest_so_far),
        )
    ):
        asked = config()
        cases[name] = (frames(asked, seed=50 + number), asked, through(with_column(column, made)))
    return cases


def labels_that_repeat(data: Dataset, _given: Sequence[Frame]) -> Dataset:
    """Every label is taken for bullish: not what the candles say."""
    return replace(data, rows=replace(data.rows, y=np.full_like(data.rows.y, labels.BULLISH)))
