"""A broken variant of the library: `Mutant`."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """`old`, which stands once in `file`, becomes `new`; then `test` (below `tests/`) must fail."""

    file: str
    old: str
    new: str
    test: str
