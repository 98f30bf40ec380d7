"""The log records of a test, as they would be exported.

In: OpenTelemetry log records, on any thread. Out: what a test asserts. State: the records, owned by one test.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record of `logging`, with the trace and the span it was made in (0 outside any)."""

    message: str
    level: str
    logger: str
    trace_id: int
    span_id: int
    attributes: Mapping[str, Any]


class Logs:
    """What the fixture `logs` gives: the records that pass their logger's level, in the order in which they came."""

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
        """The texts of all records."""
        return [line.message for line in self]

    def of(self, span: ReadableSpan) -> list[LogLine]:
        """Return the records made in this span."""
        return [line for line in self if span.context and line.span_id == span.context.span_id]

    def in_trace(self, span: ReadableSpan) -> list[LogLine]:
        """Return the records made anywhere in the trace of this span."""
        return [line for line in self if span.context and line.trace_id == span.context.trace_id]

    def one(self, text: str) -> LogLine:
        """Return the only record whose message holds `text`."""
        found = [line for line in self if text in line.message]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} records hold {text!r}:\n{self!r}")
        return found[0]

    def add(self, line: LogLine) -> None:
        """Note a record."""
        self._lines.append(line)
