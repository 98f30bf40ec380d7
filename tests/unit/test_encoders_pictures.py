"""Pictures of every kind become RGB; what is none is the caller's clear error."""

import io
import struct
import zlib

import pytest
from PIL import Image

from demo_flow.encoders.base import BadPicture
from demo_flow.encoders.pictures import read_picture

RED, WHITE = (255, 0, 0), (255, 255, 255)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def red(mode: str, size: tuple[int, int] = (6, 4)) -> Image.Image:
    return Image.new("RGB", size, RED).convert(mode)


def halves() -> Image.Image:
    """Left half red, right half transparent (and black underneath)."""
    image = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 3, 4))
    return image


def near(pixel: object, expected: tuple[int, int, int], tolerance: int = 6) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(got - want) <= tolerance for got, want in zip(pixel, expected, strict=True))


@pytest.mark.parametrize(
    "data",
    [
        saved(red("RGB"), "PNG"),
        saved(red("P"), "PNG"),
        saved(red("RGB"), "JPEG", quality=95),
        saved(red("CMYK"), "JPEG", quality=95),
        saved(red("RGB"), "WEBP", lossless=True),
        saved(red("RGB"), "AVIF", quality=95),
        saved(red("RGB"), "BMP"),
        saved(red("CMYK"), "TIFF"),
        saved(red("P"), "GIF"),
    ],
    ids=["png", "palette", "jpeg", "cmyk jpeg", "webp", "avif", "bmp", "cmyk tiff", "gif"],
)
def test_every_kind_of_picture_becomes_rgb(data: bytes) -> None:
    """The colour survives whatever the file's own colour space is."""
    image = read_picture(data)
    assert (image.mode, image.size) == ("RGB", (6, 4))
    assert near(image.getpixel((1, 1)), RED)


@pytest.mark.parametrize(
    "data",
    [
        saved(halves(), "PNG"),
        saved(halves(), "WEBP", lossless=True),
        saved(halves().convert("P"), "PNG", transparency=halves().convert("P").getpixel((5, 0))),
        saved(halves(), "GIF"),
    ],
    ids=["rgba", "webp", "palette", "gif"],
)
def test_transparent_pictures_lie_on_white(data: bytes) -> None:
    """A cut-out product does not become a black rectangle."""
    image = read_picture(data)
    assert near(image.getpixel((0, 0)), RED)
    assert near(image.getpixel((5, 0)), WHITE)


def test_grey_pictures_with_alpha_and_with_sixteen_bits_keep_their_brightness() -> None:
    """Sixteen bits are scaled, not clipped."""
    assert near(read_picture(saved(Image.new("LA", (2, 2), (40, 255)), "PNG")).getpixel((0, 0)), (40, 40, 40))
    sixteen = Image.new("I;16", (2, 2), 40 << 8)
    assert near(read_picture(saved(sixteen, "PNG")).getpixel((0, 0)), (40, 40, 40))


def test_a_picture_turned_by_its_exif_stands_upright() -> None:
    """A telephone's photograph is seen as its owner sees it."""
    image = Image.new("RGB", (60, 40), WHITE)
    image.paste(RED, (0, 0, 20, 40))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    upright = read_picture(saved(image, "JPEG", exif=exif, quality=95))
    assert upright.size == (40, 60)
    assert near(upright.getpixel((20, 5)), RED)
    assert near(upright.getpixel((20, 55)), WHITE)


def test_of_a_moving_picture_the_first_frame_is_seen() -> None:
    """One vector for each picture."""
    frames = [red("RGB"), Image.new("RGB", (6, 4), (0, 0, 255))]
    for kind in ("GIF", "WEBP"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, lossless=True)
        assert near(read_picture(data).getpixel((1, 1)), RED)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b""))


PNG = saved(Image.effect_noise((64, 64), 80).convert("RGB"), "PNG")
JPEG = saved(Image.effect_noise((64, 64), 80).convert("RGB"), "JPEG")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"a text, not a picture", "21 bytes are not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (PNG[: len(PNG) // 2], "cannot be decoded"),
        (JPEG[: len(JPEG) // 2], "cannot be decoded"),
        (PNG[:60] + b"\xff" * 400 + PNG[460:], "cannot be decoded"),
        (bomb(8_000, 8_000), "8000 × 8000 pixels"),
        (bomb(60_000, 60_000), "too many pixels"),
        (bomb(11_000, 11_000), "pixels"),
    ],
    ids=["empty", "text", "eps", "half png", "half jpeg", "damaged png", "large", "bomb", "between"],
)
def test_bytes_that_are_not_a_picture_are_refused(data: bytes, words: str) -> None:
    """The caller learns what is wrong with the bytes; no decoder's own exception comes through, nothing is unpacked."""
    with pytest.raises(BadPicture, match=words):
        read_picture(data)
