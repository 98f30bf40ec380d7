"""Parses the text of a filter into terms, and checks each against the fields.

In: text of any origin. Out: terms, or a `FilterError` with the place of the mistake and what to write instead.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from collector.local.errors import QueryError
from collector.local.query.duration import parse_duration
from collector.local.query.language.fields import (
    LOG_FIELDS,
    LOG_SYNONYMS,
    TRACE_FIELDS,
    TRACE_SYNONYMS,
    Field,
)
from collector.local.query.language.terms import ANY_VALUE, FilterError, Term
from telemetry.conventions import ATTRIBUTES
from telemetry.errors import did_you_mean

MOST_CHARACTERS, MOST_TERMS = 2000, 30
ORDERED = (">", ">=", "<", "<=")
KEY = re.compile(r"""[^\s=!<>~"',]+""")
OPERATOR = re.compile(r"!=|!~|>=|<=|==|=|>|<|~")
VALUE = re.compile(r"""[^\s,"']+""")
_LIKE_A_TERM = re.compile(r"[\w.]+(!=|!~|>=|<=|=|>|<|~)")
_DECLARED = frozenset(attribute.name for attribute in ATTRIBUTES)


@dataclass(frozen=True)
class Language:
    """What a filter is about."""

    fields: Mapping[str, Field]
    synonyms: Mapping[str, str]
    words: str | None
    """The field in which a word without a key is sought; None: there must be a key."""


TRACES = Language(TRACE_FIELDS, TRACE_SYNONYMS, None)
LOGS = Language(LOG_FIELDS, LOG_SYNONYMS, "body")


def unknown(_: Term) -> bool:
    """What is known of attributes without a store."""
    return False


def parse(text: str, language: Language = TRACES, is_attribute: Callable[[Term], bool] = unknown) -> tuple[Term, ...]:
    """The terms of a filter; none of an empty one.

    Args:
        text: such as `service=gateway duration>50ms`.
        language: of traces, or of logs.
        is_attribute: whether the store knows an attribute that is called like a field with a spelling mistake.

    Raises:
        FilterError: the text is not a filter.
    """
    if len(text) > MOST_CHARACTERS:
        raise FilterError(f"it is longer than {MOST_CHARACTERS} characters.", MOST_CHARACTERS, "Use fewer terms.")
    terms: list[Term] = []
    reader = _Reader(text)
    while not reader.at_end():
        term = reader.term(language)
        if len(terms) == MOST_TERMS:
            raise FilterError(f"it has more than {MOST_TERMS} terms.", term.at, "Use fewer terms.")
        terms.append(_checked(term, language, is_attribute))
    return tuple(terms)


