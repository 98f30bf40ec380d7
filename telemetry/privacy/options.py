"""The options of scrubbing, from `configure(scrub=…)` or `SEARCH_TELEMETRY_SCRUB`, and their checks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class Scrub:
    """Changes to the rules of `docs/privacy.md`."""

    keys: Sequence[str] = ()
    """Further names whose values are hidden, in any spelling: `customer_no` also hides `shop.customerNo`."""
    patterns: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Regular expressions for further secrets, by the kind in the marker; they must take linear time."""
    keep: Sequence[str] = ()
    """Names of attributes and baggage whose values are not scrubbed."""
    off: Sequence[str] = ()
    """Kinds that are not searched for, such as `phone`."""
    ip_addresses: bool = False
    """Whether IPv4 and IPv6 addresses are hidden too."""

    def __str__(self) -> str:
        return "true"


def check(raw: object) -> Scrub | None:
    """Return the options for true, false or a `Scrub`; None means no scrubbing. Raises ValueError."""
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
        raise ValueError(f'has {name} that are not a list of words; write {name}=["name", "other"]')


def _kinds(off: Sequence[str]) -> None:
    from telemetry.privacy.rules import KINDS  # compiles the rules

    wrong = [kind for kind in off if kind not in KINDS]
    if wrong:
        raise ValueError(f"has the unknown kind {wrong[0]!r} in off; the kinds are {', '.join(sorted(KINDS))}")


def _patterns(patterns: object) -> None:
    from telemetry.privacy.linear import why_not_linear  # for users' patterns alone

    if not isinstance(patterns, Mapping):
        raise ValueError('has patterns that are not a mapping; write patterns={"order": r"ORD-[0-9]{6}"}')
    for kind, pattern in patterns.items():
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise ValueError(f'has the kind {kind!r}, which must be lower-case letters, digits and _; write "order"')
        if not isinstance(pattern, str):
            raise ValueError(f"has a pattern {kind!r} that is not a string; write it as a string, not compiled")
        try:
            compiled = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"has a pattern {kind!r} that is not a regular expression: {error}; fix it") from None
        if compiled.match(""):
            raise ValueError(
                f"has a pattern {kind!r} that matches the empty text; make it match at least one character"
            )
        problem = why_not_linear(pattern)
        if problem:
            raise ValueError(f"has a pattern {kind!r} that {problem}")
