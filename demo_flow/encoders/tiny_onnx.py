"""`pamazon-tiny` on onnxruntime, on the CPU: the demo's default, which needs neither torch nor a network.

In: texts and pictures. Out: unit vectors. State: two sessions, read-only; onnxruntime works outside Python's global
lock.
"""

import numpy as np
from numpy.typing import NDArray

from demo_flow.encoders.base import Batch
from demo_flow.encoders.tiny import TinyPreparation, unreadable, weights
from demo_flow.model.tiny import IMAGE, TEXT, Tiny


class TinyOnnxEncoder(TinyPreparation):
    """Both towers, each pass on `threads` threads of the CPU. Thread-safe."""

    runtime = "onnx"
    device = "cpu"

    def __init__(self, threads: int) -> None:
        text, _ = weights(TEXT), weights(IMAGE)
        try:
            self._model = Tiny(text.parent, threads)
        except Exception as error:  # onnxruntime's classes of errors share no base of their own
            raise unreadable(text.parent, error) from error
        self.dimension = self._model.dimension

    def encode_texts(self, batch: Batch) -> NDArray[np.float32]:
        """Run the text tower."""
        return self._model.encode_features(batch)

    def encode_images(self, stack: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the image tower."""
        return self._model.encode_pixels(stack)