class _Reader:
    """The text, and how far it is read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def at_end(self) -> bool:
        """Skip blanks; whether nothing follows."""
        self._skip()
        return self._at == len(self._text)

    def term(self, language: Language) -> Term:
        """The next term."""
        start = self._at
        quoted = self._text[start] in "\"'"
        key = self._quoted() if quoted else self._match(KEY)
        if key is None:
            if operator := self._match(OPERATOR):
                raise FilterError(f"{operator} has no key before it.", start, "Write a key: service=gateway.")
            raise FilterError(f"{self._text[start]!r} is not a key.", start, "Write a key: service=gateway.")
        after_key = self._at
        self._skip()
        operator = self._match(OPERATOR)
        if operator is None:
            self._at = after_key
            return self._word(key, start, language)
        value_at = self._at
        values = self._values(key, operator)
        return Term(key, "=" if operator == "==" else operator, values, start, value_at, quoted)

    def _word(self, word: str, start: int, language: Language) -> Term:
        if language.words:
            return Term(language.words, "~", (word,), start)
        hint = f"Write what it should be: {word}=…" if word in language.fields else "Write key=value: service=gateway."
        if word.upper() in {"AND", "OR", "NOT"}:
            hint = "All terms must hold; several values are separated by commas: region=cl,br. Not is !=."
        raise FilterError(f"{word!r} has no operator and no value.", start, hint)

    def _values(self, key: str, operator: str) -> tuple[str, ...]:
        """The values after an operator, separated by commas."""
        operator_end = self._at
        self._skip()
        spaced = self._at > operator_end
        values: list[str] = []
        while True:
            start = self._at
            is_quoted = start < len(self._text) and self._text[start] in "\"'"
            value = self._quoted() if is_quoted else self._match(VALUE)
            if value is None or (spaced and not is_quoted and _LIKE_A_TERM.match(value)):
                raise FilterError(
                    f"{key}{operator} has no value.", min(start, operator_end), _value_hint(key, operator)
                )
            if value == ANY_VALUE and not is_quoted:
                return self._any(key, operator, start, values)
            values.append(value)
            if not self._take(","):
                break
        if self._at < len(self._text) and not self._text[self._at].isspace():
            raise FilterError(f"{self._text[self._at]!r} follows a value.", self._at, 'Quote values: name="a, b".')
        if len(values) > 1 and operator in ORDERED:
            raise FilterError(f"{operator} takes one value.", start, f"Write one: {key}{operator}{values[0]}.")
        return tuple(values)

    def _any(self, key: str, operator: str, start: int, values: list[str]) -> tuple[str, ...]:
        if values or operator not in {"=", "==", "!="} or self._take(","):
            raise FilterError("* stands alone, after = or !=.", start, f'Write {key}=*, or quote it: {key}="*".')
        return ()

    def _quoted(self) -> str:
        """Text in quotes, in which a backslash keeps the next character as it is."""
        start, quote = self._at, self._text[self._at]
        self._at += 1
        found: list[str] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char == quote:
                return "".join(found)
            if char == "\\" and self._at < len(self._text):
                char = self._text[self._at]
                self._at += 1
            found.append(char)
        raise FilterError(f"the quote {quote} is not closed.", start, f"Add {quote} after the text.")

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        if found := pattern.match(self._text, self._at):
            self._at = found.end()
            return found[0]
        return None

    def _take(self, text: str) -> bool:
        is_there = self._text.startswith(text, self._at)
        self._at += len(text) * is_there
        return is_there

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1


def _checked(term: Term, language: Language, is_attribute: Callable[[Term], bool]) -> Term:
    """The term, with its field's own name; raises if it can hold for nothing."""
    if term.quoted:
        _check_number(term)
        return term
    name = language.synonyms.get(term.key, term.key)
    field = language.fields.get(name)
    if field is None:
        _check_key(term, language, is_attribute)
        _check_number(term)
        return term
    _check_field(term, field)
    return replace(term, key=name)


def _check_key(term: Term, language: Language, is_attribute: Callable[[Term], bool]) -> None:
    """Refuse what is probably a field with a spelling mistake; any other name may be an attribute's."""
    if "." in term.key or term.key in _DECLARED:
        return
    if (guess := did_you_mean(term.key, sorted(language.fields))) and not is_attribute(term):
        quoted = f'"{term.key}"{term.operator}{",".join(term.values)}'
        hint = f"{guess.rstrip('.')} If it is an attribute, quote it: {quoted}."
        raise FilterError(f"there is no field {term.key!r}.", term.at, hint)


def _check_field(term: Term, field: Field) -> None:
    key, operator = term.key, term.operator
    if not term.values:
        return
    if field.kind in {"text", "versions"} and operator in ORDERED:
        raise FilterError(f"{key} has no order.", term.at, f"Use =, !=, ~ or !~: {key}={term.values[0]}.")
    if field.kind in {"number", "duration", "level"} and "~" in operator:
        raise FilterError(f"{key} is not a text.", term.at, f"Use =, !=, <, <=, > or >=: {_value_hint(key, '>=')}")
    for value in term.values:
        if field.kind == "duration":
            duration_of(value, term)
        elif field.kind == "number":
            number_of(value, term)
        elif field.values and "~" not in operator and value.lower() not in field.values:
            listed = did_you_mean(value, list(field.values)) or f"Use one of {', '.join(field.values)}."
            raise FilterError(f"{value!r} is not a value of {key}.", term.value_at, listed)


def _check_number(term: Term) -> None:
    """An attribute has an order only as a number."""
    if term.operator in ORDERED:
        for value in term.values:
            number_of(value, term)


def number_of(value: str, term: Term) -> float:
    """The number of a term's value.

    Raises:
        FilterError: it is not a finite number.
    """
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FilterError(f"{value!r} is not a number.", term.value_at, f"Write a number: {term.key}{term.operator}10.")
    return number


def duration_of(value: str, term: Term) -> int:
    """The nanoseconds of a term's value.

    Raises:
        FilterError: it is not a duration with a unit.
    """
    try:
        return parse_duration(value, term.key)
    except QueryError as error:
        hint = f"Write a number and a unit: {term.key}{term.operator}50ms."
        raise FilterError(f"{value!r} is not a duration.", term.value_at, hint) from error


def _value_hint(key: str, operator: str) -> str:
    field = TRACE_FIELDS.get(key)
    example = {"duration": "50ms", "number": "10"}.get(field.kind if field else "", "value")
    return f"Write one: {key}{operator}{example}."
