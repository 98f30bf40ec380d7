"""Checks that Python's `re` matches a regular expression in linear time, whatever the text.

A backtracking matcher tries, from each position, all ways to divide characters among the repeats of a pattern. The work
per position is bounded if each repeat has an upper bound and no repeat contains another. An unbounded repeat is fine at
the end of a pattern, where nothing after it can fail: its characters are matched, and not read again. A possessive
repeat (`{1,64}+`) never gives characters back, so it counts as one way. A test applies this check to our own rules.

RE2 (`google-re2`) does not replace this check: our rules need look-behinds and possessive repeats, which it lacks, so
patterns of users would run on a second engine, and the check would still be needed.
"""

from collections.abc import Iterable
from typing import Any, Final

from re import _constants as sre  # type: ignore[attr-defined,unused-ignore]  # isort: skip
from re import _parser  # type: ignore[attr-defined,unused-ignore]  # isort: skip  # the only parser of this very language

_MAX_REPEAT: Final = 1024  # a higher upper bound counts as none
_MAX_WAYS: Final = 1_000_000  # to divide characters among the repeats, per position
_REPEATS: Final = {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}


def why_not_linear(pattern: str) -> str | None:
    """Return what may take too long in `pattern`, and a hint; None if it is linear."""
    analysis = _Analysis()
    analysis.sequence(_parser.parse(pattern), last=True, repeated=False)
    if analysis.problem is None and analysis.ways > _MAX_WAYS:
        return "has too many repeats one after another: it may take very long; write {1,64}+ for {1,64}"
    return analysis.problem


class _Analysis:
    """The analysis of a parsed pattern: the first problem, and the number of ways in which its repeats can match."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.ways = 1

    def sequence(self, items: Iterable[Any], *, last: bool, repeated: bool) -> None:
        """Analyse a sequence. `last`: nothing after it can fail; `repeated`: it is inside a repeat."""
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
            self._found("refers back to a group: it may take very long; write it without the reference")

    def _repeat(self, low: int, high: int, items: Any, *, last: bool, repeated: bool, fixed: bool) -> None:
        varies = low != high and not fixed
        if varies and repeated:
            self._found("has a repeat inside a repeat: it may take very long; write {1,64}+ for the inner")
        if high > _MAX_REPEAT and not (last and low <= _MAX_REPEAT):
            self._found("repeats without an upper bound before its end: it may take very long; write {1,64} for +")
        if varies and high <= _MAX_REPEAT:
            self.ways *= high - low + 1
        self.sequence(items, last=last and high <= 1, repeated=repeated or high > 1)

    def _found(self, problem: str) -> None:
        self.problem = self.problem or problem


def _can_fail(item: tuple[Any, Any]) -> bool:
    """Return whether an item can fail to match: all can, except repeats that may be empty."""
    op, argument = item
    return not (op in _REPEATS and argument[0] == 0)
