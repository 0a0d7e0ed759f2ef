"""P8: one prediction of the prescribed network, ONNX Runtime on one thread beside Keras' own `model.predict`.

Keras runs in a process of its own: this one must stay free of TensorFlow, as the worker that predicts is. Both see the
same weights and the same window; they have to agree to 1e-5.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dashapp.config import ROOT
from ml import checkpoints, onnx_export, sessions
from ml.config import TrainingConfig
from tests.bench.table import Row

CONFIG = TrainingConfig(("demo:BTC/USDT",), "1h", 24)
FEATURES = 10
PEER_RUNS, RUNS = 40, 2_000
GOAL = 100


def run() -> list[Row]:
    """Median and 99th percentile of one prediction."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keras.npz"
        subprocess.run([sys.executable, "-m", "tests.bench.p08_predict", str(path)], cwd=ROOT, check=True)
        with np.load(path, allow_pickle=False) as found:
            keras = {name: found[name] for name in found.files}
    weights = {name.removeprefix("weights/"): v for name, v in keras.items() if name.startswith("weights/")}
    model = onnx_export.build([weights], CONFIG, FEATURES)
    onnx_export.largest_difference(model, keras["window"], keras["expected"])  # raises where they differ
    session, feed = sessions.open_session(model), {"window": keras["window"]}
    took = times(lambda: session.run(None, feed), RUNS)
    if "tensorflow" in sys.modules:
        raise AssertionError("TensorFlow was loaded by a process that only predicts")
    return [
        Row("P8", f"one prediction, {name}", "model.predict", peer, bolt, "ms", GOAL)
        for name, peer, bolt in zip(("p50", "p99"), quantiles(keras["times"]), quantiles(took), strict=True)
    ]


def quantiles(took: np.ndarray) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds of seconds."""
    middle, high = np.quantile(took, (0.5, 0.99)) * 1_000
    return float(middle), float(high)


def times(work: Callable[[], object], repeat: int) -> np.ndarray:
    """Seconds of `repeat` runs, after three that warm up."""
    took = np.empty(repeat)
    for n in range(-3, repeat):
        began = time.perf_counter()
        work()
        if n >= 0:
            took[n] = time.perf_counter() - began
    return took


def peer(path: Path) -> None:
    """Time Keras and leave its weights, window and answer for the other side."""
    from ml import network
    from tests.ml.plain import plain

    network.start()
    model = plain(CONFIG, FEATURES, seed=1)
    window = np.random.default_rng(1).normal(size=(1, CONFIG.window, FEATURES)).astype(np.float32)
    took = times(lambda: model.predict(window, verbose=0), PEER_RUNS)
    weights = {f"weights/{v.path}": v.numpy() for v in model.weights}
    path.write_bytes(
        checkpoints.npz(weights | {"window": window, "expected": model.predict(window, verbose=0), "times": took})
    )


if __name__ == "__main__":
    peer(Path(sys.argv[1]))
