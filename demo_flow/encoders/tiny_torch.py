"""`pamazon-tiny` on torch, on CPU or GPU: the same weights as on onnx.

In: texts and pictures. Out: unit vectors. State: both towers on the device, in evaluation mode.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from demo_flow.encoders.base import Batch
from demo_flow.encoders.tiny import TinyPreparing, weights
from demo_flow.model.towers import DIMENSION, ImageTower, TextTower

WEIGHTS = "pamazon-tiny.safetensors"


class TinyTorchEncoder(TinyPreparing):
    """Both towers on one device. Thread-safe."""

    runtime = "torch"
    dimension = DIMENSION

    def __init__(self, device: str) -> None:
        self.device = device
        state = load_file(weights(WEIGHTS))
        self._text = _tower(TextTower(), "text.", state, device)
        self._image = _tower(ImageTower(folded=True), "image.", state, device)

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


def _tower(tower: torch.nn.Module, prefix: str, state: dict[str, torch.Tensor], device: str) -> torch.nn.Module:
    """Fill a tower with its part of the weights."""
    part = {key.removeprefix(prefix): value.float() for key, value in state.items() if key.startswith(prefix)}
    tower.load_state_dict(part)
    return tower.to(device).eval()
