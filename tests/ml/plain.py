"""The network of Keras' own layers: what Bolt's has to agree with, and what it is measured beside."""

from typing import Any

from ml.config import TrainingConfig


def plain(config: TrainingConfig, features: int, *, seed: int) -> Any:
    """Compiled as `ml.network.compiled` does, under the same names."""
    import keras
    from keras import layers

    from ml.network import CLASSES, NORM_MOMENTUM

    keras.utils.set_random_seed(seed)
    given = layers.Input((config.window, features), name="window")
    x = given
    for n, units in enumerate(config.units):
        x = layers.LSTM(units, return_sequences=n < len(config.units) - 1, name=f"lstm_{n}")(x)
        x = layers.BatchNormalization(momentum=NORM_MOMENTUM, name=f"norm_{n}")(x)
        x = layers.Dropout(config.dropout, seed=seed * 100 + n, name=f"drop_{n}")(x)
    model = keras.Model(given, layers.Dense(CLASSES, activation="softmax", name="head")(x))
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    return model
