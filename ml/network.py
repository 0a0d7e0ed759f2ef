"""The network. The only file that knows Keras; TensorFlow is imported inside, for only a training needs it."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml.config import TrainingConfig
from ml.windows import Table

State = dict[str, npt.NDArray[Any]]
CLASSES = 3
NORM_MOMENTUM = 0.9  # of running averages: at the usual 0.99 they are half made of their start after a short training
FORWARD = 512  # windows a forward pass takes at once; one size, for TensorFlow compiles again for every other


def start() -> None:
    """Load TensorFlow: one thread a process (more collapse beside a busy core) and deterministic kernels."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # in one thread its sums have one order, too
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow as tf

    if tf.config.threading.get_intra_op_parallelism_threads() != 1:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def versions() -> dict[str, str]:
    """Versions of the libraries a training depends on."""
    import keras
    import tensorflow as tf

    return {"tensorflow": tf.__version__, "keras": keras.__version__}


class Network:
    """A compiled network: LSTM layers, each with batch normalisation and dropout, and a softmax over three classes.

    Compiling takes seconds: a training uses one `Network` for all its seeds, and calls `begin` before each.
    """

    def __init__(self, config: TrainingConfig, features: int) -> None:
        self.config = config
        self.features = features
        self.model = compiled(config, features, seed=0)

    def begin(self, seed: int) -> None:
        """Weights, optimiser and dropout as a new network of this seed has them."""
        fresh = compiled(self.config, self.features, seed=seed)
        for mine, new in zip(_variables(self.model), _variables(fresh), strict=True):
            mine.assign(new)

    def learn(self, x: Table, y: npt.NDArray[np.int8], weights: npt.NDArray[np.float32]) -> float:
        """One step on (batch, window, features); returns its weighted loss."""
        self.model.reset_metrics()
        return float(np.asarray(self.model.train_on_batch(x, y, sample_weight=weights)))

    def forecast(self, x: Table) -> Floats:
        """(n, 3) probabilities of (n, window, features), dropout off; n at most `FORWARD`."""
        full = np.concatenate((x, np.zeros((FORWARD - len(x), *x.shape[1:]), dtype=x.dtype)))
        found: Floats = np.asarray(self.model.predict_on_batch(full), dtype=np.float64)[: len(x)]
        return found

    def weights(self) -> State:
        """What serves: kernels, biases and running averages by `layer/name`."""
        return {v.path: v.numpy() for v in self.model.weights}

    def set_weights(self, state: State) -> None:
        for v in self.model.weights:
            v.assign(state[v.path])

    def state(self) -> State:
        """Everything the next step depends on: weights, optimiser, the counters of dropout."""
        return {str(n): np.asarray(v.numpy()) for n, v in enumerate(_variables(self.model))}

    def restore(self, state: State) -> None:
        for n, v in enumerate(_variables(self.model)):
            v.assign(state[str(n)])


def shared(config: TrainingConfig, features: int) -> Network:
    """The network of this shape in this process, compiled once; whoever takes it begins a seed or sets weights."""
    shape = (features, config.window, config.units, config.dropout, config.learning_rate)
    if shape not in _kept:
        _kept.clear()
        _kept[shape] = Network(config, features)
    return _kept[shape]


_kept: dict[tuple[Any, ...], Network] = {}


def compiled(config: TrainingConfig, features: int, *, seed: int) -> Any:
    import keras
    from keras import layers

    from ml.lstm import Lstm, Norm

    keras.utils.set_random_seed(seed)
    given = layers.Input((config.window, features), name="window")  # (batch, window, features)
    x = given
    for n, units in enumerate(config.units):
        x = Lstm(units, return_sequences=n < len(config.units) - 1, name=f"lstm_{n}")(x)
        x = Norm(momentum=NORM_MOMENTUM, name=f"norm_{n}")(x)
        x = layers.Dropout(config.dropout, seed=seed * 100 + n, name=f"drop_{n}")(x)
    model = keras.Model(given, layers.Dense(CLASSES, activation="softmax", name="head")(x))
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _variables(model: Any) -> list[Any]:
    """Everything a step reads or writes, in a fixed order."""
    return [*model.variables, *model.optimizer.variables]
