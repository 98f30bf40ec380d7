"""Encodes items in pieces, and lets other threads run between them.

In: items, and the encoder of their signal. Out: encoded pieces; joined, they are a request. State: none.

A thread that runs Python holds the GIL for up to 5 ms (`sys.setswitchinterval`), and during a call of C code. Releasing
a lock lets no other thread run; `time.sleep(0)` does.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from telemetry.recording.guard import guard

T = TypeVar("T")

LARGEST: Final = 3 * 2**20
"""Bytes of a request; gRPC servers refuse 4 MiB by default."""
PIECE: Final = 64
"""Items that are encoded in one go."""
_TURN: Final = 0.002  # seconds that a thread runs before it lets others run


@dataclass(frozen=True, slots=True)
class Piece:
    """Items, encoded (None: they cannot be). `start`: the number of the first item that was taken along with them."""

    start: int
    items: int
    body: bytes | None


def encoded(encode: Callable[[list[T]], bytes], items: list[T], start: int) -> Iterator[Piece]:
    """Encode items, in halves if they are too large; an item that cannot be encoded is a piece of its own."""
    body: bytes | None = None
    with guard:  # an item that cannot be encoded must not end this thread
        body = encode(items)
    if len(items) > 1 and (body is None or len(body) > LARGEST):
        middle = len(items) // 2
        yield from encoded(encode, items[:middle], start)
        yield from encoded(encode, items[middle:], start)
    else:
        yield Piece(start, len(items), body)


class Turn:
    """Limits the time that this thread runs without a pause."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = time.monotonic() + _TURN

    def pause(self) -> None:
        """Let other threads run if this one has worked long enough."""
        if time.monotonic() >= self._until:
            time.sleep(0)
            self._until = time.monotonic() + _TURN
