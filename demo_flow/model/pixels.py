"""Turns a picture into numbers, float32 [3, 64, 64], for the image tower; training and inference use this same code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 64  # pixels
_MEAN, _SPREAD = 0.75, 0.3  # of the catalogue's pictures on white, all channels alike


def preprocess_image(data: bytes) -> npt.NDArray[np.float32]:
    """The picture as the image tower takes it: on a white square, 64 × 64, scaled.

    Raises:
        ValueError: the bytes are not a picture that can be decoded; the message gives the reason.
    """
    from demo_flow.encoders.pictures import read_picture  # at the top it would be a circle: encoders import this module

    return preprocess_picture(read_picture(data))


def preprocess_picture(picture: Image.Image) -> npt.NDArray[np.float32]:
    """The same for a picture that is decoded already, in mode RGB."""
    width, height = picture.size
    if width != height:
        side = max(width, height)
        square = Image.new("RGB", (side, side), "white")
        square.paste(picture, ((side - width) // 2, (side - height) // 2))
        picture = square
    small = picture.resize((SIDE, SIDE), Image.Resampling.BOX if picture.width > SIDE else Image.Resampling.BILINEAR)
    values = (np.asarray(small, dtype=np.float32) / 255.0 - _MEAN) / _SPREAD
    return np.ascontiguousarray(values.transpose(2, 0, 1))
