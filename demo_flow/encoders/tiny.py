"""Shared by both runtimes of `pamazon-tiny`: its files, and the preparation of texts and pictures."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo_flow import model
from demo_flow.encoders.base import TINY, Batch, EncoderUnavailable
from demo_flow.model.features import featurise
from demo_flow.model.pixels import preprocess_image


class TinyPreparation:
    """The half of an `Encoder` that is the same on onnx and on torch."""

    name = TINY

    @cached_property
    def threshold(self) -> float | None:
        """The calibrated one, stored beside the weights."""
        path = weights(model.THRESHOLD)
        try:
            return float(json.loads(path.read_text(encoding="utf-8"))["threshold"])
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(path, error) from error

    def prepare_texts(self, texts: Sequence[str]) -> Batch:
        """Hash words and pieces of words; see `demo_flow.model.features`."""
        if not texts:
            raise ValueError("no texts to prepare")
        return featurise(texts).inputs()

    def prepare_image(self, data: bytes) -> NDArray[np.float32]:
        """Decode, set on a white square and scale: `[3, 64, 64]`."""
        return preprocess_image(data)


def weights(file: str) -> Path:
    """Return the path of one of the model's files. Raises EncoderUnavailable where it is missing."""
    path = Path(model.__file__).parent / file
    if not path.is_file():
        raise EncoderUnavailable(
            f"The weights of {TINY} are missing: {path}.",
            "Install search-telemetry-demo again, or train the model again: python -m demo_flow.making.train --help",
        )
    return path


def unreadable(path: Path, error: Exception) -> EncoderUnavailable:
    """Return the error of a damaged file of the model."""
    return EncoderUnavailable(
        f"The weights of {TINY} cannot be loaded from {path}: {error}", "Install search-telemetry-demo again."
    )
