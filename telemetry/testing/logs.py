"""The log records of a test, as they would be exported."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log record, with its trace id and span id (0 outside of a span)."""

    message: str
    level: str
    logger: str
    trace_id: int
    span_id: int
    attributes: Mapping[str, Any]


class Logs:
    """The value of the fixture `logs`: the records that pass their logger's level, in order."""

    def __init__(self) -> None:
        self._lines: list[LogLine] = []

    def __iter__(self) -> Iterator[LogLine]:
        return iter(tuple(self._lines))

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        return "<logs\n" + "\n".join(f"{line.level} {line.logger}: {line.message}" for line in self) + ">"

    @property
    def messages(self) -> list[str]:
        """The messages of all records."""
        return [line.message for line in self]

    def of(self, span: ReadableSpan) -> list[LogLine]:
        """Return the records of this span."""
        return [line for line in self if span.context and line.span_id == span.context.span_id]

    def in_trace(self, span: ReadableSpan) -> list[LogLine]:
        """Return the records of the trace of this span."""
        return [line for line in self if span.context and line.trace_id == span.context.trace_id]

    def one(self, text: str) -> LogLine:
        """Return the only record whose message contains `text`; fail if there is not exactly one."""
        found = [line for line in self if text in line.message]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} records contain {text!r}:\n{self!r}")
        return found[0]

    def add(self, line: LogLine) -> None:
        """Add a record."""
        self._lines.append(line)
