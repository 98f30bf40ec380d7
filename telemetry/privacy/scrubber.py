"""Replaces secrets by markers, in texts, in named values, and in nested containers of them.

A value without secrets is returned as it is, else a copy; arguments are never changed. `configure` sets the scrubber of
the process. Short texts are cached, since attributes repeat. If scrubbing a value fails, the value is replaced by
`[redacted:error]` and counted: nothing leaves the process unchecked.
"""

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Protocol
from urllib.parse import unquote

from telemetry.privacy.keys import HINTS, Keys, find_values
from telemetry.privacy.options import Scrub
from telemetry.privacy.rules import ERROR, IP_RULE, RULES, SECRET, Rule, marker
from telemetry.privacy.urls import without_contents

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
        self._cached = lru_cache(_CACHE_SIZE)(self._scrubbed)

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
        if value is None or isinstance(value, bool | float) or self._keys.kept(name):
            return value
        if self._named and self._keys.found(name) and isinstance(value, (str, int, bytes, *_CONTAINERS)):
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

    def _container(self, name: str, value: Any, depth: int) -> Any:
        if depth == 0:
            raise ValueError(f"more than {_MAX_DEPTH} containers inside each other")
        if isinstance(value, Mapping):
            return {key: self._value(str(key), item, depth - 1) for key, item in value.items()}
        items = [self._value(name, item, depth - 1) for item in value]
        return items if isinstance(value, list) else tuple(items) if isinstance(value, tuple) else set(items)

    def _scrubbed(self, text: str, depth: int = _MAX_ESCAPES) -> str:
        lowered = text.lower()
        open_gates = {gate for gate in self._gates if gate.search(text)}
        for rule in self._rules:
            if (rule.gate is None or rule.gate in open_gates) and _hinted(rule.hints, lowered):
                hidden = _hide(rule, text)
                if hidden is not text:
                    text, lowered = hidden, hidden.lower()
        named = self._named and _hinted(HINTS, lowered) and _hinted(self._keys.stems, lowered)
        if named:
            text = self._hide_named(text)
        return self._hide_escaped(text, depth) if "%" in text and depth else text

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
