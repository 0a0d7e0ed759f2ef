"""Layers that are Keras' own in weights and results, and quicker on one core. Only `ml.network` imports this file.

`Lstm` runs a whole sequence forward as one operator. Backward only what one bar needs of the next is computed bar by
bar; the products that give the gradients of weights and inputs are one matrix product over all bars, which a core
computes twice as fast as many small ones. `Norm` takes the fused operator for the statistics of a batch.
"""

from typing import Any

import tensorflow as tf
from keras import layers

Tensor = Any  # TensorFlow has no types


class Lstm(layers.LSTM):
    """`keras.layers.LSTM` as Bolt uses it: from a zero state, without masks, with the usual activations."""

    def inner_loop(self, sequences: Tensor, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """The last output, all outputs, and the states, as Keras expects them."""
        del initial_state, mask, training
        weights = tf.concat([tf.convert_to_tensor(v) for v in (self.cell.kernel, self.cell.recurrent_kernel)], 0)
        x = tf.transpose(sequences, (1, 0, 2))  # (time, batch, features)
        h = _sequence(x, _regated(weights), _regated(tf.convert_to_tensor(self.cell.bias)))
        last = h[-1]
        return last, tf.transpose(h, (1, 0, 2)) if self.return_sequences else last, [last, last]


class Norm(layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis, its statistics of a batch in one pass."""

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        if not training:
            return super().call(inputs, training=training, mask=mask)
        width = inputs.shape[-1]
        count = tf.cast(tf.size(inputs) // width, tf.float32)
        found = tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(inputs, (-1, 1, 1, width)),
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
        )
        variance = found.batch_variance * ((count - 1) / count)  # the operator's divides by one less
        for kept, new in ((self.moving_mean, found.batch_mean), (self.moving_variance, variance)):
            kept.assign(kept * self.momentum + new * (1 - self.momentum))
        return tf.reshape(found.y, tf.shape(inputs))


def _regated(values: Tensor) -> Tensor:
    """Gates in the order i, f, c, o as Keras stores them, in the order i, c, f, o of the operators."""
    i, f, c, o = tf.split(values, 4, axis=-1)
    return tf.concat([i, c, f, o], -1)


@tf.custom_gradient
def _sequence(x: Tensor, weights: Tensor, bias: Tensor) -> Any:
    """(time, batch, units) of (time, batch, features); `weights`: (features + units, 4 units), `bias`: (4 units,)."""
    units = bias.shape[0] // 4
    zero, peep = tf.zeros((tf.shape(x)[1], units)), tf.zeros((units,))
    cell = {"w": weights, "b": bias, "wci": peep, "wcf": peep, "wco": peep, "use_peephole": False}
    length = tf.constant(x.shape[0], tf.int64)
    ran = tf.raw_ops.BlockLSTM(
        seq_len_max=length, x=x, cs_prev=zero, h_prev=zero, forget_bias=0.0, cell_clip=0.0, **cell
    )

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _gradients(upstream, x, zero, ran, cell)

    return ran.h, gradient


def _gradients(upstream: Tensor, x: Tensor, zero: Tensor, ran: Any, cell: dict[str, Any]) -> tuple[Tensor, ...]:
    """Gradients of inputs, weights and bias, given `upstream`, that of every output."""
    features, width = x.shape[2], cell["b"].shape[0]
    into, back = cell["w"][:features], cell["w"][features:]
    gates = tf.reshape(_gate_gradients(upstream, x[0], zero, ran, cell, back), (-1, width))  # (time × batch, 4 units)
    before = tf.concat([zero[None], ran.h[:-1]], 0)
    of_weights = [tf.matmul(tf.reshape(v, (-1, v.shape[2])), gates, transpose_a=True) for v in (x, before)]
    of_inputs = tf.reshape(tf.matmul(gates, into, transpose_b=True), tf.shape(x))
    of_bias = tf.matmul(tf.ones((1, tf.shape(gates)[0])), gates)[0]  # the sum over rows, quicker than `reduce_sum`
    return of_inputs, tf.concat(of_weights, 0), of_bias


def _gate_gradients(upstream: Tensor, x: Tensor, zero: Tensor, ran: Any, cell: dict[str, Any], back: Tensor) -> Tensor:
    """(time, batch, 4 units) gradients of the gates, from the last bar to the first.

    The operator takes inputs, too, but only for their shapes: `x` is any bar's.
    """
    bars = upstream.shape[0]
    names = ("i", "cs", "f", "o", "ci", "co")
    parts = {name: tf.unstack(getattr(ran, name), bars) for name in names}
    outputs, found, carried, of_state = tf.unstack(upstream, bars), [], zero, zero
    for bar in reversed(range(bars)):
        step = tf.raw_ops.LSTMBlockCellGrad(
            x=x,
            h_prev=zero,
            cs_prev=parts["cs"][bar - 1] if bar else zero,
            cs_grad=of_state,
            h_grad=outputs[bar] + carried,
            **{name: parts[name][bar] for name in names},
            **cell,
        )
        of_state, carried = step.cs_prev_grad, tf.matmul(step.dicfo, back, transpose_b=True)
        found.append(step.dicfo)
    return tf.stack(found[::-1])
