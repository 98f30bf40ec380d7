"""The wire format of protobuf: fields as bytes, and back.

In: numbers and bytes. Out: encoded fields. State: none. The format is described at
https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final

_VARINT, _FIXED64, _SIZED, _FIXED32 = 0, 1, 2, 5  # how a field is encoded
_UINT64: Final = 0xFFFF_FFFF_FFFF_FFFF
FIXED64: Final = Struct("<Q").pack
FIXED32: Final = Struct("<I").pack
DOUBLE: Final = Struct("<d").pack


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


_KNOWN: Final = 2048  # numbers whose encoding is kept: most lengths
SMALL: Final = tuple(map(_varint, range(_KNOWN)))
"""The encodings of the numbers below 2,048, for loops that cannot afford a call."""


def varint(number: int) -> bytes:
    """Return an integer of at most 64 bits, in groups of seven; a negative one as its two's complement."""
    return SMALL[number] if 0 <= number < _KNOWN else _varint(number & _UINT64)


def zigzag(number: int) -> bytes:
    """Return a `sint32` or `sint64`: small if its absolute value is."""
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def tag(number: int, *, kind: int = _SIZED) -> bytes:
    """Return what stands before the value of the field `number`."""
    return varint(number << 3 | kind)


def fixed64_tag(number: int) -> bytes:
    """Return what stands before a value of eight bytes."""
    return tag(number, kind=_FIXED64)


def fixed32_tag(number: int) -> bytes:
    """Return what stands before a value of four bytes."""
    return tag(number, kind=_FIXED32)


def varint_tag(number: int) -> bytes:
    """Return what stands before an integer in groups of seven bits."""
    return tag(number, kind=_VARINT)


def sized(content: bytes) -> bytes:
    """Return the content of a text, of bytes or of a message, after its length."""
    return varint(len(content)) + content


def field(number: int, content: bytes) -> bytes:
    """Return a field that is a text, bytes or a message."""
    return tag(number) + varint(len(content)) + content


def packed(number: int, letter: str, values: Sequence[float]) -> bytes:
    """Return a repeated field of numbers of eight bytes: `letter` is Q for integers, d for floats."""
    return field(number, Struct(f"<{len(values)}{letter}").pack(*values)) if values else b""


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of an encoded message. Raises ValueError if it is not one."""
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _read_varint(message, place)
            yield key >> 3, value
            continue
        if kind not in {_FIXED64, _SIZED, _FIXED32}:
            raise ValueError("an unknown kind of field")
        length = 8 if kind == _FIXED64 else 4
        if kind == _SIZED:
            length, place = _read_varint(message, place)
        if place + length > len(message):
            raise ValueError("a field that is cut")
        yield key >> 3, message[place : place + length]
        place += length


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        number |= (byte & 0x7F) << shift
        place += 1
        shift += 7
        if byte < 0x80:
            return number, place
    raise ValueError("a number that is cut")
