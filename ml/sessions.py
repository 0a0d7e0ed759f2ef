"""ONNX Runtime sessions: one thread, one per model content and process."""

import hashlib
from collections import OrderedDict
from typing import Any

from core.errors import ModelUnavailable

KEPT = 32  # sessions held at once; one is about a megabyte

_sessions: OrderedDict[str, Any] = OrderedDict()


def open_session(content: bytes) -> Any:
    """The session of a model file's content; raises ModelUnavailable when the runtime cannot read it."""
    key = hashlib.sha256(content).hexdigest()
    if key in _sessions:
        _sessions.move_to_end(key)
        return _sessions[key]
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as faults

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        made = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except (
        faults.Fail,
        faults.InvalidArgument,
        faults.InvalidGraph,
        faults.InvalidProtobuf,
        faults.NotImplemented,
        faults.RuntimeException,
    ) as fault:
        raise ModelUnavailable("The model's file cannot be read. Train the model again.") from fault
    _sessions[key] = made
    if len(_sessions) > KEPT:
        _sessions.popitem(last=False)
    return made
