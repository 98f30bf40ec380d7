"""The interface of an encoder: texts and pictures in, unit vectors of one common space out.

In: strings, and pictures as bytes (JPEG, PNG, WebP, …). Out: float32 vectors of length 1, one for each text or picture,
so that their dot product is their cosine. State: the implementation's, read-only once loaded; every method may be
called by many threads at once.

Preparing (decoding, resizing, tokenising) is apart from encoding (the forward pass), so that a caller can prepare in a
thread pool while a device encodes the minibatch before.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from demo_flow.errors import PamazonError

TINY = "pamazon-tiny"
"""Name of the encoder that the demo ships with and uses by default."""

Batch: TypeAlias = Mapping[str, NDArray[Any]]
"""Prepared texts: the text model's inputs by name. Only the encoder knows what they hold."""


class Encoder(Protocol):
    """Encodes texts and pictures into one space. Thread-safe."""

    @property
    def name(self) -> str:
        """Name it was loaded by: `pamazon-tiny`, `ViT-B-32::openai`, …"""

    @property
    def runtime(self) -> str:
        """What runs the model: `onnx` or `torch`."""

    @property
    def device(self) -> str:
        """Where the model runs: `cpu` or `cuda`."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""

    @property
    def threshold(self) -> float | None:
        """The cosine under which a picture is not what a text means, as calibrated for this model; None if unknown."""

    def prepare_texts(self, texts: Sequence[str]) -> Batch:
        """Tokenise texts for `encode_texts`.

        An empty sequence is a ValueError: a batch holds at least one text.
        """

    def prepare_image(self, data: bytes) -> NDArray[np.float32]:
        """Decode one picture and bring it into the model's shape, `[channels, height, width]`.

        Stack several with `numpy.stack` for `encode_images`. Raises `BadPicture`.
        """

    def encode_texts(self, batch: Batch) -> NDArray[np.float32]:
        """Encode prepared texts: unit vectors `[n, dimension]`, in the order of the texts."""

    def encode_images(self, stack: NDArray[np.float32]) -> NDArray[np.float32]:
        """Encode prepared pictures `[n, channels, height, width]`: unit vectors `[n, dimension]`, in their order."""


class BadPicture(ValueError):
    """The bytes are not a picture that can be read. The message has the reason, for the caller who sent them."""


class EncoderUnavailable(PamazonError):
    """No such encoder, or it cannot run here."""
