"""Replaces secrets by markers, in texts, in named values, and in nested containers of them.

A value without secrets is returned as it is, else a copy; arguments are never changed. `configure` sets the scrubber of
the process. Short texts are cached, since attributes repeat. If scrubbing a value fails, the value is replaced by
`[redacted:error]` and counted: nothing leaves the process unchecked.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol
from urllib.parse import unquote

from telemetry.privacy.keys import HINTS, Keys, find_values, may_name
from telemetry.privacy.options import Scrub
from telemetry.privacy.rules import ERROR, IP_RULE, RULES, SECRET, Rule, marker
from telemetry.privacy.urls import hiding_of, without_contents

_log = logging.getLogger("search_telemetry")
_CACHED_LENGTH: Final = 256  # longest text that is cached, in characters
_CACHE_SIZE: Final = 4096  # texts
_MAX_DEPTH: Final = 32  # levels of nested containers
_CHUNK: Final = 32_768  # characters searched at once
_OVERLAP: Final = 2048  # characters after a chunk, more than any bounded match has
_MAX_ESCAPES: Final = 3  # levels of percent-encoding
_WORD: Final = re.compile(r"""[^\s"'<>]+""")
_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
_CONTAINERS: Final = (Mapping, list, tuple, set, frozenset)
_HIDEABLE: Final = (str, int, bytes, *_CONTAINERS)
_KEPT, _HIDDEN = object(), object()  # what a name does to its value

MARGIN: Final = 1024
"""Characters after the cut that are scrubbed with a text before it is cut.

So a secret that starts before the cut is seen whole, or at least its first 1,024 characters, which every pattern of a
longer secret recognizes; no half of a secret remains.
"""


