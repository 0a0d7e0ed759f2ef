"""The network as an ONNX graph, built straight from its weights.

One `LSTM` operator a layer instead of the loops a converter unrolls it into; a call then takes a third of a
millisecond. Keras orders its gates i, f, c, o; ONNX i, o, f, c. Batch normalisation is folded into a factor and a term.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import ModelUnavailable
from core.ohlcv import Floats
from ml.config import TrainingConfig
from ml.windows import Table

State = dict[str, npt.NDArray[Any]]
OPSET, IR = 17, 9
NORM_EPSILON = 1e-3  # Keras' default
MATCH = 1e-5  # largest difference of a probability that is let through


class _Graph:
    """Nodes and constants in the order they are added; `member` goes before every name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.member = ""

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), f"{self.member}{name}"))
        return f"{self.member}{name}"

    def add(self, operator: str, inputs: list[str], names: list[str], **attributes: Any) -> str:
        from onnx import helper

        outputs = [f"{self.member}{name}" if name else name for name in names]
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=outputs[-1], **attributes))
        return outputs[-1]


def build(members: Sequence[State], config: TrainingConfig, features: int) -> bytes:
    """The model file: input `window` (batch, window, features) float32, output `probabilities` (batch, 3).

    Of several networks the file holds all, and says the mean of their probabilities.
    """
    from onnx import TensorProto, checker, helper

    graph, said = _Graph(), []
    for number, weights in enumerate(members):
        graph.member = f"m{number}_" if len(members) > 1 else ""
        said.append(_network(graph, weights, config))
    graph.member = ""
    if len(said) > 1:
        graph.add("Mean", said, ["probabilities"])
    made = helper.make_graph(
        graph.nodes,
        "bolt",
        [helper.make_tensor_value_info("window", TensorProto.FLOAT, ["batch", config.window, features])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="bolt")
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def _network(graph: _Graph, weights: State, config: TrainingConfig) -> str:
    """One network from the window to its probabilities."""
    x = graph.add("Transpose", ["window"], ["by_time"], perm=[1, 0, 2])  # (time, batch, features)
    one = graph.constant("axis_1", np.array([1], dtype=np.int64))
    zero = graph.constant("axis_0", np.array([0], dtype=np.int64))
    for n, units in enumerate(config.units):
        last = n == len(config.units) - 1
        x = _lstm(graph, weights, n, units, x, last=last, axis=zero if last else one)
        x = _norm(graph, weights, n, x)
    kernel = graph.constant("head_kernel", weights["head/kernel"])
    bias = graph.constant("head_bias", weights["head/bias"])
    x = graph.add("Gemm", [x, kernel, bias], ["logits"])
    return graph.add("Softmax", [x], ["probabilities"], axis=1)


def largest_difference(content: bytes, x: Table, expected: Floats) -> float:
    """Run the file over windows `x`; raises ModelUnavailable when it does not say what the network said."""
    from ml.sessions import open_session

    found = open_session(content).run(None, {"window": x})[0]
    difference = float(np.abs(found - expected).max())
    if not difference <= MATCH:
        raise ModelUnavailable(
            f"The exported model differs from the trained one by {difference:.1e}; at most {MATCH:.0e} is allowed. "
            "It was not published. Train again, and report this if it comes back."
        )
    return difference


def _lstm(graph: _Graph, weights: State, n: int, units: int, x: str, *, last: bool, axis: str) -> str:
    cell = f"lstm_{n}/lstm_cell"
    w = graph.constant(f"w_{n}", _gates(weights[f"{cell}/kernel"].T, units)[None])
    r = graph.constant(f"r_{n}", _gates(weights[f"{cell}/recurrent_kernel"].T, units)[None])
    bias = _gates(weights[f"{cell}/bias"][:, None], units)[:, 0]
    b = graph.constant(f"b_{n}", np.concatenate((bias, np.zeros_like(bias)))[None])
    outputs = ["", f"last_{n}"] if last else [f"all_{n}"]  # (1, batch, units) or (time, 1, batch, units)
    y = graph.add("LSTM", [x, w, r, b], outputs, hidden_size=units)
    return graph.add("Squeeze", [y, axis], [f"lstm_{n}"])


def _gates(rows: npt.NDArray[Any], units: int) -> npt.NDArray[Any]:
    """Rows of the gates i, f, c, o in the order i, o, f, c."""
    i, f, c, o = (rows[k * units : (k + 1) * units] for k in range(4))
    return np.concatenate((i, o, f, c))


def _norm(graph: _Graph, weights: State, n: int, x: str) -> str:
    def part(name: str) -> npt.NDArray[Any]:
        return weights[f"norm_{n}/{name}"].astype(np.float64)

    factor = part("gamma") / np.sqrt(part("moving_variance") + NORM_EPSILON)
    term = part("beta") - part("moving_mean") * factor
    scaled = graph.add("Mul", [x, graph.constant(f"factor_{n}", factor.astype(np.float32))], [f"scaled_{n}"])
    return graph.add("Add", [scaled, graph.constant(f"term_{n}", term.astype(np.float32))], [f"norm_{n}"])
