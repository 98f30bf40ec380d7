"""What may be typed next in a filter: keys with their operator, and values, given the text and the cursor's place."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from collector.local.query.language.parser import KEY, OPERATOR, VALUE, Language

MOST = 20
LONGEST = 200
"""Characters of a word: longer ones are not proposed."""
_PLAIN = re.compile(VALUE.pattern + r"\Z")
_PLAIN_KEY = re.compile(KEY.pattern + r"\Z")


@dataclass(frozen=True)
class Completion:
    """One proposal: `text` replaces the characters from `start` to `end`."""

    text: str
    start: int
    end: int
    kind: str
    """`key` or `value`."""
    detail: str
    """What a key means; how often a value was seen."""


class Vocabulary(Protocol):
    """The words that may be proposed, each with its detail, the best first."""

    def attributes(self) -> Iterable[tuple[str, str]]:
        """Names of attributes."""

    def values(self, key: str) -> Iterable[tuple[str, str]]:
        """Values of a field or an attribute."""


@dataclass(frozen=True)
class Place:
    """Where the cursor is: in a key, or in a value of a key."""

    key: str | None
    """None: in a key."""
    typed: str
    start: int
    end: int


@dataclass(frozen=True)
class Proposals:
    """What may be typed."""

    words: Sequence[Completion]
    left_out: int
    """Words that are too long to be proposed."""


def complete(text: str, at: int, language: Language, vocabulary: Vocabulary) -> Proposals:
    """The proposals at a place, at most 20: those that begin with what is typed, then those that contain it.

    Args:
        text: of the filter, which need not be complete.
        at: the cursor's place, from 0 to the length of the text.
        language: of traces, or of logs.
        vocabulary: the words.
    """
    place = place_of(text, at)
    if place.key is None:
        fields = [(name, field.doc) for name, field in language.fields.items()]
        words = [*fields, *(pair for pair in vocabulary.attributes() if pair[0] not in language.fields)]
        has_operator = OPERATOR.match(text, _skip(text, place.end))
        found = [
            (_key(key) + ("" if has_operator else _operator(key, language)), detail)
            for key, detail in _matching(words, place.typed)
        ]
        completions = [Completion(word, place.start, place.end, "key", detail) for word, detail in found]
        return Proposals(completions, _too_long(words))
    key = language.synonyms.get(place.key, place.key)
    field = language.fields.get(key)
    values: Iterable[tuple[str, str]] = [(value, "") for value in field.values] if field else []
    words = list(values) or list(vocabulary.values(key))
    found = _matching(words, place.typed)
    completions = [Completion(quoted(value), place.start, place.end, "value", detail) for value, detail in found]
    return Proposals(completions, _too_long(words))


def quoted(value: str) -> str:
    """A value as it is written in a filter: in quotes if it must be."""
    if _PLAIN.match(value) and value != "*":
        return value
    return _in_quotes(value)


def _key(key: str) -> str:
    return key if _PLAIN_KEY.match(key) else _in_quotes(key)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def place_of(text: str, at: int) -> Place:
    """Where a place in the text is; the text before it decides."""
    at = max(0, min(at, len(text)))
    before, i = text[:at], 0
    while True:
        i = _skip(before, i)
        start = i
        key, i = _read(before, i, KEY)
        if i >= at:
            return Place(None, key, start, _end(text, at, KEY))
        after = _skip(before, i)
        operator = OPERATOR.match(before, after)
        if operator is None:
            if i == start:  # not a key: a mistake, which the parser reports
                i += 1
            continue
        i = operator.end()
        while True:
            i = _skip(before, i) if i == operator.end() else i
            start = i
            value, i = _read(before, i, VALUE)
            if i >= at:
                return Place(key, value, start, _end(text, at, VALUE))
            if before[i] != ",":
                break
            i += 1


def _read(text: str, i: int, pattern: re.Pattern[str]) -> tuple[str, int]:
    """A word, quoted or not, and where it ends; the rest of the text if its quote is not closed."""
    if i < len(text) and text[i] in "\"'":
        quote, found, end = text[i], [], i + 1
        while end < len(text) and text[end] != quote:
            end += text[end] == "\\" and end + 1 < len(text)
            found.append(text[end])
            end += 1
        return "".join(found), min(end + 1, len(text))
    match = pattern.match(text, i)
    return (match[0], match.end()) if match else ("", i)


def _end(text: str, at: int, pattern: re.Pattern[str]) -> int:
    """Where the word around a place ends."""
    match = pattern.match(text, at)
    end = match.end() if match else at
    return end + (text[end : end + 1] in {'"', "'"} and text[:end].count(text[end]) % 2)


def _skip(text: str, i: int) -> int:
    while i < len(text) and text[i].isspace():
        i += 1
    return i


def _operator(key: str, language: Language) -> str:
    field = language.fields.get(key)
    return {"duration": ">", "number": ">=", "level": ">="}.get(field.kind if field else "", "=")


def _matching(words: Sequence[tuple[str, str]], typed: str) -> list[tuple[str, str]]:
    sought = typed.lower()
    words = [pair for pair in words if len(pair[0]) <= LONGEST]
    first = [pair for pair in words if pair[0].lower().startswith(sought)]
    second = [pair for pair in words if sought in pair[0].lower() and pair not in first]
    return [*first, *second][:MOST]


def _too_long(words: Sequence[tuple[str, str]]) -> int:
    return sum(len(word) > LONGEST for word, _ in words)
