"""`pamazon-tiny` on torch, on CPU or GPU: the same weights as on onnx.

In: texts and pictures. Out: unit vectors. State: both towers on the device, in evaluation mode.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from demo_flow.encoders.base import Batch
from demo_flow.encoders.tiny import TinyPreparation, unreadable, weights
from demo_flow.model.towers import DIMENSION
from demo_flow.model.weights import WEIGHTS, load_towers


class TinyTorchEncoder(TinyPreparation):
    """Both towers on one device. Thread-safe."""

    runtime = "torch"
    dimension = DIMENSION

    def __init__(self, device: str) -> None:
        self.device = device
        path = weights(WEIGHTS.name)
        try:
            self._text, self._image = load_towers(path, device)
        except Exception as error:  # safetensors' and torch's classes of errors share no base of their own
            raise unreadable(path, error) from error

    def encode_texts(self, batch: Batch) -> NDArray[np.float32]:
        """Run the text tower."""
        return self._run(self._text, batch["words"], batch["pieces"])

    def encode_images(self, stack: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the image tower."""
        return self._run(self._image, stack)

    def _run(self, tower: torch.nn.Module, *arrays: NDArray[Any]) -> NDArray[np.float32]:
        with torch.inference_mode():
            vectors: NDArray[np.float32] = tower(*(torch.from_numpy(a).to(self.device) for a in arrays)).cpu().numpy()
        return vectors
