"""P9: a walk-forward's networks, trained by one-thread processes side by side as Bolt's workers do, beside plain Keras.

The peer is what a script would do: Keras' own layers, every window materialised, `model.fit` for one network after the
other, with the threads TensorFlow takes by itself. Both train the same networks from the same weights on the same
batches in the same order, so their losses have to agree. Loading and compiling are left out on both sides. Memory is
what stays allocated for a prepared training, per window, beside the windows themselves.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

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
ROUNDS = 3
GOAL, MOST_BYTES = 1.8, 100
SAME = 2e-3  # nats; sums in another order round otherwise


def run() -> list[Row]:
    """Windows a second of both, medians of rounds that take turns, and bytes a window."""
    peer, bolt = [_begin("keras", SEEDS)], [_begin("bolt", (seed,)) for seed in SEEDS]
    try:
        rounds = [(_round(peer), _round(bolt)) for _ in range(ROUNDS)]
    finally:
        for process in (*peer, *bolt):
            process.kill()
            process.communicate()
    (_, expected), (_, found) = rounds[0]
    apart = max(abs(a - b) for a, b in zip(expected, found, strict=True))
    if apart > SAME:
        raise AssertionError(f"the losses differ by {apart:.5f}")
    rows, each = WINDOWS * len(SEEDS), windows_bytes()
    fit, own = (rows / statistics.median(r[side][0] for r in rounds) for side in (0, 1))
    return [
        Row("P9", "training, windows/s", "Keras fit", fit, own, "1/s", GOAL, "more"),
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


def _begin(how: str, seeds: tuple[int, ...]) -> "subprocess.Popen[str]":
    """A process that compiles, and then trains whenever it is told to."""
    command = [sys.executable, "-m", "tests.bench.p09_training", how, *map(str, seeds)]
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _round(processes: list["subprocess.Popen[str]"]) -> tuple[float, list[float]]:
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
    return time.perf_counter() - began, losses


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The table of features, the last bar of each window, and its class."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(WINDOWS + CONFIG.window, FEATURES)).astype(np.float32)
    ends = np.arange(CONFIG.window, CONFIG.window + WINDOWS, dtype=np.int32)
    return table, ends, rng.integers(0, 3, WINDOWS).astype(np.int8)


def _whenever_told(begin: Callable[[], None], train: Callable[[], list[float]]) -> None:
    """Train the same networks from the beginning in every round."""
    for _ in range(ROUNDS):
        begin()
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(train()), flush=True)


def keras_fit(seeds: list[int]) -> None:
    """One network after the other by `model.fit` over windows that were all copied out before."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from tests.ml.plain import plain

    table, ends, y = _data()
    x = windows.gather(table, ends, CONFIG.window)
    models = [plain(CONFIG, FEATURES, seed=seed) for seed in seeds]
    for model in models:  # compiled by one batch
        model.fit(x[:BATCH], y[:BATCH], batch_size=BATCH, shuffle=False, verbose=0)

    def begin() -> None:
        for model, seed in zip(models, seeds, strict=True):
            fresh = plain(CONFIG, FEATURES, seed=seed)
            mine, new = ([*m.variables, *m.optimizer.variables] for m in (model, fresh))
            for variable, value in zip(mine, new, strict=True):
                variable.assign(value)

    def train() -> list[float]:
        losses = []
        for model, seed in zip(models, seeds, strict=True):
            order = windows.shuffled(WINDOWS, seed, 0)
            found = model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)
            losses.append(float(found.history["loss"][0]))
        return losses

    _whenever_told(begin, train)


def as_a_worker(seed: int) -> None:
    """One network in one thread, windows gathered when they are needed."""
    from ml import network
    from ml.network import Network

    network.start()
    table, ends, y = _data()
    net, weights = Network(CONFIG, FEATURES), np.ones(BATCH, dtype=np.float32)
    net.begin(seed)

    def learn(rows: np.ndarray) -> float:
        return net.learn(windows.gather(table, ends[rows], CONFIG.window), y[rows], weights)

    def train() -> list[float]:
        batches = windows.full_batches(windows.shuffled(WINDOWS, seed, 0), BATCH)
        return [float(np.mean([learn(rows) for rows in batches]))]

    learn(np.arange(BATCH))  # compiled by one batch
    _whenever_told(lambda: net.begin(seed), train)


if __name__ == "__main__":
    asked = [int(seed) for seed in sys.argv[2:]]
    if sys.argv[1] == "keras":
        keras_fit(asked)
    else:
        as_a_worker(asked[0])
