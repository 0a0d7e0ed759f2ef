"""How far Bolt's network is from the same one of Keras' own layers. Run within `train_once`'s process."""

from typing import Any

import numpy as np

from ml.config import TrainingConfig
from ml.network import compiled
from tests.ml.plain import plain

ASKED = TrainingConfig(("demo:BTC/USDT",), "1h", 3, window=12, units=(7, 5, 4))
FEATURES, BATCH, STEPS = 10, 32, 6


def _batch(step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([step, 3])
    x = rng.normal(size=(BATCH, ASKED.window, FEATURES)).astype(np.float32)
    return x, rng.integers(0, 3, BATCH), rng.uniform(0.5, 2.0, BATCH).astype(np.float32)


def _stirred(model: Any) -> list[np.ndarray]:
    """Weights under which every gate, also the biases', has something to say."""
    rng = np.random.default_rng(9)
    return [(w + rng.normal(0, 0.3, w.shape)).astype(np.float32) for w in model.get_weights()]


def _gradients(model: Any, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Outputs in training, and the gradients of the inputs and of every weight by its path."""
    import tensorflow as tf

    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        said = model(given, training=True)
        loss = -tf.reduce_sum(tf.math.log(said) * tf.one_hot(y, 3))
    weights = model.trainable_variables
    found = tape.gradient(loss, [given, *(w.value for w in weights)])
    return said.numpy(), dict(zip(["window", *(w.path for w in weights)], (g.numpy() for g in found), strict=True))


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, relative to the largest value where that is above 1."""
    return float(np.abs(one - other).max() / max(np.abs(other).max(), 1.0))


def distances() -> dict[str, object]:
    """Largest differences of outputs, gradients, losses of some Adam steps, and weights after them."""
    mine, its = compiled(ASKED, FEATURES, seed=4), plain(ASKED, FEATURES, seed=4)
    fresh = [_apart(a, b) for a, b in zip(mine.get_weights(), its.get_weights(), strict=True)]
    weights = _stirred(its)
    weights = [np.abs(w) if v.path.endswith("variance") else w for v, w in zip(its.weights, weights, strict=True)]
    mine.set_weights(weights)
    its.set_weights(weights)
    x, y, _ = _batch(99)
    served = _apart(mine.predict_on_batch(x), its.predict_on_batch(x))
    (said, got), (expected_said, expected) = _gradients(mine, x, y), _gradients(its, x, y)
    losses = []
    for step in range(STEPS):
        x, y, sample = _batch(step)
        losses.append([float(m.train_on_batch(x, y, sample_weight=sample)) for m in (mine, its)])
        for model in (mine, its):
            model.reset_metrics()
    return {
        "fresh": max(fresh),
        "paths": [v.path for v in mine.weights] == [v.path for v in its.weights],
        "served": served,
        "said": _apart(said, expected_said),
        "gradients": {name: _apart(got[name], expected[name]) for name in expected},
        "least_gradient": min(float(np.abs(g).max()) for g in expected.values()),
        "losses": losses,
        "weights": {v.path: _apart(v.numpy(), w.numpy()) for v, w in zip(mine.weights, its.weights, strict=True)},
    }
