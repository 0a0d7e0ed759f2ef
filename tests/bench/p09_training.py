"""P9: a walk-forward's networks, trained by one-thread processes side by side as Bolt's workers do, beside plain Keras.

The peer is what a script would do: Keras' own layers, every window materialised, `model.fit` for one network after the
other, with the threads TensorFlow takes by itself. Both train the same networks from the same weights on the same
batches in the same order, so their losses have to agree. Loading and compiling are left out on both sides. Memory is
what stays allocated for a prepared training, per window, beside the windows themselves.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

from dashapp.config import ROOT
from ml import dataset, windows
from ml.config import TrainingConfig
from ml.dataset import Frame
from tests.bench.table import Row
from tests.candles import walk

CONFIG = TrainingConfig(("demo:BTC/USDT",), "1h", 24)
FEATURES, WINDOWS, BATCH = 10, 4_096, 256
SEEDS = (1, 2)  # one network a core; a walk-forward has tens of them
GOAL, MOST_BYTES = 1.8, 100
SAME = 2e-3  # nats; sums in another order round otherwise


def run() -> list[Row]:
    """Windows a second of both, and bytes a window."""
    with tempfile.TemporaryDirectory() as folder:
        peer = _measured([_begin("keras", SEEDS, Path(folder))])
        bolt = _measured([_begin("bolt", (seed,), Path(folder)) for seed in SEEDS])
    apart = max(abs(a - b) for a, b in zip(peer["losses"], bolt["losses"], strict=True))
    if apart > SAME:
        raise AssertionError(f"the losses differ by {apart:.5f}")
    rows, each = WINDOWS * len(SEEDS), windows_bytes()
    return [
        Row("P9", "training, windows/s", "Keras fit", rows / peer["s"], rows / bolt["s"], "1/s", GOAL, "more"),
        Row("P9", "memory a window", "materialised", 4.0 * CONFIG.window * FEATURES, each, "B", 2_400 / MOST_BYTES),
    ]


def windows_bytes() -> float:
    """What stays allocated of a prepared training, per window it can use."""
    frames = [Frame(CONFIG.markets[0], True, walk(60_000))]
    dataset.prepare([Frame(CONFIG.markets[0], True, walk(2_000))], CONFIG)  # whatever is cached once is cached now
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    data = dataset.prepare(frames, CONFIG)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(data.rows.y)


def _begin(how: str, seeds: tuple[int, ...], folder: Path) -> "subprocess.Popen[str]":
    """A process that compiles, says it is ready, and begins once all are."""
    command = [sys.executable, "-m", "tests.bench.p09_training", how, str(folder), *map(str, seeds)]
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _measured(processes: list["subprocess.Popen[str]"]) -> dict[str, object]:
    """Seconds from the common start to the last end, and the losses of all seeds in order."""
    for process in processes:
        if _line(process) != "ready":
            raise AssertionError("a training process did not get ready")
    began = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    losses = [loss for process in processes for loss in json.loads(_line(process))]
    took = time.perf_counter() - began
    for process in processes:
        process.communicate()
    return {"s": took, "losses": losses}


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The table of features, the last bar of each window, and its class."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(WINDOWS + CONFIG.window, FEATURES)).astype(np.float32)
    ends = np.arange(CONFIG.window, CONFIG.window + WINDOWS, dtype=np.int32)
    return table, ends, rng.integers(0, 3, WINDOWS).astype(np.int8)


def _wait_for_start() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def keras_fit(seeds: list[int]) -> list[float]:
    """One network after the other by `model.fit` over windows that were all copied out before."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from tests.ml.plain import plain

    table, ends, y = _data()
    x = windows.gather(table, ends, CONFIG.window)
    models = [plain(CONFIG, FEATURES, seed=seed) for seed in seeds]
    for model, seed in zip(models, seeds, strict=True):  # compiled by one batch, then as new again
        fresh = plain(CONFIG, FEATURES, seed=seed)
        model.fit(x[:BATCH], y[:BATCH], batch_size=BATCH, shuffle=False, verbose=0)
        for mine, new in zip(model.variables, fresh.variables, strict=True):
            mine.assign(new)
        for mine, new in zip(model.optimizer.variables, fresh.optimizer.variables, strict=True):
            mine.assign(new)
    _wait_for_start()
    losses = []
    for model, seed in zip(models, seeds, strict=True):
        order = windows.shuffled(WINDOWS, seed, 0)
        found = model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)
        losses.append(float(found.history["loss"][0]))
    return losses


def as_a_worker(seed: int) -> list[float]:
    """One network in one thread, windows gathered when they are needed."""
    from ml import network
    from ml.network import Network

    network.start()
    table, ends, y = _data()
    net, weights = Network(CONFIG, FEATURES), np.ones(BATCH, dtype=np.float32)
    net.begin(seed)
    net.learn(windows.gather(table, ends[:BATCH], CONFIG.window), y[:BATCH], weights)
    net.begin(seed)
    _wait_for_start()
    batches = windows.full_batches(windows.shuffled(WINDOWS, seed, 0), BATCH)
    losses = [net.learn(windows.gather(table, ends[rows], CONFIG.window), y[rows], weights) for rows in batches]
    return [float(np.mean(losses))]


if __name__ == "__main__":
    asked = [int(seed) for seed in sys.argv[3:]]
    print(json.dumps(keras_fit(asked) if sys.argv[1] == "keras" else as_a_worker(asked[0])), flush=True)
