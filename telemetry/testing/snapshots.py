"""Shows recorded spans with their attributes, events and links as text, and compares that with the expected text.

The text leaves out what differs from run to run: ids (a link shows the name of its span, if that was recorded), times,
and stack traces. `syrupy` and `inline-snapshot` need no adapter: `assert spans.snapshot() == snapshot`. `SnapshotFile`,
the only part that they would replace, is 25 lines without a dependency for tests that have neither.
"""

import difflib
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

_NEVER_SHOWN: Final = frozenset({"exception.stacktrace"})
OPTION: Final = "--update-span-snapshots"


def heading(span: ReadableSpan) -> str:
    """Return a span's name, its kind unless it is internal, and `!` with the message if it failed."""
    words = [span.name]
    if span.kind is not SpanKind.INTERNAL:
        words.append(span.kind.name)
    if span.status.status_code is StatusCode.ERROR:
        words.append(f"! {span.status.description or ''}".rstrip())
    return " ".join(words)


def details(span: ReadableSpan, names: Mapping[int, str], without: Collection[str]) -> Iterator[str]:
    """Yield a line for each attribute, event and link of a span.

    Arguments: `names` of the recorded spans by their ids; `without`, the attributes whose value is shown as `…`.
    """
    yield from (f"{name} = {value}" for name, value in _shown(span.attributes, without))
    for event in span.events:
        inside = ", ".join(f"{name} = {value}" for name, value in _shown(event.attributes, without))
        yield f"event {event.name}: {inside}".removesuffix(": ")
    for link in span.links:
        inside = ", ".join(f"{name} = {value}" for name, value in _shown(link.attributes, without))
        yield f"link to {names.get(link.context.span_id, 'a span that is not recorded')}: {inside}".removesuffix(": ")


def _shown(attributes: Mapping[str, AttributeValue] | None, without: Collection[str]) -> list[tuple[str, str]]:
    kept = sorted((n, v) for n, v in (attributes or {}).items() if n not in _NEVER_SHOWN)
    return [(name, "…" if name in without else _value(value)) for name, value in kept]


def _value(value: Any) -> str:
    return str(list(value)) if isinstance(value, tuple) else repr(value)


def assert_equal(actual: str, expected: str) -> None:
    """Fail with a diff if two texts differ; the expected one may be indented as a whole."""
    wanted = textwrap.dedent(expected).strip("\n")
    if actual != wanted:
        raise AssertionError("the spans differ (- expected, + recorded):\n" + _diff(wanted, actual))


class SnapshotFile:
    """The text that a test expects, in a file beside it."""

    def __init__(self, test_file: Path, test_name: str, *, update: bool) -> None:
        plain = re.sub(r"[^\w.-]+", "_", test_name).strip("_")
        self.path = test_file.parent / "__snapshots__" / test_file.stem / f"{plain}.txt"
        self._update = update

    def compare(self, actual: str) -> None:
        """Fail with a diff if `actual` differs from the file; with `--update-span-snapshots`, write the file."""
        if self._update:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(actual + "\n", "utf-8")
            return
        if not self.path.exists():
            raise AssertionError(f"the snapshot {self.path} is missing; run pytest with {OPTION}, and check the file")
        expected = self.path.read_text("utf-8").removesuffix("\n")
        if actual != expected:
            raise AssertionError(
                f"the spans differ from {self.path} (- expected, + recorded):\n{_diff(expected, actual)}\n"
                f"If the recorded ones are right, run pytest with {OPTION}."
            )


def _diff(expected: str, actual: str) -> str:
    lines: Iterable[str] = difflib.unified_diff(expected.splitlines(), actual.splitlines(), lineterm="", n=100)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))
