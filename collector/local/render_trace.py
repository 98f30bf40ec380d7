"""One trace as a tree that a person wants to look at.

In: the JSON of a trace (as the API gives it), a console. Out: lines of styled text. State: none.

Every meaning has a sign as well as a colour, so that nothing is lost without colours: a dot and a heavy bar are the
critical path, a light bar is beside it, a cross is an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from collector.local import render_span
from collector.local.render_text import Glyphs, clean, fit, glyphs_for
from collector.local.render_tree import Guides, guides
from collector.local.render_units import attribute, duration, percent
from telemetry.conventions import BAGGAGE

Json = Mapping[str, Any]

PALETTE = (
    "cyan",
    "green",
    "magenta",
    "yellow",
    "blue",
    "bright_cyan",
    "bright_green",
    "bright_magenta",
    "bright_yellow",
)
MAX_SPANS = 500
_TIME, _MIN_BAR, _MAX_SERVICE, _DETAIL_LINES = 7, 12, 18, 3


def render_trace(trace: Json, console: Console, max_spans: int | None = MAX_SPANS) -> list[Text]:
    """The trace as lines, each at most as wide as the console.

    Args:
        trace: the JSON of one trace.
        console: where the lines will be printed: its width, encoding and colours count.
        max_spans: rows at most; None: all.
    """
    picture = _Picture(trace, console, max_spans)
    return [*picture.header(), Text(), picture.titles(), *picture.rows(), Text(), *picture.footer()]


@dataclass(frozen=True)
class _Layout:
    """Cells of each column, and of each level of the tree."""

    name: int
    service: int
    bar: int
    indent: int
    gap: str

    @classmethod
    def of(cls, spans: Sequence[Json], width: int) -> "_Layout":
        service = min(_MAX_SERVICE if width >= 100 else 14, max(7, *(cell_len(str(s["service"])) for s in spans)))
        gap = "  " if width >= 100 else " "
        free = width - 2 - service - 2 * _TIME - 4 * len(gap)
        room = free - max(_MIN_BAR, free // 3)
        wanted = {indent: max(s["depth"] * indent + cell_len(str(s["name"])) for s in spans) for indent in (2, 1)}
        indent = 2 if wanted[2] <= room else 1
        name = max(16, min(wanted[indent], room))
        return cls(name, service, free - name, indent, gap)


class _Picture:
    def __init__(self, trace: Json, console: Console, max_spans: int | None) -> None:
        self._trace = trace
        self._all: Sequence[Json] = trace["spans"]
        self._spans = self._all[:max_spans]
        self._width = console.width
        self._encoding = console.encoding
        self._glyphs = glyphs_for(console)
        self._layout = _Layout.of(self._spans, console.width)
        self._colours = {service: PALETTE[i % len(PALETTE)] for i, service in enumerate(trace["services"])}

    def header(self) -> Iterator[Text]:
        root, g = self._all[0], self._glyphs
        failed = sum(span["status"] == "error" for span in self._all)
        services = len(self._trace["services"])
        facts = [
            duration(self._trace["duration_ns"], g.micro),
            f"{len(self._all)} span{'s' * (len(self._all) != 1)}",
            f"{services} service{'s' * (services != 1)}",
        ]
        errors = f"  {g.error} {failed} error{'s' * (failed != 1)}" if failed else ""
        facts_text = f"  {f' {g.separator} '.join(facts)}"
        name = self._clean(root["name"])
        room = self._width - cell_len(facts_text) - cell_len(errors)
        shown = name if cell_len(name) <= room else fit(name, room, g)
        yield Text.assemble((shown, "bold"), facts_text, (errors, "bold red"))
        yield Text(self._identity(root), "dim", no_wrap=True, overflow="ellipsis")
        for warning in self._warnings():
            yield Text(warning, "yellow")

    def _identity(self, root: Json) -> str:
        began = datetime.fromtimestamp(root["start_unix_ns"] // 10**9, UTC)
        parts = [f"trace {self._trace['trace_id']}", f"{began:%Y-%m-%d %H:%M:%S} UTC"]
        baggage = [name.name for name in BAGGAGE if name.name in root["attributes"]]
        parts += [f"{name}={self._clean(attribute(root['attributes'][name]))}" for name in baggage]
        text = parts[0]
        for part in parts[1:]:
            if cell_len(text) + cell_len(part) + 3 <= self._width:
                text += f" {self._glyphs.separator} {part}"
        return text

    def _warnings(self) -> Iterator[str]:
        orphans = sum(span["depth"] == 0 and span["parent_span_id"] is not None for span in self._all)
        if self._trace.get("complete") is False:
            yield "Not complete yet: some spans have not arrived."
        if orphans:
            yield (
                "1 span names a parent that is not here."
                if orphans == 1
                else (f"{orphans} spans name parents that are not here.")
            )

    def titles(self) -> Text:
        layout = self._layout
        total = duration(self._trace["duration_ns"], self._glyphs.micro)
        scale = "0" + total.rjust(layout.bar - 1)
        gap = layout.gap
        columns = [
            "  " + "span".ljust(layout.name),
            "service".ljust(layout.service),
            "time".rjust(_TIME),
            "self".rjust(_TIME),
        ]
        return Text(gap.join([*columns, scale]), "dim")

    def rows(self) -> Iterator[Text]:
        depths = [span["depth"] for span in self._spans]
        drawn = guides(depths, self._glyphs, self._layout.indent, self._layout.name // 2)
        failures, statuses = render_span.failures(self._spans), render_span.rpc_statuses(self._spans)
        for span, failure, status, guide in zip(self._spans, failures, statuses, drawn, strict=True):
            yield self._row(span, guide)
            yield from self._details(span, failure, status, guide)
        left = len(self._all) - len(self._spans)
        if left:
            yield Text(f"  {self._glyphs.ellipsis} {left} more spans; --all shows them", "dim")

    def _row(self, span: Json, guide: Guides) -> Text:
        layout, g = self._layout, self._glyphs
        failed, critical, colour = span["status"] == "error", span["critical_ns"] > 0, self._colours[span["service"]]
        cross = f"{g.error} " if failed else ""
        name = fit(cross + self._clean(span["name"]), layout.name - cell_len(guide.row), g)
        gap = layout.gap
        return Text.assemble(
            (f"{g.critical} " if critical else "  ", f"bold {colour}"),
            (guide.row, "dim"),
            (name, "bold red" if failed else "bold" if critical else ""),
            (gap + fit(self._clean(span["service"]), layout.service, g), colour),
            (gap + duration(span["duration_ns"], g.micro).rjust(_TIME), "bold" if critical else ""),
            (gap + duration(span["self_ns"], g.micro).rjust(_TIME) + gap, "dim"),
            *self._bar(span, colour),
        )

    def _bar(self, span: Json, colour: str) -> Iterator[tuple[str, str]]:
        """The span's place in the trace: heavy where the end of the trace was waiting for the span itself."""
        colour = "red" if span["status"] == "error" else colour
        here = self._halves(span["offset_ns"], span["duration_ns"])
        critical = {half for offset, length in span["critical_parts"] for half in self._halves(offset, length)}
        for cell in range(here.stop // 2 + here.stop % 2):
            left, right = 2 * cell, 2 * cell + 1
            heavy = left in critical or right in critical
            signs = self._glyphs.bar if heavy else self._glyphs.thin
            sign = signs[0] if left in here and right in here else signs[1] if right in here else signs[2]
            yield sign if left in here or right in here else " ", f"bold {colour}" if heavy else colour

    def _halves(self, offset_ns: int, duration_ns: int) -> range:
        """The half cells that an interval covers; at least one."""
        halves, total = self._layout.bar * 2, max(1, self._trace["duration_ns"])
        first = min(halves - 1, offset_ns * halves // total)
        return range(first, max(first + 1, -(-(offset_ns + duration_ns) * halves // total)))

    def _details(self, span: Json, failure: str, status: str, guide: Guides) -> Iterator[Text]:
        if failure:
            yield from self._wrapped(f"{self._glyphs.error} {self._clean(failure)}".split(" "), guide, "red")
        found = render_span.attributes(span, self._glyphs, self._encoding, blamed=bool(failure))
        told = [self._clean(status)] * bool(status) + found
        if told:
            yield from self._wrapped(told, guide, "dim")
        linked = render_span.links(span, self._glyphs, self._encoding)
        if linked:
            yield from self._wrapped(linked.split(" "), guide, "dim")

    def _wrapped(self, words: Sequence[str], guide: Guides, style: str) -> Iterator[Text]:
        """Words in as many lines as it takes, up to a few; then an ellipsis."""
        before = "  " + guide.beneath
        lines = _wrap(words, self._width - cell_len(before), self._glyphs)
        if len(lines) > _DETAIL_LINES:
            room = self._width - cell_len(before)
            lines = [*lines[: _DETAIL_LINES - 1], fit(" ".join(lines[_DETAIL_LINES - 1 :]), room, self._glyphs)]
        for line in lines:
            yield Text.assemble((before, "dim"), (line.rstrip(), style))

    def footer(self) -> Iterator[Text]:
        """Where the time went: the spans that the end of the trace was waiting for, longest first."""
        g, total = self._glyphs, max(1, sum(span["critical_ns"] for span in self._all))
        by_name: dict[tuple[str, str], int] = {}
        for span in self._all:
            key = (span["service"], span["name"])
            by_name[key] = by_name.get(key, 0) + span["critical_ns"]
        text = Text.assemble((f"{g.critical} ", "bold"), ("waited for", "dim"))
        for position, ((service, name), nanoseconds) in enumerate(
            sorted(by_name.items(), key=lambda item: -item[1])[:4]
        ):
            shown, share = self._clean(name), f" {duration(nanoseconds, g.micro)} ({percent(nanoseconds / total)})"
            if position and text.cell_len + cell_len(shown + share) + 2 > self._width:
                break
            text.append(", " if position else " ", "dim").append(shown, self._colours[service]).append(share, "dim")
        yield text

    def _clean(self, text: Any) -> str:
        return clean(text, self._encoding)


def _wrap(words: Sequence[str], width: int, glyphs: Glyphs) -> list[str]:
    lines: list[str] = []
    for whole in words:
        word = whole if cell_len(whole) <= width else fit(whole, width, glyphs)
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
