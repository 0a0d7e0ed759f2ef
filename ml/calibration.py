"""Temperature scaling (Guo et al. 2017): one number that makes a network as sure as it has a right to be.

Fitted on the purged validation rows alone and folded into the last layer, so that whoever runs the weights, Keras or
ONNX, says the same. It changes no call, only how sure it is.
"""

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml.evaluation import LEAST

State = dict[str, npt.NDArray[np.float32]]
KERNEL, BIAS = "head/kernel", "head/bias"
MILDEST, STRONGEST = 0.05, 5.0  # of 1 / temperature


def fit(p: Floats, y: npt.NDArray[np.int8]) -> float:
    """The temperature with the least log loss: (n, 3) probabilities of validation rows and their classes.

    Log loss is convex in 1/T; its slope is halved away. 1 where the rows give no reason for another one.
    """
    logits = np.log(np.clip(p, LEAST, 1.0))
    happened = logits[np.arange(len(y)), y].mean()
    low, high = MILDEST, STRONGEST
    for _ in range(40):
        sharp = (low + high) / 2
        expected = (scaled(p, 1 / sharp) * logits).sum(axis=1).mean()
        low, high = (low, sharp) if expected > happened else (sharp, high)
    return float(round(2 / (low + high), 6))


def scaled(p: Floats, temperature: float) -> Floats:
    """(n, 3) probabilities as they are at a temperature."""
    logits = np.log(np.clip(p, LEAST, 1.0)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found


def folded(weights: State, temperature: float) -> State:
    """The weights with the last layer divided by the temperature."""
    return weights | {name: (weights[name] / temperature).astype(np.float32) for name in (KERNEL, BIAS)}
