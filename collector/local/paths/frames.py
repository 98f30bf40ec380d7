"""What `follower_process.py` and its process send each other: values of Python's simple types, each after its size."""

import marshal
from typing import IO, Any, Final

_SIZE: Final = 4


def write(value: Any, out: IO[bytes]) -> None:
    """Write a value; raises `OSError` if nobody reads it."""
    frame = marshal.dumps(value)
    out.write(len(frame).to_bytes(_SIZE, "little"))
    out.write(frame)
    out.flush()


def read(source: IO[bytes]) -> Any:
    """The next value; raises `EOFError` at the end, also in the middle of a value."""
    size = int.from_bytes(_exactly(source, _SIZE), "little")
    return marshal.loads(_exactly(source, size))  # noqa: S302 (from the process that we have started, or that started us)


def _exactly(source: IO[bytes], size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise EOFError
    return found
