"""Gives a picture another colour, keeping its shading.

The main colour of the picture is found by a small deterministic k-means in OKLab
(Björn Ottosson, "A perceptual color space for image processing", 2020); the pixels of that hue are moved
to the wanted colour, all others (soles, buttons, glass, strings) stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.float64]

PALETTE: dict[str, tuple[int, int, int]] = {
    "black": (44, 44, 48),
    "white": (226, 227, 232),
    "grey": (140, 143, 150),
    "red": (217, 38, 42),
    "orange": (245, 128, 30),
    "yellow": (247, 207, 30),
    "green": (46, 166, 78),
    "blue": (42, 108, 224),
    "purple": (136, 62, 196),
    "pink": (246, 128, 180),
    "brown": (126, 74, 42),
}

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_GREY_CHROMA = 0.045  # below this OKLab chroma a colour has no hue to speak of


def to_oklab(rgb: Floats) -> Floats:
    """OKLab of sRGB in 0..1, shape [..., 3]; the same shape."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    result: Floats = np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T
    return result


def from_oklab(lab: Floats) -> Floats:
    """SRGB in 0..1 of OKLab, shape [..., 3], clipped to what a screen can show."""
    linear = (lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


@dataclass(frozen=True, slots=True)
class Painting:
    """A picture taken apart: its OKLab pixels, its alpha, its main colour and where that colour is."""

    lab: Floats  # [height, width, 3]
    alpha: Floats  # [height, width], 0..1
    main: Floats  # [3], OKLab
    mask: Floats  # [height, width], 0..1: how much of a pixel belongs to the main colour

    @property
    def coverage(self) -> float:
        """The share of the picture (0..1) that a new colour would change."""
        return float((self.mask * self.alpha).sum() / max(self.alpha.sum(), 1.0))

    def distance_to(self, colour: str) -> float:
        """How far (OKLab) the main colour is from `colour`; under 0.1 they look the same."""
        return float(np.linalg.norm(self.main - _target(colour)))


def study(picture: Image.Image) -> Painting:
    """Take `picture` (any mode) apart, so that it can be painted in several colours."""
    picture = picture.convert("RGBA")
    lab, alpha = _take_apart(picture)
    small, there = _take_apart(picture.resize((56, 56), Image.Resampling.LANCZOS))  # surfaces without their details
    main = _main_colour(small[there > 0.5])
    return Painting(lab, alpha, main, _mask(lab, main))


def paint(painting: Painting, colour: str) -> Image.Image:
    """The picture with its main colour replaced by `colour` (a key of `PALETTE`)."""
    target = _target(colour)
    offset = painting.lab[..., 0] - painting.main[0]
    room = 0.75 if colour in ("black", "white") else 0.9
    lightness = np.clip(target[0] + room * offset, 0.08, 0.99)
    fade = np.clip(1.0 - 0.9 * np.abs(lightness - target[0]), 0.35, 1.0)
    painted = np.dstack([lightness, target[1] * fade, target[2] * fade])
    mask = painting.mask[..., None]
    rgb = from_oklab(mask * painted + (1.0 - mask) * painting.lab)
    pixels = np.dstack([rgb, painting.alpha])
    return Image.fromarray(np.round(pixels * 255.0).astype(np.uint8), "RGBA")


def _take_apart(picture: Image.Image) -> tuple[Floats, Floats]:
    """OKLab pixels and alpha of an RGBA picture."""
    pixels = np.asarray(picture, dtype=np.float64) / 255.0
    return to_oklab(pixels[..., :3]), pixels[..., 3]


def _target(colour: str) -> Floats:
    return to_oklab(np.array(PALETTE[colour], dtype=np.float64) / 255.0)


def _main_colour(points: Floats, clusters: int = 5, rounds: int = 8) -> Floats:
    """The centre of the largest colour cluster; lightness counts half, so that shading does not split a surface."""
    scaled = points * np.array([0.5, 1.0, 1.0])
    centres = scaled.mean(axis=0, keepdims=True)
    for _ in range(clusters):  # farthest-point start: the same on every run
        gaps = np.linalg.norm(scaled[:, None] - centres[None], axis=2).min(axis=1)
        centres = np.vstack([centres, scaled[int(gaps.argmax())]])
    for _ in range(rounds):
        nearest = np.linalg.norm(scaled[:, None] - centres[None], axis=2).argmin(axis=1)
        centres = np.vstack(
            [scaled[nearest == k].mean(axis=0) if (nearest == k).any() else centres[k] for k in range(len(centres))]
        )
    largest = int(np.bincount(nearest, minlength=len(centres)).argmax())
    result: Floats = points[nearest == largest].mean(axis=0)
    return result


def _ramp(values: Floats, full: float, none: float) -> Floats:
    """1 where values <= full, 0 where values >= none, a straight line between."""
    return np.clip((none - values) / (none - full), 0.0, 1.0)


def _mask(lab: Floats, main: Floats) -> Floats:
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    if np.hypot(main[1], main[2]) < _GREY_CHROMA:
        return _ramp(chroma, 0.05, 0.09) * _ramp(np.abs(lab[..., 0] - main[0]), 0.28, 0.4)
    turn = np.arctan2(lab[..., 2], lab[..., 1]) - np.arctan2(main[2], main[1])
    turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
    return _ramp(turn, np.radians(42), np.radians(60)) * (1.0 - _ramp(chroma, 0.02, 0.045))
