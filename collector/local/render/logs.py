"""Draws log records as lines of styled text, in the order of their time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.cells import chop_cells
from rich.console import Console
from rich.text import Text

from collector.local.api.as_json import dumps
from collector.local.query.language.fields import LEVELS
from collector.local.render.span import attributes
from collector.local.render.text import clean, fit, glyphs_for, wrap
from collector.local.render.units import clock

Json = Mapping[str, Any]
STYLES = {"trace": "dim", "debug": "dim", "info": "", "warn": "yellow", "error": "red", "fatal": "bold red"}
_NARROW, _SERVICE, _LEVEL, _STACK_LINES, _BODY_LINES = 64, 14, 5, 12, 20


def moment(record: Json) -> int:
    """Its time; else the time of its observation. Unix nanoseconds."""
    return int(record["time_unix_ns"] or record["observed_unix_ns"])


def level(record: Json) -> tuple[str, str]:
    """The name of its severity, in at most five letters, and its style."""
    number = record["severity_number"]
    text = str(record["severity_text"]).lower()
    if number <= 0:
        known = next((name for name in LEVELS if text.startswith(name[:3])), "fatal" if text.startswith("crit") else "")
        return known or text[:_LEVEL], STYLES.get(known, "")
    known = [name for name, least in LEVELS.items() if number >= least][-1]
    return known, STYLES[known]


def body(record: Json) -> str:
    """Its text, or its value as JSON, after the name of an event."""
    value = record["body"]
    text = value if isinstance(value, str) else "" if value is None else dumps(value)
    return " ".join(part for part in (str(record["event_name"]), text) if part)


def failure(record: Json) -> str:
    """The exception that was logged with it, as type and message."""
    of = record["attributes"]
    parts = (str(of.get(name, "")) for name in ("exception.type", "exception.message"))
    return ": ".join(part for part in parts if part)


class LogLines:
    """Draws records, page after page; keeps the last day printed.

    Args:
        console: determines width, encoding and colours.
        of_one_trace: leave out the trace ids.
    """

    def __init__(self, console: Console, *, of_one_trace: bool = False) -> None:
        self._console = console
        self._glyphs = glyphs_for(console)
        self._shows_trace = not of_one_trace
        self._day = ""
        self._is_narrow = console.width < _NARROW
        before = 12 + 1 + _LEVEL + 1 + (0 if self._is_narrow else _SERVICE + 1)
        self._indent = 2 if self._is_narrow else before

    def draw(self, records: Sequence[Json]) -> Iterator[Text]:
        """The lines of records, oldest first."""
        for record in records:
            yield from self._day_of(record)
            yield from self._record(record)

    def _day_of(self, record: Json) -> Iterator[Text]:
        day = f"{datetime.fromtimestamp(moment(record) // 10**9, UTC):%Y-%m-%d} UTC"
        if day != self._day:
            self._day = day
            yield Text(day, "dim")

    def _record(self, record: Json) -> Iterator[Text]:
        name, style = level(record)
        service, width = self._clean(record["service"]), self._console.width - self._indent
        head = Text.assemble(
            (clock(moment(record), millis=True), "dim"), " ", (name.upper().ljust(_LEVEL), f"bold {style}".strip()), " "
        )
        lines = [Text(line, style) for line in self._lines(body(record), width, _BODY_LINES)] or [Text()]
        lines += [Text(line, "dim") for line in self._notes(record, width)]
        if failed := failure(record):
            lines += [Text(line, "red") for line in self._lines(f"{self._glyphs.error} {failed}", width, 3)]
        stack = str(record["attributes"].get("exception.stacktrace", "")).rstrip().splitlines()
        lines += [Text(line, "dim") for line in self._stack(stack, width)]
        if self._is_narrow:
            yield Text.assemble(head, (fit(service, max(0, self._console.width - head.cell_len), self._glyphs), "dim"))
        else:
            head.append(fit(service, _SERVICE, self._glyphs) + " ", "dim")
            yield Text.assemble(head, lines.pop(0))
        for line in lines:
            if line.plain:
                yield Text.assemble(" " * self._indent, line)

    def _notes(self, record: Json, width: int) -> list[str]:
        """Its attributes, and its trace id."""
        known = {"attributes": {k: v for k, v in record["attributes"].items() if not k.startswith("exception.")}}
        words = attributes(known, self._glyphs, self._console.encoding, blamed=False)
        if self._shows_trace and record["trace_id"]:
            words.append(f"trace={self._clean(record['trace_id'])[:8]}")
        return wrap(words, width, self._glyphs)

    def _stack(self, lines: Sequence[str], width: int) -> Iterator[str]:
        """The end of a stack trace, where the exception was raised."""
        left = len(lines) - _STACK_LINES
        if left > 0:
            yield f"{self._glyphs.ellipsis} {left} more lines: --json"
        for line in lines[-_STACK_LINES:]:
            yield fit(self._clean(line), width, self._glyphs).rstrip()

    def _lines(self, text: str, width: int, most: int) -> list[str]:
        """Text with its line breaks, wrapped."""
        words = (
            [piece for word in self._clean(part).split(" ") for piece in chop_cells(word, width) or [""]]
            for part in text.splitlines()
        )
        found = [line for of_line in words for line in wrap(of_line, width, self._glyphs)]
        return found if len(found) <= most else [*found[: most - 1], f"{self._glyphs.ellipsis} more: --json"]

    def _clean(self, text: Any) -> str:
        return clean(text, self._console.encoding)


def line(record: Json, encoding: str) -> tuple[str, str]:
    """A record in one line, for a trace, and its style."""
    name, style = level(record)
    text = body(record) or failure(record)
    shown = f"{name.upper()} " if name and name != "info" else ""
    return shown + clean(text, encoding), style
