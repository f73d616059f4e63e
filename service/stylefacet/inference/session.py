"""Opens ONNX Runtime sessions the way a server with many threads wants them."""

import os
from typing import Any

# Otherwise the runtime notes each use under $HOME, with a device id, to send it to its maker. It
# looks when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort

from stylefacet.errors import BundleInvalid


def open_session(model: bytes, where: str) -> Any:
    """Returns an inference session over a serialised model; ``run`` may be called by many threads.

    Raises:
        BundleInvalid: when the runtime refuses the model.
    """
    options = ort.SessionOptions()
    # One thread a call: calls run side by side on their own threads, and spinning would steal
    # the cores on which photos are decoded.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions share no public base class
        raise BundleInvalid(where, f"the runtime refuses it ({str(error)[:160]})") from error
