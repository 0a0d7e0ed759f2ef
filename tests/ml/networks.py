"""Networks without Keras: random weights, the forward pass by hand, and a whole version on disk."""

import numpy as np

from ml.config import TrainingConfig

State = dict[str, np.ndarray]


def random_weights(config: TrainingConfig, features: int, *, seed: int) -> State:
    """Weights of the network's shapes, under the names Keras gives them."""
    rng, weights, width = np.random.default_rng(seed), {}, features

    def some(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    for n, units in enumerate(config.units):
        weights[f"lstm_{n}/lstm_cell/kernel"] = some(width, 4 * units)
        weights[f"lstm_{n}/lstm_cell/recurrent_kernel"] = some(units, 4 * units)
        weights[f"lstm_{n}/lstm_cell/bias"] = some(4 * units)
        weights[f"norm_{n}/gamma"], weights[f"norm_{n}/beta"] = some(units), some(units)
        weights[f"norm_{n}/moving_mean"], weights[f"norm_{n}/moving_variance"] = some(units), some(units) ** 2
        width = units
    return weights | {"head/kernel": some(width, 3), "head/bias": some(3)}


def by_hand(weights: State, config: TrainingConfig, x: np.ndarray) -> np.ndarray:
    """(n, 3) probabilities of (n, window, features)."""

    def sigmoid(v: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-v))

    x = x.astype(np.float64)
    for n, units in enumerate(config.units):
        cell = f"lstm_{n}/lstm_cell"
        h = c = np.zeros((len(x), units))
        states = []
        for step in range(x.shape[1]):
            z = x[:, step] @ weights[f"{cell}/kernel"] + h @ weights[f"{cell}/recurrent_kernel"]
            i, f, g, o = np.split(z + weights[f"{cell}/bias"], 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            states.append(h)
        x = np.stack(states, axis=1)
        scale = weights[f"norm_{n}/gamma"] / np.sqrt(weights[f"norm_{n}/moving_variance"] + 1e-3)
        x = (x - weights[f"norm_{n}/moving_mean"]) * scale + weights[f"norm_{n}/beta"]
    logits = x[:, -1] @ weights["head/kernel"] + weights["head/bias"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
