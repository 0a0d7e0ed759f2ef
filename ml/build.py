"""From candles to a finished version: train, judge beside the baselines, export; files and card come out."""

import hashlib
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from core.ohlcv import Floats
from ml import (
    artefacts,
    calibration,
    checkpoints,
    config,
    dataset,
    evaluation,
    features,
    network,
    onnx_export,
    report,
    trainer,
)
from ml.card import Card, SeedRun
from ml.code_version import code_version
from ml.config import TrainingConfig
from ml.dataset import Dataset, Frame
from ml.network import Network, State
from ml.trainer import Progress, Run

CHECKED, CHECKED_NOISE = 384, 128  # real and random windows the exported model has to agree on
LIBRARIES = ("numpy", "ta-lib", "scikit-learn", "onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Course:
    """What a long run tells its caller. `on_epoch(progress, windows, baseline_loss)`; `each_batch` may raise.

    `on_step` is told the same within an epoch, before each batch.
    """

    on_stage: Callable[[str, str], None]
    on_epoch: Callable[[Progress, dict[str, int], float], None]
    each_batch: Callable[[], None]
    on_step: Callable[[Progress, dict[str, int], float], None] = lambda *_: None


@dataclass(frozen=True, slots=True)
class Built:
    """A version that is not yet recorded: its card has no number."""

    card: Card
    files: dict[str, bytes]


def build(frames: Sequence[Frame], asked: TrainingConfig, *, folder: Path, now_ms: int, course: Course) -> Built:
    """Train on `frames`; checkpoints stand in `folder` until the caller removes it. Raises NotEnoughData."""
    course.on_stage("preparing", "Computing features and labels")
    data = dataset.prepare(frames, asked)
    base_loss = _climatology_loss(data)
    counts = {name: len(getattr(data.parts, name)) for name in ("train", "validation", "test")}
    course.on_stage("preparing", "Loading TensorFlow")
    network.start()
    net = Network(asked, data.table.shape[1])
    course.on_stage("preparing", f"In the first epoch, over {counts['train']:,} windows")
    runs = trainer.train(
        net,
        data,
        folder=folder,
        on_epoch=lambda p: course.on_epoch(p, counts, base_loss),
        each_batch=course.each_batch,
        fingerprint=fingerprint(data),
        on_step=lambda p: course.on_step(p, counts, base_loss),
    )
    course.on_stage("evaluating", "Scoring the test period beside the baselines")
    runs, temperatures = _calibrated(net, data, runs, course.each_batch)
    forecasts = _forecasts(net, data, runs, course.each_batch)
    served = int(np.argmin([min(r.course.val_losses) for r in runs]))
    model, difference = _export(net, data, runs[served].weights)
    card = _card(data, runs, served, forecasts, difference=difference, now_ms=now_ms, base_loss=base_loss)
    card.network["temperature"] = temperatures[served]
    course.on_stage("saving", "Writing the model's files")
    return Built(card, _files(data, card, runs[served].weights, model, forecasts[served]))


def fingerprint(data: Dataset) -> str:
    """Names data, configuration and code, so that no checkpoint of another training is taken up."""
    labels = hashlib.sha256(data.rows.y.tobytes()).hexdigest()  # finer candles may have come since
    asked = json.dumps(data.config.to_dict(), sort_keys=True)
    parts = [asked, code_version(), labels, *(d.sha256 for d in data.data)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def environment() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **network.versions(),
        **{name: metadata.version(name) for name in LIBRARIES},
    }


def _climatology_loss(data: Dataset) -> float:
    rows = report.judged(data, data.parts.validation)
    return float(report.losses(np.tile(rows.prior, (len(rows.y), 1)), rows).mean())


def _calibrated(
    net: Network, data: Dataset, runs: list[Run], each_batch: Callable[[], None]
) -> tuple[list[Run], list[float]]:
    """Runs with the temperature of their validation rows folded into the weights, and these temperatures."""
    rows, temperatures = data.parts.validation, []
    for run in runs:
        net.set_weights(run.weights)
        temperatures.append(calibration.fit(trainer.forecast(net, data, rows, each_batch), data.rows.y[rows]))
    made = [replace(r, weights=calibration.folded(r.weights, t)) for r, t in zip(runs, temperatures, strict=True)]
    return made, temperatures


def _forecasts(net: Network, data: Dataset, runs: list[Run], each_batch: Callable[[], None]) -> list[Floats]:
    """Probabilities over the test rows, per run."""
    found = []
    for run in runs:
        net.set_weights(run.weights)
        found.append(trainer.forecast(net, data, data.parts.test, each_batch))
    return found


def _export(net: Network, data: Dataset, weights: State) -> tuple[bytes, float]:
    """The ONNX file and its largest difference from Keras, on real and on random windows."""
    model = onnx_export.build(weights, data.config, net.features)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(CHECKED_NOISE, data.config.window, net.features)).astype(np.float32)
    windows = np.concatenate((data.x(data.parts.test[-CHECKED:]), noise))
    net.set_weights(weights)
    return model, onnx_export.largest_difference(model, windows, net.forecast(windows))


