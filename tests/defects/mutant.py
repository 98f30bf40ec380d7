"""What a broken variant is.

In: nothing. Out: `Mutant`. State: none.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """`old`, which stands once in `file`, becomes `new`; then `test` (below `tests/`) must fail."""

    file: str
    old: str
    new: str
    test: str
