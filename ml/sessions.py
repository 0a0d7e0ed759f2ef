"""ONNX Runtime sessions: one thread, one per model content and process."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from core.errors import ModelUnavailable
from core.ohlcv import Floats
from ml.card import CLASSES
from ml.windows import Table

KEPT = 32  # sessions held at once; one is about a megabyte
INPUT = "window"
ROUNDING = 1e-3  # float32 probabilities may miss 1 by this much, and are scaled to it

_sessions: OrderedDict[str, Any] = OrderedDict()


def open_session(content: bytes) -> Any:
    """The session of a model file's content; raises ModelUnavailable when the runtime cannot read it."""
    key = hashlib.sha256(content).hexdigest()
    if key in _sessions:
        _sessions.move_to_end(key)
        return _sessions[key]
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    with _explained("The model's file cannot be read. Train the model again."):
        made = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    _sessions[key] = made
    if len(_sessions) > KEPT:
        _sessions.popitem(last=False)
    return made


def demand_shape(content: bytes, wanted: tuple[int, int]) -> None:
    """Raise ModelUnavailable where the model takes anything but windows of `wanted` (bars, features)."""
    inputs = open_session(content).get_inputs()
    found = [(one.name, tuple(one.shape[1:])) for one in inputs]
    if found != [(INPUT, wanted)]:
        bars, features = wanted
        raise ModelUnavailable(
            f"The model's file does not take windows of {bars} bars with {features} features. Train the model again."
        )


def say(content: bytes, windows: Table) -> Floats:
    """(n, 3) probabilities of (n, bars, features) windows; raises ModelUnavailable where they are none."""
    demand_shape(content, (windows.shape[1], windows.shape[2]))
    with _explained("The model's file cannot be run. Train the model again."):
        said = open_session(content).run(None, {INPUT: windows})[0]
    p = np.asarray(said, dtype=np.float64)
    fits = p.shape == (len(windows), len(CLASSES)) and np.isfinite(p).all() and p.min() >= 0
    if not fits or np.abs(p.sum(axis=1) - 1).max() > ROUNDING:
        raise ModelUnavailable("The model's answer is no probability. Train it again.")
    exact: Floats = p / p.sum(axis=1, keepdims=True)
    return exact


@contextmanager
def _explained(sentence: str) -> Iterator[None]:
    """The faults of the runtime as ModelUnavailable; it raises ValueError for inputs it does not know."""
    from onnxruntime.capi import onnxruntime_pybind11_state as faults

    try:
        yield
    except (
        faults.Fail,
        faults.InvalidArgument,
        faults.InvalidGraph,
        faults.InvalidProtobuf,
        faults.NotImplemented,
        faults.RuntimeException,
        faults.EPFail,
        faults.NoSuchFile,
        ValueError,
    ) as fault:
        raise ModelUnavailable(sentence) from fault
