"""Turns the terms of a filter into conditions of SQL with parameters: values never become part of the SQL text.

`!=` and `!~` are the opposite of `=` and `~`: of a trace, that no span of it matches; of a log record, that it does
not match, or does not have the key.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from collector.local.query.language.fields import LEVELS, LOG_FIELDS, TRACE_FIELDS, Field
from collector.local.query.language.parser import duration_of, number_of
from collector.local.query.language.terms import Term

Condition = tuple[str, list[Any]]
EVERY_SPAN: Condition = ("true", [])
EVERY_TRACE = EVERY_SPAN
_OPPOSITE = {"!=": "=", "!~": "~"}
_AS_IN_JSON = re.compile(r'"[\w.\- ]+":|[\w.\- ]+', re.ASCII)
"""Text of which JSON changes no character."""
_WIDTH = 4
"""Severity numbers of one level."""


def json_path(key: str) -> str:
    """DuckDB's path to a key of a JSON object, for any characters in the key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")  # a JSON pointer (RFC 6901): dots need no quoting there


def all_of(conditions: Sequence[Condition]) -> Condition:
    """The condition that all of these hold; `true` without any."""
    return " AND ".join(sql for sql, _ in conditions) or "true", [item for _, values in conditions for item in values]


def is_of_span(term: Term) -> bool:
    """Whether a term asks for a span of a trace; else its summary has the answer."""
    field = None if term.quoted else TRACE_FIELDS.get(term.key)
    return field is None or field.of_span


def of_traces(terms: Sequence[Term], spans: Condition = EVERY_SPAN) -> Condition:
    """A condition on the rows of the view `traces`.

    Args:
        terms: of the filter.
        spans: a condition that holds for all spans of the traces in question, so that others are not read.
    """
    conditions: list[Condition] = []
    one_span: list[Condition] = []
    for term in terms:
        field = None if term.quoted else TRACE_FIELDS.get(term.key)
        if field is None:
            conditions.append(_signed(term, _some_attribute(term, spans)))
            continue
        has = _value(field, _positive(term))
        if not field.of_span:
            conditions.append(_signed(term, has))
        elif term.operator not in _OPPOSITE:
            one_span.append(has)
        else:
            conditions.append(_signed(term, _some_span([has], spans)))
    if one_span:
        conditions.append(_some_span(one_span, spans))
    return all_of(conditions)


def span_has(term: Term, among: Condition) -> Condition:
    """A condition on `span_facts`: they, whatever their resource, have the attribute of a term, and are among some."""
    return all_of([_attribute("attributes", term), among])


def of_logs(terms: Sequence[Term]) -> Condition:
    """A condition on log records, which have the column `severity` besides those of the table."""
    conditions: list[Condition] = []
    for term in terms:
        field = None if term.quoted else LOG_FIELDS.get(term.key)
        has = _span_has(term) if field is None else _value(field, _positive(term))
        conditions.append(_signed(term, has))
    return all_of(conditions)


def _positive(term: Term) -> Term:
    """The opposite of a negative term; any other as it is."""
    return replace(term, operator=_OPPOSITE.get(term.operator, term.operator))


def _signed(term: Term, condition: Condition) -> Condition:
    """The condition, or its opposite if the term is negative; NULL is not a match, so its opposite is one."""
    sql, values = condition
    return (f"NOT coalesce({sql}, false)" if term.operator in _OPPOSITE else sql), values


def _some_span(conditions: Sequence[Condition], among: Condition) -> Condition:
    sql, values = all_of([*conditions, among])
    return f"trace_no IN (SELECT trace_no FROM span_facts WHERE {sql})", values  # noqa: S608 (our own names)


def _some_attribute(term: Term, among: Condition) -> Condition:
    """That a span of the trace, or its resource, has an attribute; either is sought by itself, which is quicker."""
    has, values = _attribute("attributes", _positive(term))
    rest, more = among
    sql = f"""trace_no IN (
        SELECT trace_no FROM span_facts WHERE {has} AND {rest}
        UNION ALL SELECT trace_no FROM span_facts
        WHERE resource_id IN (SELECT resource_id FROM resources WHERE {has}) AND {rest})"""  # noqa: S608 (our names)
    return sql, [*values, *more, *values, *more]


