"""`python -m demo_flow.shop.reading [FOLDER]`: writes the pictures of a catalogue, each with its id, and ends.

In: a folder; without one, the shipped pack. Out: bytes on standard output, which `parse` reads; what is wrong with the
folder on standard error. A program of its own, since what reads a catalogue takes 100 MB and holds the interpreter up:
the gateway, which only sends pictures, stays small and answers meanwhile.
"""

import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_LENGTHS: Final = struct.Struct(">II")


def main(arguments: list[str]) -> int:
    """Write the pictures; 1 where the folder cannot be read."""
    from demo_flow.catalogue.catalogue import CatalogueError, load
    from demo_flow.catalogue.shipped import read_pictures

    try:
        found: Iterable[tuple[str, bytes]] = (
            ((item.id, item.image) for item in load(Path(arguments[0]))) if arguments else read_pictures().items()
        )
        for good, picture in found:
            name = good.encode("utf-8", "surrogatepass")
            sys.stdout.buffer.write(_LENGTHS.pack(len(name), len(picture)) + name + picture)
    except CatalogueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse(written: bytes) -> Iterator[tuple[str, bytes]]:
    """Return what was written."""
    at = 0
    while at < len(written):
        name, picture = _LENGTHS.unpack_from(written, at)
        begins = at + _LENGTHS.size
        at = begins + name + picture
        yield written[begins : begins + name].decode("utf-8", "surrogatepass"), written[begins + name : at]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
