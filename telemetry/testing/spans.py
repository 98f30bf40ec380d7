"""The spans of a test, and their tree."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from telemetry.errors import TelemetryError
from telemetry.testing import snapshots
from telemetry.testing.clock import TestClock


class Spans:
    """The value of the fixture `spans`: the ended spans, in the order in which they ended."""

    def __init__(self, file: snapshots.SnapshotFile | None = None) -> None:
        self.clock = TestClock()
        self._file = file
        self._ended: list[ReadableSpan] = []
        self._open: dict[int, str] = {}
        self._changed = threading.Condition()  # guards the two above

    def __iter__(self) -> Iterator[ReadableSpan]:
        with self._changed:
            return iter(tuple(self._ended))

    def __len__(self) -> int:
        return len(self._ended)

    def __repr__(self) -> str:
        return f"<spans\n{self.tree(status=True)}>"

    @property
    def open(self) -> list[str]:
        """Names of the spans that have not ended."""
        with self._changed:
            return list(self._open.values())

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the spans of this name."""
        return [span for span in self if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """Return the only span of this name; fail if there is not exactly one."""
        found = self.named(name)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} spans are named {name!r}:\n{self.tree(status=True)}")
        return found[0]

    def wait(self, count: int, timeout: float = 10.0) -> None:
        """Wait, at most `timeout` seconds, until `count` spans have ended, for example in other threads."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._ended) >= count, timeout):
                raise AssertionError(f"{len(self._ended)} of {count} spans ended; still open: {self.open}")

    def clear(self) -> None:
        """Forget the spans that have ended."""
        with self._changed:
            self._ended.clear()

    def tree(self, *, status: bool = False, attributes: Sequence[str] = ()) -> str:
        """Return the traces as trees, one line per span, in the order in which they started.

        Arguments: `status` marks failed spans with `!` and the types of their exception events; `attributes` are shown
        as `name=value` on spans that have them.
        """
        return self._draw(lambda span: [_line(span, status=status, attributes=attributes)])

    def snapshot(self, *, without: Collection[str] = ()) -> str:
        """Return the traces as trees with kind, status, attributes, events and links of each span.

        Ids, times and stack traces are left out, so that the text is the same in every run; the values of attributes
        in `without` (a port, a path) are shown as `…`.
        """
        names = {_id(span): span.name for span in self}
        return self._draw(lambda span: [snapshots.heading(span), *snapshots.details(span, names, without)])

    def assert_tree(self, expected: str, *, status: bool = False, attributes: Sequence[str] = ()) -> None:
        """Fail with a diff if `tree` does not equal `expected`, which may be indented as a whole."""
        snapshots.assert_equal(self.tree(status=status, attributes=attributes), expected)

    def assert_snapshot(self, *, without: Collection[str] = ()) -> None:
        """Fail with a diff if `snapshot` differs from the file `__snapshots__/MODULE/TEST.txt` beside the test.

        pytest's option `--update-span-snapshots` writes the file; without it a missing file is a failure too.
        """
        if self._file is None:
            raise TelemetryError("assert_snapshot() needs the fixture `spans`", "compare `snapshot()` yourself")
        self._file.compare(self.snapshot(without=without))

    def _draw(self, lines_of: Callable[[ReadableSpan], list[str]]) -> str:
        spans = sorted(self, key=lambda span: span.start_time or 0)
        known = {_id(span) for span in spans}
        roots = [span for span in spans if _parent(span) not in known]
        lines: list[str] = []

        def draw(span: ReadableSpan, first: str, rest: str) -> None:
            children = [child for child in spans if _parent(child) == _id(span)]
            heading, *details = lines_of(span)
            lines.append(first + heading)
            lines.extend(f"{rest}{'│' if children else ' '}   {detail}" for detail in details)
            for number, child in enumerate(children):
                last = number == len(children) - 1
                draw(child, rest + ("└ " if last else "├ "), rest + ("  " if last else "│ "))

        for root in roots:
            draw(root, "", "")
        return "\n".join(lines)

    def started(self, span: ReadableSpan) -> None:
        """Add a span that has started."""
        with self._changed:
            self._open[_id(span)] = span.name

    def ended(self, span: ReadableSpan) -> None:
        """Add a span that has ended."""
        with self._changed:
            self._open.pop(_id(span), None)
            self._ended.append(span)
            self._changed.notify_all()


def _line(span: ReadableSpan, *, status: bool, attributes: Sequence[str]) -> str:
    own = span.attributes or {}
    words = [span.name, *(f"{name}={_text(own[name])}" for name in attributes if name in own)]
    if status and span.status.status_code is StatusCode.ERROR:
        types = ((event.attributes or {}).get("exception.type") for event in span.events)
        words += ["!", *(str(kind) for kind in types if kind)]
    return " ".join(words)


def _text(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _id(span: ReadableSpan) -> int:
    return span.context.span_id if span.context else 0


def _parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None
