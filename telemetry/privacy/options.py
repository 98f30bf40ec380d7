"""What a user can set about scrubbing.

In: what `configure(scrub=…)` was given, or `SEARCH_TELEMETRY_SCRUB`. Out: a checked `Scrub`, or None for no scrubbing;
a `ValueError` that says what is wrong and what to write. State: none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from telemetry.privacy.linear import why_not_linear

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class Scrub:
    """What is scrubbed beyond, or short of, the rules of `docs/privacy.md`.

    Arguments: `keys`, further names whose values are hidden, whole words in any spelling (`customer_no` is also
    `shop.customerNo`); `patterns`, regular expressions that take linear time, by the kind that the marker names
    (`{"order": r"ORD-[0-9]{6}"}`); `keep`, names of attributes and of baggage whose values are left exactly as they
    are; `off`, kinds that are not looked for (`("phone",)`); `ip_addresses`, whether IPv4 and IPv6 addresses are hidden
    too.
    """

    keys: Sequence[str] = ()
    patterns: Mapping[str, str] = field(default_factory=dict, hash=False)
    keep: Sequence[str] = ()
    off: Sequence[str] = ()
    ip_addresses: bool = False

    def __str__(self) -> str:
        return "true"


def check(raw: object) -> Scrub | None:
    """Take true, false or a `Scrub`; None is no scrubbing at all."""
    if isinstance(raw, Scrub):
        for name in ("keys", "keep", "off"):
            _words(name, getattr(raw, name))
        _kinds(raw.off)
        _patterns(raw.patterns)
        return raw
    known = {"true": Scrub(), "1": Scrub(), "false": None, "0": None}
    word = str(raw).strip().lower() if isinstance(raw, str | bool | int) else ""
    if word not in known:
        raise ValueError("is neither true nor false; write true, or in Python scrub=telemetry.privacy.Scrub(keys=[…])")
    return known[word]


def _words(name: str, words: object) -> None:
    listed = isinstance(words, Sequence | frozenset | set) and not isinstance(words, str | bytes)
    if not listed or not all(isinstance(word, str) and word.strip() for word in words):  # type: ignore[attr-defined]
        raise ValueError(f'has {name} that are no list of words; write {name}=["name", "other"]')


def _kinds(off: Sequence[str]) -> None:
    from telemetry.privacy.rules import KINDS  # compiles them

    wrong = [kind for kind in off if kind not in KINDS]
    if wrong:
        raise ValueError(f"has the kind {wrong[0]!r} in off; write some of {', '.join(sorted(KINDS))}")


def _patterns(patterns: object) -> None:
    if not isinstance(patterns, Mapping):
        raise ValueError('has patterns that are no mapping; write patterns={"order": r"ORD-[0-9]{6}"}')
    for kind, pattern in patterns.items():
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise ValueError(f'has the kind {kind!r}, which no marker can name; write "order", in small letters')
        if not isinstance(pattern, str):
            raise ValueError(f"has a pattern {kind!r} that is no text; write it as a string, not compiled")
        try:
            compiled = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"has a pattern {kind!r} that is no regular expression: {error}; fix it") from None
        if compiled.match(""):
            raise ValueError(f"has a pattern {kind!r} that matches the empty text; let it need a character")
        problem = why_not_linear(pattern)
        if problem:
            raise ValueError(f"has a pattern {kind!r} that {problem}")
