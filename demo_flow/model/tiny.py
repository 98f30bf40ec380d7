"""Runs `pamazon-tiny` on onnxruntime: texts and pictures in, unit vectors out.

In: texts, and pictures as bytes. Out: float32 [n, 192], rows of length 1; a text's dot product with a picture is how
well they fit. State: the two sessions, which any number of threads may share.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from demo_flow.model.features import featurise
from demo_flow.model.pixels import preprocess_image

# Read once, at the import: from 1.31 on onnxruntime reports its usage to its vendor and keeps files for that in the
# cache folder, which `disable_telemetry_events()` does not prevent.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

HERE = Path(__file__).parent
TEXT, IMAGE = "text.onnx", "image.onnx"

Vectors = npt.NDArray[np.float32]


class Tiny:
    """Both towers."""

    def __init__(self, folder: Path = HERE, threads: int = 1) -> None:
        """Load `text.onnx` and `image.onnx` from `folder`; a forward pass takes `threads` threads."""
        self._text = _session(folder / TEXT, threads)
        self._image = _session(folder / IMAGE, threads)
        self.dimension = int(self._text.get_outputs()[0].shape[1])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text."""
        return self.encode_features(featurise(texts).inputs())

    def encode_features(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Vectors:
        """The same for texts that `featurise` has prepared."""
        return self._first(self._text.run(None, dict(inputs)))

    def encode_images(self, pictures: Sequence[bytes]) -> Vectors:
        """One unit vector for each picture.

        Raises:
            ValueError: a picture cannot be decoded.
        """
        return self.encode_pixels(np.stack([preprocess_image(picture) for picture in pictures]))

    def encode_pixels(self, pixels: Vectors) -> Vectors:
        """The same for pictures that `preprocess_image` has prepared: float32 [n, 3, 64, 64]."""
        return self._first(self._image.run(None, {"pixels": pixels}))

    @staticmethod
    def _first(results: list[Vectors]) -> Vectors:
        return results[0]


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors: the rest is advice on graphs, on standard error
    # Threads that wait for the next pass sleep: spinning would take whole cores from the services beside this one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
