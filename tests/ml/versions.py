"""Whole model versions without a training: random weights, a true card over made-up candles, files on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from db.tables import TrainedModel
from ml import artefacts, checkpoints, dataset, evaluation, features, registry, report, scaling
from ml.card import Card, SeedRun
from ml.code_version import code_version
from ml.config import TrainingConfig
from ml.dataset import Dataset, Frame
from ml.simple_models import Linear, SimpleModels, Trees
from tests.candles import walk
from tests.ml.networks import random_weights

UNITS = (4, 3, 2)


def config(market: str = "demo:BTC/USDT", *, timeframe: str = "1h", horizon: int = 3) -> TrainingConfig:
    return TrainingConfig((market,), timeframe, horizon, units=UNITS, epochs=1)


def prepared(asked: TrainingConfig, *, seed: int = 1, n: int = 1_500) -> Dataset:
    frames = [
        Frame(name, name.startswith("demo:"), walk(n, asked.timeframe, seed=seed + k))
        for k, name in enumerate(asked.markets)
    ]
    return dataset.prepare(frames, asked)


def card(asked: TrainingConfig, data: Dataset, *, forecast: np.ndarray | None = None) -> Card:
    """The card of a model that says `forecast` over the test rows, base rates where nothing is given."""
    rows = report.judged(data, data.parts.test)
    p = np.tile(rows.prior, (len(rows.y), 1)) if forecast is None else forecast
    metrics, beside = evaluation.judge(p, rows), report.beside(data, p, rows)
    width = report.labels_summary(data)
    run = SeedRun(1, [1.2], [1.1], 1, 1.1, False, 1.0, True, metrics.log_loss, metrics.accuracy, metrics.mcc)
    return Card(
        name=asked.family,
        version=None,
        markets=list(asked.markets),
        simulated=any(d.simulated for d in data.data),
        timeframe=asked.timeframe,
        horizon=asked.horizon,
        window=asked.window,
        verdict=report.VERDICT,
        better_than_simple_models=False,
        quick_look=True,
        finding=report.finding(metrics, beside),
        reasons=report.reasons(metrics, beside),
        limits=report.limits(data, metrics, width),
        leak_lab=report.LEAK_LAB,
        metrics=metrics,
        baselines=beside,
        reliability=evaluation.reliability(p, evaluation.settled(rows.y, rows.ambiguous, p)),
        runs=[run],
        climatology_val_loss=1.1,
        labels=width,
        split=report.split_summary(data),
        data=list(data.data),
        features=list(features.FEATURES),
        network={"units": list(asked.units)},
        environment={},
        code_version=code_version(),
        onnx_max_difference=0.0,
        created_ms=0,
        seconds=1.0,
        calls=report.test_calls(data, p, rows),
    )


def simple_models(asked: TrainingConfig, *, seed: int = 1) -> SimpleModels:
    """Baselines that nobody fitted: a random line, and for each class a tree that asks one number of the window."""
    rng, inputs = np.random.default_rng(seed), asked.window * len(features.NAMES)
    forks = [((int(rng.integers(inputs)), n + 1, n + 2), (-1, 0, 0), (-1, 0, 0)) for n in (0, 3, 6)]
    classes = np.arange(3, dtype=np.int32)
    return SimpleModels(
        Linear(classes, rng.normal(size=(3, len(features.NAMES))), rng.normal(size=3)),
        Trees(
            classes,
            rng.normal(size=3),
            roots=np.array([0, 3, 6], dtype=np.int32),
            adds_to=classes,
            links=np.array(forks, dtype=np.int32).reshape(9, 3),
            values=rng.normal(size=(9, 2)),
        ),
    )


def beside(asked: TrainingConfig, *, seed: int = 1) -> dict[str, bytes]:
    """The file of such baselines."""
    return {artefacts.BASELINES: checkpoints.npz(simple_models(asked, seed=seed).arrays())}


def files(asked: TrainingConfig, *, seed: int = 1) -> dict[str, bytes]:
    """The files a call needs, with random weights and a scaler that changes nothing; none of baselines, as once."""
    import json

    from ml import onnx_export

    weights = random_weights(asked, len(features.NAMES), seed=seed)
    ones = tuple(1.0 for _ in features.NAMES)
    scaler = scaling.Scaler(features.NAMES, tuple(0.0 for _ in ones), ones)
    return {
        artefacts.WEIGHTS: checkpoints.npz(weights),
        artefacts.MODEL: onnx_export.build([weights], asked, len(features.NAMES)),
        artefacts.SCALER: scaler.to_json().encode(),
        artefacts.CONFIG: json.dumps({"training": asked.to_dict(), "k": 0.8}).encode(),
    }


def publish(
    session: Session,
    models: Path,
    made: Card,
    asked: TrainingConfig,
    *,
    seed: int = 1,
    more: dict[str, bytes] | None = None,
) -> TrainedModel:
    """Write files with random weights, and `more` of them, and record them as the next version."""
    folder = f"{asked.family}/job-{seed}"
    manifest = artefacts.save(models, folder, files(asked, seed=seed) | (more or {}))
    return registry.record(session, made, asked, manifest=manifest, folder=folder)


def with_gain(made: Card, gain: float, *, verdict: str | None = None) -> Card:
    """The card as it were had the model saved `gain` nats a call against base rates."""
    base = made.baseline("climatology")
    other = [b for b in made.baselines if b.key != "climatology"]
    changed = replace(base, model_against=replace(base.model_against, gain=gain))
    return replace(made, baselines=[changed, *other], verdict=verdict or made.verdict)
