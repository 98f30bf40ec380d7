"""`pamazon-tiny` on onnxruntime, on the CPU: the demo's default, which needs neither torch nor a network.

In: texts and pictures. Out: unit vectors. State: two sessions, read-only; onnxruntime works outside Python's
global lock.
"""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from demo_flow.encoders.base import TINY, Batch, EncoderUnavailable
from demo_flow.encoders.tiny import TinyPreparing, weights

TEXT, IMAGE = "text.onnx", "image.onnx"


class TinyOnnxEncoder(TinyPreparing):
    """Both towers, each pass on `threads` threads of the CPU. Thread-safe."""

    runtime = "onnx"
    device = "cpu"

    def __init__(self, threads: int) -> None:
        self._text = _session(TEXT, threads)
        self._image = _session(IMAGE, threads)
        self._pixels = self._image.get_inputs()[0].name
        self.dimension = int(self._text.get_outputs()[0].shape[1])

    def encode_texts(self, batch: Batch) -> NDArray[np.float32]:
        """Run the text tower."""
        vectors: NDArray[np.float32] = self._text.run(None, dict(batch))[0]
        return vectors

    def encode_images(self, stack: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the image tower."""
        vectors: NDArray[np.float32] = self._image.run(None, {self._pixels: stack})[0]
        return vectors


def _session(file: str, threads: int) -> onnxruntime.InferenceSession:
    path = weights(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors: the rest is advice on graphs, on standard error
    # Threads that wait for the next pass sleep: spinning would take whole cores from the services beside this one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's classes of errors share no base of their own
        raise EncoderUnavailable(
            f"The weights of {TINY} cannot be loaded from {path}: {error}", "Install search-telemetry-stack again."
        ) from error
