"""Decodes pictures of any common format.

The result is a Pillow image in mode RGB, upright, on white where it was transparent, the first frame where it moves.
"""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from demo_flow.encoders.base import BadPicture

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
"""Formats that shops use. Pillow reads more, some by other programs: unsafe for bytes from any caller."""

MAX_PIXELS = 50_000_000
"""Larger than any camera's picture of a thing for sale; a few kilobytes can claim far more and fill the memory."""


def read_picture(data: bytes) -> Image.Image:
    """Decode a picture into RGB. Raises BadPicture, saying why, where that is impossible or would take too much."""
    if not data:
        raise BadPicture("the picture is empty: no bytes")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise BadPicture(f"the picture claims {width} × {height} pixels; at most {MAX_PIXELS:,} are read")
            return _on_white(ImageOps.exif_transpose(opened))
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture(f"the picture claims too many pixels; at most {MAX_PIXELS:,} are read") from error
    except UnidentifiedImageError as error:
        raise BadPicture(f"these {len(data)} bytes are not a picture ({', '.join(FORMATS)} are read)") from error
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        raise BadPicture(f"the picture cannot be decoded: {error}") from error


def _on_white(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB."""
    if image.mode.startswith("I;16"):  # Pillow would clip these 16 bits to 8 instead of scaling them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