def _card(
    data: Dataset,
    runs: list[Run],
    served: int,
    forecasts: list[Floats],
    *,
    difference: float,
    now_ms: int,
    base_loss: float,
) -> Card:
    asked, p = data.config, forecasts[served]
    rows = report.judged(data, data.parts.test)
    metrics, beside = evaluation.judge(p, rows), report.beside(data, p, rows)
    width = report.labels_summary(data)
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
        quick_look=len(asked.seeds) < config.FEW_SEEDS,
        finding=report.finding(metrics, beside),
        reasons=report.reasons(metrics, beside),
        limits=report.limits(data, metrics, width),
        leak_lab=report.LEAK_LAB,
        metrics=metrics,
        baselines=beside,
        reliability=evaluation.reliability(p, evaluation.settled(rows.y, rows.ambiguous, p)),
        runs=[_run(r, q, rows, number == served) for number, (r, q) in enumerate(zip(runs, forecasts, strict=True))],
        climatology_val_loss=base_loss,
        labels=width,
        split=report.split_summary(data),
        data=list(data.data),
        features=list(features.FEATURES),
        network=_network(asked, runs[served].weights),
        environment=environment(),
        code_version=code_version(),
        onnx_max_difference=difference,
        created_ms=now_ms,
        seconds=sum(r.course.seconds for r in runs),
        calls=report.test_calls(data, p, rows),
    )


def _run(run: Run, p: Floats, rows: evaluation.Judged, served: bool) -> SeedRun:
    found, course = evaluation.judge(p, rows), run.course
    return SeedRun(
        seed=course.seed,
        losses=course.losses,
        val_losses=course.val_losses,
        best_epoch=course.best + 1,
        best_val_loss=course.val_losses[course.best],
        stopped_early=run.stopped_early,
        seconds=course.seconds,
        served=served,
        test_log_loss=found.log_loss,
        test_accuracy=found.accuracy,
        test_mcc=found.mcc,
    )


def _network(asked: TrainingConfig, weights: State) -> dict[str, object]:
    return {
        "kind": "LSTM " + " → ".join(map(str, asked.units)),
        "units": list(asked.units),
        "dropout": asked.dropout,
        "batch_normalisation": True,
        "parameters": int(sum(w.size for w in weights.values())),
        "batch": asked.batch,
        "learning_rate": asked.learning_rate,
        "epochs": asked.epochs,
        "patience": asked.patience,
    }


def _files(data: Dataset, card: Card, weights: State, model: bytes, p: Floats) -> dict[str, bytes]:
    stored = {"training": data.config.to_dict(), "k": data.k, "temperature": card.network["temperature"]}
    return {
        artefacts.WEIGHTS: checkpoints.npz(weights),
        artefacts.MODEL: model,
        artefacts.SCALER: data.scaler.to_json().encode(),
        artefacts.CONFIG: json.dumps(stored, indent=1).encode(),
        artefacts.CARD: json.dumps(card.to_dict(), ensure_ascii=False, allow_nan=False).encode(),
        artefacts.LABELS: checkpoints.npz(_labels(data, p)),
    }


def _labels(data: Dataset, p: Floats) -> State:
    """Every row with its label; `segment`: 0 train, 1 validation, 2 test, −1 none; `test_p` in order of `test_rows`."""
    rows = data.rows
    segment = np.full(len(rows.y), -1, dtype=np.int8)
    for number, part in enumerate((data.parts.train, data.parts.validation, data.parts.test)):
        segment[part] = number
    return {
        "market": rows.market,
        "t0": rows.spans.t0,
        "t1": rows.spans.t1,
        "y": rows.y,
        "ret": rows.ret,
        "ambiguous": rows.ambiguous,
        "segment": segment,
        "test_rows": data.parts.test,
        "test_p": p.astype(np.float32),
    }
