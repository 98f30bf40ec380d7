"""The pictures of the goods, by their ids.

In: the shipped pack, or the folder of a catalogue. Out: a picture's bytes with their media type. State: all pictures in
memory (8 MB of the pack), which another process reads when the first one is asked for.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from demo_flow.shop.reading import parse

log = logging.getLogger(__name__)

_KINDS: Final = (
    (b"\x89PNG", 0, "image/png"), (b"\xff\xd8\xff", 0, "image/jpeg"), (b"WEBP", 8, "image/webp"),
    (b"GIF8", 0, "image/gif"), (b"ftypavif", 4, "image/avif"), (b"BM", 0, "image/bmp"),
)  # fmt: skip
"""The first bytes of the formats that browsers show, where they stand, and the media type."""


class Picture(NamedTuple):
    """One picture as it is sent."""

    data: bytes
    media_type: str


class Pictures:
    """Arguments: the folder of a catalogue; None for the shipped one."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._reading: asyncio.Task[Mapping[str, bytes]] | None = None

    async def get(self, good: str) -> Picture | None:
        """Return the picture of a good; None where it has none that a browser shows."""
        data = (await asyncio.shield(self._begun())).get(good)
        kind = None if data is None else media_type(data)
        return None if data is None or kind is None else Picture(data, kind)

    def _begun(self) -> asyncio.Task[Mapping[str, bytes]]:
        if self._reading is None:
            self._reading = asyncio.create_task(_read(self._folder))
        return self._reading


def media_type(data: bytes) -> str | None:
    """Return the media type of a picture by its first bytes; None where no browser shows it."""
    return next((kind for mark, at, kind in _KINDS if data[at : at + len(mark)] == mark), None)


async def _read(folder: Path | None) -> Mapping[str, bytes]:
    """Read all pictures. A catalogue that cannot be read has none: the shop sells all the same."""
    command = [sys.executable, "-m", "demo_flow.shop.reading", *([str(folder)] if folder else [])]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    written, problems = await process.communicate()
    if process.returncode:
        log.warning("the shop has no pictures: %s", problems.decode(errors="replace").strip())
        return {}
    return dict(parse(written))
