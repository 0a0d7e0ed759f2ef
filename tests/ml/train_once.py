"""Run by test_trainer in a process of its own, so that TensorFlow is loaded once and never in the one that forks.

Trains small networks in several ways and prints what came of it as one JSON document.
"""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import Cancelled
from ml import build, network, trainer
from ml.config import TrainingConfig
from ml.dataset import Dataset, Frame
from ml.network import Network
from ml.trainer import Progress, Run
from tests.candles import walk
from tests.ml import beside_plain, versions

ASKED = TrainingConfig(
    ("demo:BTC/USDT", "demo:ETH/USDT"),
    "1h",
    3,
    window=8,
    units=(6, 4),
    epochs=3,
    seeds=(1, 2),
    batch=128,
    patience=5,
    learning_rate=0.01,
)
SHORT = 900  # candles of a market where no version is built


def digest(runs: list[Run]) -> str:
    arrays = [run.weights[name] for run in runs for name in sorted(run.weights)]
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


class Observer:
    """Notes every epoch; stops the training at the n-th batch where asked to."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.seen: list[Progress] = []
        self.steps: list[Progress] = []
        self.batches = 0
        self.stop_at = stop_at

    def on_epoch(self, progress: Progress) -> None:
        self.seen.append(progress)

    def each_batch(self) -> None:
        self.batches += 1
        if self.batches == self.stop_at:
            raise Cancelled("The job was cancelled.")


def train(net: Network, data: Dataset, folder: Path, observer: Observer, fingerprint: str = "x") -> list[Run]:
    return trainer.train(
        net,
        data,
        folder=folder,
        on_epoch=observer.on_epoch,
        each_batch=observer.each_batch,
        fingerprint=fingerprint,
        on_step=observer.steps.append,
    )


def interrupted(net: Network, data: Dataset, folder: Path) -> dict[str, object]:
    """Stop in the middle of the second seed's second epoch, then go on."""
    whole = Observer()
    first = train(net, data, folder / "whole", whole)
    per_epoch = whole.batches // 6
    stopped, resumed = Observer(stop_at=4 * per_epoch + per_epoch // 2), Observer()
    try:
        train(net, data, folder / "cut", stopped)
        cancelled = False
    except Cancelled:
        cancelled = True
    second = train(net, data, folder / "cut", resumed)
    return {
        "first": digest(first),
        "again": digest(train(net, data, folder / "again", Observer())),
        "resumed": digest(second),
        "cancelled": cancelled,
        "stopped_at": [stopped.seen[-1].seed, stopped.seen[-1].epoch],
        "resumed_at": [resumed.seen[0].seed, resumed.seen[0].epoch],
        "seeds_differ": digest(first[:1]) != digest(first[1:]),
        "losses": [run.course.losses for run in first],
        "steps": [[s.seed, s.epoch, s.share, s.fraction] for s in whole.steps],
        "batches": whole.batches,
        "fractions": [p.fraction for p in whole.seen],
        "eta": [p.eta_s for p in whole.seen],
        "files": sorted(p.name for p in (folder / "whole").iterdir()),
    }


def other_data(net: Network, data: Dataset, folder: Path) -> int:
    """Epochs trained where a checkpoint of another fingerprint lies."""
    observer = Observer()
    train(net, data, folder / "whole", observer, fingerprint="y")
    return len(observer.seen)


def early(net: Network, data: Dataset, folder: Path) -> dict[str, object]:
    """Labels nobody can learn: validation soon gets worse and the training stops."""
    asked = replace(data.config, epochs=40, patience=2, seeds=(1,))
    y = data.rows.y.copy()
    y[:] = np.random.default_rng(5).integers(0, 3, len(y))
    (run,) = train(net, replace(data, config=asked, rows=replace(data.rows, y=y)), folder / "early", Observer())
    return {"epochs": len(run.course.losses), "best": run.course.best + 1, "stopped_early": run.stopped_early}


def weights_of_the_best_epoch(net: Network, data: Dataset, folder: Path) -> dict[str, float]:
    """The validation loss of the weights that are handed out, beside the one that was reported."""
    (run, _) = train(net, data, folder / "again", Observer())
    net.set_weights(run.weights)
    rows = data.parts.validation
    p = trainer.forecast(net, data, rows, lambda: None)
    return {"got": float(trainer.log_losses(p, data.rows.y[rows]).mean()), "said": min(run.course.val_losses)}


def planted(net: Network, folder: Path) -> dict[str, float]:
    """A label that the last bar's return gives away is learned."""
    asked = replace(ASKED, seeds=(1,), epochs=8, patience=8)
    data = versions.prepared(asked, n=SHORT)
    seen = data.table[data.rows.ends, 0]
    y = np.digitize(seen, np.quantile(seen, (1 / 3, 2 / 3))).astype(np.int8)
    (run,) = train(net, replace(data, rows=replace(data.rows, y=y)), folder / "planted", Observer())
    return {"val_loss": min(run.course.val_losses), "chance": float(np.log(3))}


def built(folder: Path) -> dict[str, object]:
    """A whole version, from candles to files."""
    frames = [Frame(name, True, walk(1_500, seed=k)) for k, name in enumerate(ASKED.markets)]
    stages, epochs = [], []
    course = build.Course(
        on_stage=lambda stage, _: stages.append(stage),
        on_epoch=lambda at, windows, base: epochs.append([at.epoch, windows, base]),
        each_batch=lambda: None,
    )
    made = build.build(frames, ASKED, folder=folder / "build", now_ms=1, course=course)
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    return {"stages": stages, "epochs": epochs, "card": made.card.to_dict(), "files": sorted(made.files)}


def main(folder: Path) -> None:
    network.start()
    import tensorflow as tf

    data, net = versions.prepared(ASKED, n=SHORT), Network(ASKED, 10)
    print(
        json.dumps(
            {
                "threads": tf.config.threading.get_intra_op_parallelism_threads(),
                **interrupted(net, data, folder),
                "other_data": other_data(net, data, folder),
                "early": early(net, data, folder),
                "best": weights_of_the_best_epoch(net, data, folder),
                "planted": planted(net, folder),
                "built": built(folder),
                "beside_plain": beside_plain.distances(),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
