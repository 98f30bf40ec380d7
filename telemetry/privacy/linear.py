"""Tells whether a regular expression takes linear time on any text, as Python's matcher goes about it.

In: a pattern. Out: what is wrong with it, and what to write; nothing where the time is bounded. State: none.

A matcher that backtracks tries, from each position, every way in which repeats can share out the characters. Its work
for one position is bounded where each repeat has an upper bound and none stands inside another; a repeat without bound
does no harm at the very end, where nothing can fail after it: what it went over is matched, and not gone over again. A
possessive repeat (`{1,64}+`) gives nothing back, so that there is one way only.
Our own rules pass this check too (a test holds them to it).
"""

from collections.abc import Iterable
from typing import Any, Final

from re import _constants as sre  # type: ignore[attr-defined]  # isort: skip
from re import _parser  # type: ignore[attr-defined]  # isort: skip  # the only parser of this very language

_MOST: Final = 1024  # an upper bound above this is none
_MOST_WAYS: Final = 1_000_000  # in which the repeats of a pattern can share out characters, from one position
_REPEATS: Final = {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}


def why_not_linear(pattern: str) -> str | None:
    """Return what may take too long in `pattern`, with the hint; None where it is linear."""
    look = _Look()
    look.sequence(_parser.parse(pattern), last=True, repeated=False)
    if look.problem is None and look.ways > _MOST_WAYS:
        return "has too many repeats one after another: it may take very long; write {1,64}+ for {1,64}"
    return look.problem


class _Look:
    """One look at a parsed pattern: the first problem found, and in how many ways its repeats can match."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.ways = 1

    def sequence(self, items: Iterable[Any], *, last: bool, repeated: bool) -> None:
        """Look at items in a row; `last` says that nothing after them can fail, `repeated` that a repeat holds them."""
        listed = list(items)
        for place, (op, argument) in enumerate(listed):
            self._item(op, argument, last=last and not any(map(_can_fail, listed[place + 1 :])), repeated=repeated)

    def _item(self, op: Any, argument: Any, *, last: bool, repeated: bool) -> None:
        if op in _REPEATS:
            self._repeat(*argument, last=last, repeated=repeated, fixed=op is sre.POSSESSIVE_REPEAT)
        elif op is sre.SUBPATTERN:
            self.sequence(argument[3], last=last, repeated=repeated)
        elif op is sre.ATOMIC_GROUP:
            self.sequence(argument, last=last, repeated=repeated)
        elif op is sre.BRANCH:
            for branch in argument[1]:
                self.sequence(branch, last=last, repeated=repeated)
        elif op in {sre.ASSERT, sre.ASSERT_NOT}:
            self.sequence(argument[1], last=False, repeated=repeated)
        elif op in {sre.GROUPREF, sre.GROUPREF_EXISTS}:
            self._found("refers back to a group: it may take very long; write it without")

    def _repeat(self, low: int, high: int, items: Any, *, last: bool, repeated: bool, fixed: bool) -> None:
        varies = low != high and not fixed
        if varies and repeated:
            self._found("has a repeat inside a repeat: it may take very long; write {1,64}+ for the inner")
        if high > _MOST and not (last and low <= _MOST):
            self._found("repeats without an upper bound before its end: it may take very long; write {1,64} for +")
        if varies and high <= _MOST:
            self.ways *= high - low + 1
        self.sequence(items, last=last and high <= 1, repeated=repeated or high > 1)

    def _found(self, problem: str) -> None:
        self.problem = self.problem or problem


def _can_fail(item: tuple[Any, Any]) -> bool:
    """Say whether an item may refuse to match: all do but repeats that may be empty."""
    op, argument = item
    return not (op in _REPEATS and argument[0] == 0)
