"""Any OpenCLIP model by its usual name, on torch.

In: texts and pictures, prepared by the model's own tokenizer and transforms. Out: unit vectors. State: the model, on
the device it was loaded to, in evaluation mode.

torch is imported here and in `tiny_torch`, nowhere else: without the extra `clip` the demo runs all the same.
"""

import difflib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from demo_flow.encoders.base import Batch, EncoderUnavailable
from demo_flow.encoders.pictures import read_picture

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read once, when open_clip imports huggingface_hub
import open_clip

TOKENS = "tokens"
"""The one array of a prepared batch of texts: int64 `[n, context length]`."""


class OpenClipEncoder:
    """One OpenCLIP model. Thread-safe; load it with `load_open_clip`."""

    runtime = "torch"
    threshold = None

    def __init__(
        self,
        name: str,
        device: str,
        model: torch.nn.Module,
        transform: Callable[[Any], torch.Tensor],
        tokenize: Callable[[list[str]], torch.Tensor],
    ) -> None:
        self.name = name
        self.device = device
        self._model = model
        self._transform = transform
        self._tokenize = tokenize
        # A first pass gives the dimension for every architecture, and takes the cost of a device's first use.
        self.dimension = self.encode_texts(self.prepare_texts(["a"])).shape[1]

    def prepare_texts(self, texts: Sequence[str]) -> Batch:
        """Tokenise; texts over the model's context length are cut."""
        if not texts:
            raise ValueError("no texts to prepare")
        return {TOKENS: self._tokenize(list(texts)).numpy()}

    def prepare_image(self, data: bytes) -> NDArray[np.float32]:
        """Decode, resize, crop and normalise as the model was trained: `[3, height, width]`."""
        prepared: NDArray[np.float32] = self._transform(read_picture(data)).numpy()
        return prepared

    def encode_texts(self, batch: Batch) -> NDArray[np.float32]:
        """Run the text tower."""
        with torch.inference_mode():
            return _numpy(self._model.encode_text(self._moved(batch[TOKENS]), normalize=True))

    def encode_images(self, stack: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the image tower."""
        with torch.inference_mode():
            return _numpy(self._model.encode_image(self._moved(stack), normalize=True))

    def _moved(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)


def load_open_clip(name: str, device: str) -> OpenClipEncoder:
    """Load `ARCHITECTURE::PRETRAINED`; PRETRAINED is a tag that OpenCLIP lists, or the path of a checkpoint.

    Raises EncoderUnavailable: unknown names come with the nearest known ones, missing weights with their file.
    """
    architecture, _, pretrained = name.partition("::")
    _check_known(architecture, pretrained)
    try:
        model, _, transform = open_clip.create_model_and_transforms(architecture, pretrained=pretrained, device=device)
        tokenize = open_clip.get_tokenizer(architecture)
    except Exception as error:  # the hub, the file system and torch raise many classes
        raise _not_loaded(name, architecture, pretrained, error) from error
    return OpenClipEncoder(name, device, model.eval(), transform, tokenize)


def _numpy(vectors: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = vectors.float().cpu().numpy()
    return array


def _check_known(architecture: str, pretrained: str) -> None:
    """Raise EncoderUnavailable where OpenCLIP has no such architecture, or no such weights for it."""
    known = open_clip.list_models()
    if architecture not in known:
        raise EncoderUnavailable(
            f"OpenCLIP has no architecture {architecture!r}.", f"Nearest: {_nearest(architecture, known)}."
        )
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if pretrained not in tags and not Path(pretrained).is_file():
        raise EncoderUnavailable(
            f"{pretrained!r} is neither weights that OpenCLIP lists for {architecture} nor a file.",
            f"Nearest: {_nearest(pretrained, tags)}; or the path of a checkpoint.",
        )


def _nearest(word: str, known: Sequence[str]) -> str:
    """Return the few known names most like the word, or the first ones where none is."""
    lower = {name.lower(): name for name in known}
    near = [lower[match] for match in difflib.get_close_matches(word.lower(), lower, n=5, cutoff=0.4)]
    return ", ".join(near or list(known)[:5]) or "none"


def _not_loaded(name: str, architecture: str, pretrained: str, error: Exception) -> EncoderUnavailable:
    """Say which file is missing or does not fit, and what to do."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if Path(pretrained).is_file():
        return EncoderUnavailable(
            f"The checkpoint {pretrained} cannot be loaded as {architecture}: {reason}",
            f"Give a checkpoint that OpenCLIP saved for {architecture}.",
        )
    source = open_clip.get_pretrained_cfg(architecture, pretrained)
    where = source.get("hf_hub") or source.get("url") or "its hub"
    return EncoderUnavailable(
        f"The weights of {name} are not on this machine, and {where} could not be read: {reason}",
        f"Connect once to download them, or copy a checkpoint here and use '{architecture}::/path/to/checkpoint'.",
    )
