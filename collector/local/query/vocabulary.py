"""The words that filters may be made of, as the store has them: attributes and values of the latest records."""

from collections.abc import Iterator
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.language.completion import LONGEST
from collector.local.query.language.conditions import json_path
from collector.local.query.language.fields import LOG_FIELDS, TRACE_FIELDS
from collector.local.query.language.terms import Term
from collector.local.query.lookup.numbers import latest
from collector.local.query.lookup.rare import has_value
from telemetry.conventions import ATTRIBUTES

LATEST_TRACES, LATEST_SPANS, LATEST_LOGS, MOST = 2000, 2000, 2000, 200
_TRACES_OF_SPANS = 200

_BRIEF = {attribute.name: attribute.brief for attribute in ATTRIBUTES}
_SPANS = f"""
SELECT service, name, kind, status, attributes FROM span_facts
WHERE trace_no IN (SELECT unnest($numbers::BIGINT[])) LIMIT {LATEST_SPANS}"""  # noqa: S608 (ours)
_LOGS = f"""
SELECT logs.*, 0 AS severity FROM logs ORDER BY ingested_unix_ns DESC LIMIT {LATEST_LOGS}"""  # noqa: S608 (ours)
_KEYS = """
SELECT key, count(*) AS n FROM (
    SELECT left(unnest(json_keys(attributes)), {longest}) AS key FROM ({records})
    UNION ALL SELECT left(unnest(json_keys(attributes)), {longest}) FROM resources
) GROUP BY key ORDER BY n DESC, key LIMIT {most}"""
_OF_COLUMN = """
SELECT left({column}::VARCHAR, {longest}) AS value, count(*) AS n FROM ({records}) WHERE value <> ''
GROUP BY value ORDER BY n DESC, value LIMIT {most}"""
_OF_TRACES = f"""
SELECT value, count(*) AS n FROM (
    SELECT left({{column}}, {{longest}}) AS value
    FROM (SELECT * FROM traces ORDER BY start_unix_ns DESC LIMIT {LATEST_TRACES})
) WHERE value <> '' GROUP BY value ORDER BY n DESC, value LIMIT {{most}}"""  # noqa: S608 (our names)
_OF_ATTRIBUTE = """
SELECT value, count(*) AS n FROM (
    SELECT left(json_extract_string(attributes, $path), {longest}) AS value FROM ({records})
    UNION ALL SELECT left(json_extract_string(attributes, $path), {longest}) FROM resources
) WHERE value <> '' GROUP BY value ORDER BY n DESC, value LIMIT {most}"""


_HAS = """
SELECT 1 FROM ({records}) WHERE json_exists(attributes, $path)
UNION ALL SELECT 1 FROM resources WHERE json_exists(attributes, $path) LIMIT 1"""


class StoredWords:
    """Those of a store, of the latest traces or log records.

    Args:
        connection: to the store.
        of_logs: of log records; else of traces.
    """

    def __init__(self, connection: DuckDBPyConnection, *, of_logs: bool) -> None:
        self._connection = connection
        self._of_logs = of_logs
        self._records = _LOGS if of_logs else _SPANS

    def attributes(self) -> Iterator[tuple[str, str]]:
        """Attributes, the most frequent first."""
        for key, _ in self._ask(_KEYS):
            yield key, _BRIEF.get(key, "attribute")

    def is_attribute(self, term: Term) -> bool:
        """Whether the latest telemetry has an attribute, or an earlier span has it with this value."""
        if self._ask(_HAS, path=json_path(term.key)):
            return True
        is_sought = term.operator == "=" and not self._of_logs
        return is_sought and any(has_value(self._connection, term.key, value) for value in term.values)

    def values(self, key: str) -> Iterator[tuple[str, str]]:
        """Values, the most frequent first."""
        field = (LOG_FIELDS if self._of_logs else TRACE_FIELDS).get(key)
        if field is None:
            found = self._ask(_OF_ATTRIBUTE, path=json_path(key))
        elif field.kind in {"number", "duration", "level"} or field.name in {"trace", "span", "body"}:
            return
        elif self._of_logs or field.of_span:
            found = self._ask(_OF_COLUMN, field.column)
        else:
            column = f"unnest(string_split({field.column}, ', '))" if field.kind == "versions" else field.column
            found = self._connection.execute(
                _OF_TRACES.format(column=column, most=MOST, longest=LONGEST + 1)
            ).fetchall()
        for value, count in found:
            yield str(value), f"{count} of the latest"

    def _ask(self, sql: str, column: str = "", **values: Any) -> list[tuple[Any, ...]]:
        if not self._of_logs:
            values["numbers"] = list(latest(self._connection, "true", [], _TRACES_OF_SPANS)[0])
        sql = sql.format(records=self._records, column=column, most=MOST, longest=LONGEST + 1)
        return self._connection.execute(sql, values or None).fetchall()