def _value(field: Field, term: Term) -> Condition:
    """That a column matches; the operator is not a negative one."""
    column = f"({field.column})"
    if field.kind == "versions":
        return _versions(column, term)
    if not term.values:
        return f"({column} IS NOT NULL AND {column}::VARCHAR <> '')", []
    if field.kind == "level":
        return _level(column, term)
    if field.kind in {"number", "duration"}:
        return _number(column, term, duration_of if field.kind == "duration" else number_of)
    if field.name in {"trace", "span"} and term.operator == "=":
        return _any(f"starts_with({column}, ?)", [value.lower() for value in term.values])
    return _text(column, term, [value.lower() for value in term.values] if field.values else term.values)


def _number(column: str, term: Term, of: Callable[[str, Term], float]) -> Condition:
    numbers = [of(value, term) for value in term.values]
    if term.operator == "=":
        return f"list_contains(?::DOUBLE[], {column}::DOUBLE)", [numbers]
    return f"{column} {term.operator} ?", numbers


def _text(column: str, term: Term, values: Sequence[str]) -> Condition:
    if term.operator == "~":
        return _any(f"contains(lower({column}), lower(?))", values)
    return f"list_contains(?::VARCHAR[], {column})", [list(values)]


def _versions(column: str, term: Term) -> Condition:
    """That one of several texts such as `clip_encoder 2.0.0` is the value, or ends with it as its last word."""
    if not term.values:
        return f"{column} <> ''", []
    if term.operator == "~":
        return _text(column, term, term.values)
    listed = f"string_split({column}, ', ')"
    exact = _any(f"list_contains({listed}, ?)", term.values)
    bare = [value for value in term.values if " " not in value]
    if not bare:
        return exact
    last_word = f"list_transform({listed}, lambda v: list_last(string_split(v, ' ')))"
    sql, values = _any(f"list_contains({last_word}, ?)", bare)
    return f"({exact[0]} OR {sql})", [*exact[1], *values]


def _level(column: str, term: Term) -> Condition:
    lowest = [LEVELS[value.lower()] for value in term.values]
    if term.operator == "=":
        return _any(f"({column} >= ? AND {column} < ? + {_WIDTH})", [x for low in lowest for x in (low, low)], each=2)
    above = term.operator in {">", "<="}  # the levels have a width
    operator = {">": ">=", "<=": "<"}.get(term.operator, term.operator)
    return f"{column} {operator} ?", [lowest[0] + _WIDTH * above]


def _any(sql: str, values: Sequence[Any], each: int = 1) -> Condition:
    return "(" + " OR ".join([sql] * (len(values) // each)) + ")", list(values)


def _span_has(term: Term) -> Condition:
    """That a span or a log record has an attribute, or its resource has; whatever the sign of the term."""
    sql, values = _attribute("attributes", _positive(term))
    return (
        f"({sql} OR resource_id IN (SELECT resource_id FROM resources WHERE {sql}))",  # noqa: S608 (our names)
        [*values, *values],
    )


def _attribute(column: str, term: Term) -> Condition:
    """That a JSON object has a key with a matching value: as text, or, where there is an order, as a number.

    Texts without the key or the value are passed over first: to look for characters is quicker than to parse.
    """
    sought = [*(term.values if term.operator == "=" and len(term.values) == 1 else ()), f'"{term.key}":']
    first: list[Condition] = [(f"contains({column}, ?)", [text]) for text in sought if _AS_IN_JSON.fullmatch(text)]
    return all_of([*first, _parsed(column, term)])


def _parsed(column: str, term: Term) -> Condition:
    text = f"json_extract_string({column}, ?)"
    path = json_path(term.key)
    if not term.values:
        return f"{text} IS NOT NULL", [path]
    if term.operator == "~":
        parts = [f"contains(lower({text}), lower(?))"] * len(term.values)
        return f"({' OR '.join(parts)})", [item for value in term.values for item in (path, value)]
    if term.operator == "=":
        return f"list_contains(?::VARCHAR[], {text})", [_texts(term.values), path]
    number = f"try_cast({text} AS DOUBLE)"
    return f"(isfinite({number}) AND {number} {term.operator} ?)", [path, path, number_of(term.values[0], term)]


def _texts(values: Sequence[str]) -> list[str]:
    """The values as texts of JSON: a whole number may be stored as a double, which has a point."""
    return [text for value in values for text in ((value, f"{value}.0") if value.lstrip("-").isdigit() else (value,))]