class Scrubs(Protocol):
    """What `Scrubber` and, with scrubbing off, `NoScrubber` have in common."""

    failures: int

    def __hash__(self) -> int: ...
    def text(self, text: str) -> str:
        """Return `text` with markers for the secrets in it."""
        ...

    def value(self, name: str, value: Any) -> Any:
        """Return the value of `name`, scrubbed; a marker if the name hides it. Containers are copied if they change."""
        ...

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return attributes with scrubbed values; names stay as they are."""
        ...


class Scrubber:
    """Scrubs with `options`. Unless `contents` are recorded, it also removes the contents of URLs, such as queries."""

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
        self._first = _first_checks(self._rules)
        self._unhinted = tuple(rule.pattern for rule in self._rules if rule.gate is None and not rule.hints)
        self._cached = lru_cache(_CACHE_SIZE)(self._scrubbed)
        self._by_name = lru_cache(_CACHE_SIZE)(self._found_by_name)
        self._lines = lru_cache(_CACHE_SIZE)(self._suspicion_of)

    def text(self, text: str) -> str:
        """Return `text` with markers for the secrets in it."""
        try:
            return self._cached(text) if len(text) <= _CACHED_LENGTH else self._scrubbed(text)
        except Exception as error:  # noqa: BLE001  whatever failed, the text must not leave the process
            return self._failed(error)

    def value(self, name: str, value: Any) -> Any:
        """Return the value of `name`, scrubbed; a marker if the name hides it. Containers are copied if they change."""
        try:
            return self._value(name, value, _MAX_DEPTH)
        except Exception as error:  # noqa: BLE001  as above; containers may be of the user's own classes
            return self._failed(error)

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return attributes with scrubbed values; names stay as they are."""
        return {name: self.value(name, value) for name, value in attributes.items()}

    def _value(self, name: str, value: Any, depth: int) -> Any:
        hide = self._by_name(name)
        if hide is None and type(value) is str:  # nearly always
            return self.text(value)
        if value is None or isinstance(value, bool | float) or hide is _KEPT:
            return value
        if hide is _HIDDEN and isinstance(value, _HIDEABLE):
            return value if value in ("", b"", self._secret) else self._secret
        if not self._contents:
            value = without_contents(name, value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            clear = value.decode("latin-1")  # maps each byte to one character and back
            scrubbed = self.text(clear)
            return value if scrubbed == clear else scrubbed.encode("latin-1", "replace")
        return self._container(name, value, depth) if isinstance(value, _CONTAINERS) else value

    def _found_by_name(self, name: str) -> object:
        """Return what a name does to its value; None if nothing, as nearly always. Cached as `_by_name`."""
        if self._keys.kept(name):
            return _KEPT
        if self._named and self._keys.found(name):
            return _HIDDEN
        return None if self._contents else hiding_of(name)

    def _container(self, name: str, value: Any, depth: int) -> Any:
        if depth == 0:
            raise ValueError(f"more than {_MAX_DEPTH} containers inside each other")
        if isinstance(value, Mapping):
            return {key: self._value(str(key), item, depth - 1) for key, item in value.items()}
        items = [self._value(name, item, depth - 1) for item in value]
        return items if isinstance(value, list) else tuple(items) if isinstance(value, tuple) else set(items)

    def _scrubbed(self, text: str, depth: int = _MAX_ESCAPES) -> str:
        signed = self._named and _hinted(HINTS, text)
        matching, naming = self._suspicion(text, signed=signed)
        if matching:
            text = self._by_rules(text, text.lower())
            naming = self._named and _hinted(HINTS, text)
        if naming:
            text = self._hide_named(text)
        return self._hide_escaped(text, depth) if "%" in text and depth else text

    def _suspicion(self, text: str, *, signed: bool) -> tuple[bool, bool]:
        """Return whether a rule may match, and whether a name may hide something. Nearly always neither is so.

        Arguments: `signed`, whether the text has a sign that stands behind a name.

        Hints and gates have no line ends, so a text is looked at line by line: most lines of a stack trace are known.
        """
        if len(text) > _CHUNK:
            return True, signed
        for pattern in self._unhinted:  # of users: it may match across lines
            if pattern.search(text):
                return True, signed
        if len(text) <= _CACHED_LENGTH:
            return self._suspicion_of(text, signed)
        matching = naming = False
        for line in text.split("\n"):
            of_line = (self._lines if len(line) <= _CACHED_LENGTH else self._suspicion_of)(line, signed)
            matching, naming = matching or of_line[0], naming or of_line[1]
        return matching, naming

    def _suspicion_of(self, line: str, signed: bool) -> tuple[bool, bool]:
        lowered = line.lower()
        return self._may_match(line, lowered), signed and may_name(line, lowered, self._keys.stems)

    def _may_match(self, text: str, lowered: str) -> bool:
        for gate, hints in self._first:
            if gate is None or gate.search(text):
                for hint in hints:  # faster than any() with a generator
                    if hint in lowered:
                        return True
        return False

    def _by_rules(self, text: str, lowered: str) -> str:
        open_gates = {gate for gate in self._gates if gate.search(text)}
        for rule in self._rules:
            if (rule.gate is None or rule.gate in open_gates) and _hinted(rule.hints, lowered):
                hidden = _hide(rule, text)
                if hidden is not text:
                    text, lowered = hidden, hidden.lower()
        return text

    def _hide_escaped(self, text: str, depth: int) -> str:
        """Hide secrets in percent-encoded words; a word that holds one is returned decoded."""
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
        for begin, end in find_values(text, self._keys):
            parts += text[done:begin], self._secret
            done = end
        return "".join((*parts, text[done:])) if parts else text

    def _failed(self, error: Exception) -> str:
        self.failures += 1
        if self.failures == 1:  # only the type: the message may quote the value
            _log.warning("a value could not be scrubbed (%s), and is hidden (logged once)", type(error).__name__)
        return marker(ERROR)


class NoScrubber:
    """Hides no secrets, for `configure(scrub=False)`; only the contents of URLs, unless `contents` are recorded."""

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


def _first_checks(rules: Iterable[Rule]) -> tuple[tuple[re.Pattern[str] | None, tuple[str, ...]], ...]:
    """Return the hints of rules by gate, each once; a rule that has a gate alone has the hint that is in every text."""
    by_gate: dict[re.Pattern[str] | None, list[str]] = {}
    for rule in rules:
        if rule.hints or rule.gate is not None:
            by_gate.setdefault(rule.gate, []).extend(rule.hints or ("",))
    return tuple(
        (gate, tuple(hint for hint in dict.fromkeys(hints) if not any(one in hint for one in hints if one != hint)))
        for gate, hints in by_gate.items()
    )


def _hinted(hints: tuple[str, ...], lowered: str) -> bool:
    """Return whether a text in lower case contains one of the hints; True if there are no hints."""
    for hint in hints:  # faster than any() with a generator
        if hint in lowered:
            return True
    return not hints


def _hide(rule: Rule, text: str) -> str:
    parts: list[str] = []
    done = place = 0
    while match := _next(rule.pattern, text, place):
        end = match.end(rule.group) if rule.validator is None else rule.validator(match)
        if end is None:
            place = match.end() if rule.skip else match.start() + 1
            continue
        parts += text[done : match.start(rule.group)], marker(rule.kind)
        done = place = end
    return "".join((*parts, text[done:])) if parts else text


def _next(pattern: re.Pattern[str], text: str, place: int) -> re.Match[str] | None:
    """Find the next match. A long text is searched in chunks, since a search holds the GIL until it returns."""
    if len(text) - place <= _CHUNK:
        return pattern.search(text, place)
    while place < len(text):
        match = pattern.search(text, place, place + _CHUNK + _OVERLAP)
        if match is None or match.start() >= place + _CHUNK:
            place += _CHUNK
        elif whole := pattern.match(text, match.start()):  # the chunk may have cut the match
            return whole
        else:
            place = match.start() + 1
    return None


class _Process:
    """The scrubber of this process."""

    scrubber: Scrubs | None = None


def current() -> Scrubs:
    """Return the scrubber of the process: the one that `configure` set, else one with all rules."""
    if _Process.scrubber is None:
        _Process.scrubber = Scrubber(Scrub())
    return _Process.scrubber


def use(options: Scrub | None, *, contents: bool = False) -> Scrubs:
    """Set the scrubber of the process, and return it; `options` None: no scrubbing.

    Arguments: `contents`, whether contents are recorded, also those of URLs.
    """
    _Process.scrubber = NoScrubber(contents=contents) if options is None else Scrubber(options, contents=contents)
    return _Process.scrubber


def scrub(value: Any, name: str = "") -> Any:
    """Return `value` with its secrets replaced by markers. Never raises.

    Arguments: `value`, a text or nested containers of texts, which are not changed but copied; `name`, which may hide
    the whole value, such as `password`.
    """
    return current().value(name, value)
