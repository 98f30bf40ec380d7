"""Hides secrets in texts and in values that have a name.

In: texts, attribute values, nested containers of them. Out: the same where they hold no secret, else copies with
markers; what was given is never changed. State: the `Scrubber` of the process, set by `configure`; in each one a
bounded cache of short texts, since attributes repeat, and how often it failed.

A fault in here hides the value (`[redacted:error]`) and is counted: nothing leaves that was not looked at.
"""

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Protocol
from urllib.parse import unquote

from telemetry.privacy import keys as names
from telemetry.privacy.keys import Keys
from telemetry.privacy.options import Scrub
from telemetry.privacy.rules import ERROR, IP_RULE, RULES, SECRET, Rule, marker
from telemetry.privacy.urls import without_contents

_log = logging.getLogger("search_telemetry")
_SHORT: Final = 256  # characters of a text that is kept in the cache
_CACHED: Final = 4096  # texts
_DEEPEST: Final = 32  # containers inside containers
_PIECE: Final = 32_768  # characters that are searched at once
_OVERLAP: Final = 2048  # characters after them, more than any bounded match has
_MOST_ESCAPES: Final = 3  # escapes of escapes
_WORD: Final = re.compile(r"""[^\s"'<>]+""")
_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
_CONTAINERS: Final = (Mapping, list, tuple, set, frozenset)

MARGIN: Final = 1024
"""Characters beyond a cut that are looked at before it is made.

A secret that begins before the cut is then seen whole, or at least its first 1,024 characters, by which each look with
a longer secret is known; so no half of one is left.
"""


class Scrubs(Protocol):
    """What hides, or, where scrubbing is off, does not."""

    failures: int

    def __hash__(self) -> int: ...
    def text(self, text: str) -> str:
        """Return `text` with markers for the secrets in it."""
        ...

    def value(self, name: str, value: Any) -> Any:
        """Return the value of `name`, a marker where the name hides it; containers are copied where they change."""
        ...

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return attributes with their values scrubbed; names are left alone."""
        ...


class Scrubber:
    """Hides what `options` ask for; what URLs say beyond where they lead, unless `contents` are recorded."""

    def __init__(self, options: Scrub, *, contents: bool = False) -> None:
        self.failures = 0
        self._contents = contents
        self._keys = Keys(options.keys, options.keep)
        more = tuple(Rule(kind, "", (), re.compile(pattern)) for kind, pattern in options.patterns.items())
        rules = (*RULES, *((IP_RULE,) if options.ip_addresses else ()))
        self._rules = (*more, *(rule for rule in rules if rule.kind not in options.off))
        self._named = SECRET not in options.off
        self._secret = marker(SECRET)
        self._gates = tuple({rule.gate for rule in self._rules if rule.gate is not None})
        self._cached = lru_cache(_CACHED)(self._scrubbed)

    def text(self, text: str) -> str:
        """Return `text` with markers for the secrets in it."""
        try:
            return self._cached(text) if len(text) <= _SHORT else self._scrubbed(text)
        except Exception as error:  # noqa: BLE001  whatever is wrong here, the text must not leave
            return self._failed(error)

    def value(self, name: str, value: Any) -> Any:
        """Return the value of `name`, a marker where the name hides it; containers are copied where they change."""
        try:
            return self._value(name, value, _DEEPEST)
        except Exception as error:  # noqa: BLE001  as above; containers may be of the user's own classes
            return self._failed(error)

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return attributes with their values scrubbed; names are left alone."""
        return {name: self.value(name, value) for name, value in attributes.items()}

    def _value(self, name: str, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool | float) or self._keys.kept(name):
            return value
        if self._named and self._keys.found(name) and isinstance(value, (str, int, bytes, *_CONTAINERS)):
            return value if value in ("", b"", self._secret) else self._secret
        if not self._contents:
            value = without_contents(name, value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            clear = value.decode("latin-1")  # one character for each byte, there and back
            scrubbed = self.text(clear)
            return value if scrubbed == clear else scrubbed.encode("latin-1", "replace")
        return self._container(name, value, depth) if isinstance(value, _CONTAINERS) else value

    def _container(self, name: str, value: Any, depth: int) -> Any:
        if depth == 0:
            raise ValueError(f"more than {_DEEPEST} containers inside each other")
        if isinstance(value, Mapping):
            return {key: self._value(str(key), item, depth - 1) for key, item in value.items()}
        items = [self._value(name, item, depth - 1) for item in value]
        return items if isinstance(value, list) else tuple(items) if isinstance(value, tuple) else set(items)

    def _scrubbed(self, text: str, depth: int = _MOST_ESCAPES) -> str:
        small = text.lower()
        open_gates = {gate for gate in self._gates if gate.search(text)}
        for rule in self._rules:
            if (rule.gate is None or rule.gate in open_gates) and _hinted(rule.hints, small):
                hidden = _hide(rule, text)
                if hidden is not text:
                    text, small = hidden, hidden.lower()
        named = self._named and _hinted(names.HINTS, small) and _hinted(self._keys.stems, small)
        if named:
            text = self._hide_named(text)
        return self._hide_escaped(text, depth) if "%" in text and depth else text

    def _hide_escaped(self, text: str, depth: int) -> str:
        """Hide the secrets of words with percent-escapes; such a word stays without the escapes, the others as is."""
        parts: list[str] = []
        done = 0
        for match in _WORD.finditer(text):
            if "%" not in match[0] or not _ESCAPE.search(match[0]):
                continue
            plain = unquote(match[0])
            hidden = self._scrubbed(plain, depth - 1)
            if hidden != plain:
                parts += text[done : match.start()], hidden
                done = match.end()
        return "".join((*parts, text[done:])) if parts else text

    def _hide_named(self, text: str) -> str:
        parts: list[str] = []
        done = 0
        for begin, end in names.find(text, self._keys):
            parts += text[done:begin], self._secret
            done = end
        return "".join((*parts, text[done:])) if parts else text

    def _failed(self, error: Exception) -> str:
        self.failures += 1
        if self.failures == 1:  # its kind alone: its words may repeat what could not be scrubbed
            _log.warning("a value could not be scrubbed (%s), and is hidden (said once)", type(error).__name__)
        return marker(ERROR)


class Untouched:
    """Hides no secret: `configure(scrub=False)`; only what URLs say, unless `contents` are recorded."""

    failures = 0

    def __init__(self, *, contents: bool = True) -> None:
        self._contents = contents

    def text(self, text: str) -> str:
        """Return `text` as it is."""
        return text

    def value(self, name: str, value: Any) -> Any:
        """Return `value` as it is, unless it is a URL."""
        return value if self._contents else without_contents(name, value)

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy."""
        return {name: self.value(name, value) for name, value in attributes.items()}


def _hinted(hints: tuple[str, ...], small: str) -> bool:
    """Say whether one of the hints is in a text in small letters; where there are none, any text will do."""
    for hint in hints:  # a generator would take longer than all the looking
        if hint in small:
            return True
    return not hints


def _hide(rule: Rule, text: str) -> str:
    parts: list[str] = []
    done = place = 0
    while match := _next(rule.pattern, text, place):
        end = match.end(rule.group) if rule.ends is None else rule.ends(match)
        if end is None:
            place = match.end() if rule.skip else match.start() + 1
            continue
        parts += text[done : match.start(rule.group)], marker(rule.kind)
        done = place = end
    return "".join((*parts, text[done:])) if parts else text


def _next(pattern: re.Pattern[str], text: str, place: int) -> re.Match[str] | None:
    """Find the next match, in a piece of a long text at a time: a search holds Python's lock to its end."""
    if len(text) - place <= _PIECE:
        return pattern.search(text, place)
    while place < len(text):
        match = pattern.search(text, place, place + _PIECE + _OVERLAP)
        if match is None or match.start() >= place + _PIECE:
            place += _PIECE
        elif whole := pattern.match(text, match.start()):  # the piece may have ended within it
            return whole
        else:
            place = match.start() + 1
    return None


class _Process:
    """What this process scrubs with."""

    scrubber: Scrubs | None = None


def current() -> Scrubs:
    """Return the scrubber of the process: what `configure` set, else one with all the rules."""
    if _Process.scrubber is None:
        _Process.scrubber = Scrubber(Scrub())
    return _Process.scrubber


def use(options: Scrub | None, *, contents: bool = False) -> Scrubs:
    """Scrub as `options` say from now on; None: not at all. Returns what does it.

    Arguments: `contents`, whether contents are recorded, of URLs too.
    """
    _Process.scrubber = Untouched(contents=contents) if options is None else Scrubber(options, contents=contents)
    return _Process.scrubber


def scrub(value: Any, name: str = "") -> Any:
    """Return `value` as it may leave the process.

    Arguments: `value`, a text, or containers of texts (lists, tuples, mappings), which are copied, never changed;
    `name`, by which it may be hidden altogether (`password`). Never raises.
    """
    return current().value(name, value)
