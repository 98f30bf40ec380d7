"""Draws one trace as a tree.

Each meaning has a character and a colour, so that nothing is lost without colours: a dot and a heavy bar are the
critical path, a light bar is off it, a cross is an error, a small dot is a log record.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from collector.local.render import logs as render_logs
from collector.local.render import rows as render_rows
from collector.local.render import span as render_span
from collector.local.render.text import clean, fit, glyphs_for, wrap
from collector.local.render.tree import Guides, guides
from collector.local.render.units import UNKNOWN, attribute, duration, percent
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
_FOR_SERVICE, _FOR_SELF = 60, 72
"""The width from which a column is shown."""


def render_trace(trace: Json, console: Console, max_spans: int | None = MAX_SPANS) -> list[Text]:
    """The trace as lines, each at most as wide as the console.

    Args:
        trace: the JSON of one trace.
        console: determines width, encoding and colours.
        max_spans: spans at most, and as many log records; None: all.
    """
    picture = _Picture(trace, console, max_spans)
    return [*picture.header(), Text(), picture.titles(), *picture.rows(), *picture.footer()]


@dataclass(frozen=True)
class _Layout:
    """Cells of each column, 0 if it is not shown, and of each level of the tree."""

    name: int
    service: int
    own: int
    bar: int
    indent: int
    gap: str

    @classmethod
    def of(cls, spans: Sequence[Json], width: int) -> "_Layout":
        gap = "  " if width >= 100 else " "
        service = min(_MAX_SERVICE if width >= 100 else 14, max(7, *(cell_len(str(s["service"])) for s in spans)))
        service = service if width >= _FOR_SERVICE else 0
        own = _TIME if width >= _FOR_SELF else 0
        columns = [column for column in (service, _TIME, own) if column]
        free = width - 2 - sum(columns) - (len(columns) + 1) * len(gap)
        room = free - min(max(_MIN_BAR, free // 3), free // 2)
        wanted = {indent: max(s["depth"] * indent + cell_len(str(s["name"])) for s in spans) for indent in (2, 1)}
        indent = 2 if wanted[2] <= room else 1
        name = max(min(16, room), min(wanted[indent], room))
        return cls(name, service, own, free - name, indent, gap)

    @property
    def before_bar(self) -> int:
        """Cells of all columns before the bar, without the mark."""
        columns = [column for column in (self.name, self.service, _TIME, self.own) if column]
        return sum(columns) + (len(columns) - 1) * len(self.gap)


class _Picture:
    def __init__(self, trace: Json, console: Console, max_spans: int | None) -> None:
        self._trace = trace
        self._all: Sequence[Json] = trace["spans"]
        self._spans = self._all[:max_spans]
        self._logs: Sequence[Json] = trace["logs"][:max_spans]
        self._width = console.width
        self._encoding = console.encoding
        self._glyphs = glyphs_for(console)
        self._layout = _Layout.of(self._spans, console.width)
        self._colours = {service: PALETTE[i % len(PALETTE)] for i, service in enumerate(trace["services"])}

    def header(self) -> Iterator[Text]:
        root, g = self._all[0], self._glyphs
        failed = sum(span["status"] == "error" for span in self._all)
        services = len(self._trace["services"])
        is_open = any(not span["end_unix_ns"] for span in self._all)
        facts = [
            self._lasted() + " so far" * is_open,
            f"{len(self._all)} span{'s' * (len(self._all) != 1)}",
            f"{services} service{'s' * (services != 1)}",
        ]
        errors = f"{g.error} {failed} error{'s' * (failed != 1)}" if failed else ""
        summary, name = f" {g.separator} ".join(facts), self._clean(root["name"])
        room = self._width - cell_len(summary) - 2 - (cell_len(errors) + 2) * bool(errors)
        if room >= min(16, cell_len(name)):
            shown = name if cell_len(name) <= room else fit(name, room, g)
            yield Text.assemble((shown, "bold"), f"  {summary}", (f"  {errors}" * bool(errors), "bold red"))
        else:
            yield Text(name if cell_len(name) <= self._width else fit(name, self._width, g), "bold")
            yield from (Text(line) for line in wrap(summary.split(" "), self._width, g))
            if errors:
                yield Text(errors, "bold red")
        yield from (Text(line, "dim") for line in self._identity(root))
        for sentence in render_rows.faults(self._trace):
            yield from (Text(line, "yellow") for line in wrap(sentence.split(" "), self._width, g))

    def _identity(self, root: Json) -> Iterator[str]:
        ended = "ended " * (not root["start_unix_ns"])
        known = root["start_unix_ns"] or root["end_unix_ns"]
        moment = datetime.fromtimestamp(known // 10**9, UTC)
        parts = [f"{ended}{moment:%Y-%m-%d %H:%M:%S} UTC" if known else "start is not known"]
        baggage = [name.name for name in BAGGAGE if name.name in root["attributes"]]
        parts += [f"{name}={self._clean(attribute(root['attributes'][name]))}" for name in baggage]
        text = f"trace {self._trace['trace_id']}"
        for part in parts:
            if cell_len(text) + cell_len(part) + 3 <= self._width:
                text += f" {self._glyphs.separator} {part}"
            elif part is parts[0]:  # the time is always shown
                yield text
                text = part
        yield text

    def _lasted(self) -> str:
        """The duration of the trace; `UNKNOWN` if no span has a known duration."""
        took: int = self._trace["duration_ns"]
        is_unknown = not took and any(span["end_unix_ns"] and render_span.unfinished(span) for span in self._all)
        return UNKNOWN if is_unknown else duration(took, self._glyphs.micro)

    def titles(self) -> Text:
        layout = self._layout
        total = self._lasted()
        columns = ["  " + "span".ljust(layout.name)]
        columns += ["service".ljust(layout.service)] * bool(layout.service)
        columns += ["time".rjust(_TIME)] + ["self".rjust(_TIME)] * bool(layout.own)
        return Text(layout.gap.join([*columns, f"0{total.rjust(layout.bar - 1)}"]), "dim")

    def rows(self) -> Iterator[Text]:
        rows = render_rows.rows(self._spans, self._logs)
        drawn = guides([row.depth for row in rows], self._glyphs, self._layout.indent, self._layout.name // 2)
        failures, statuses = render_span.failures(self._spans), render_span.rpc_statuses(self._spans)
        around: list[str] = []  # the services of the spans above
        for row, guide in zip(rows, drawn, strict=True):
            if row.log is not None:
                yield self._log(row.log, guide)
                continue
            assert row.span is not None  # noqa: S101 (a row is one or the other)
            span = self._spans[row.span]
            yield self._row(span, guide)
            del around[row.depth :]
            if not self._layout.service and around[-1:] != [span["service"]]:
                yield from self._wrapped([f"in {self._clean(span['service'])}"], guide, self._colour(span))
            around.append(span["service"])
            yield from self._details(span, failures[row.span], statuses[row.span], guide)
        yield from self._left()

    def _left(self) -> Iterator[Text]:
        """How many spans and records are not shown, and how to see them."""
        g = self._glyphs
        if left := len(self._all) - len(self._spans):
            yield Text(f"  {g.ellipsis} {left} more spans; --all shows them", "dim")
        if left := self._trace["log_count"] - len(self._logs):
            more = f"  {g.ellipsis} {left} more log records: telemetry logs --trace {self._trace['trace_id'][:8]}"
            yield from (Text(line, "dim") for line in wrap(more.split(" "), self._width, g))

    def _row(self, span: Json, guide: Guides) -> Text:
        layout, g = self._layout, self._glyphs
        failed, critical, colour = span["status"] == "error", span["critical_ns"] > 0, self._colour(span)
        cross = f"{g.error} " if failed else ""
        name = fit(cross + self._clean(span["name"]), layout.name - cell_len(guide.row), g)
        gap = layout.gap
        unknown = render_span.unfinished(span)
        took = ("open" if not span["end_unix_ns"] else UNKNOWN) if unknown else duration(span["duration_ns"], g.micro)
        own = "" if unknown else duration(span["self_ns"], g.micro)
        return Text.assemble(
            (f"{g.critical} " if critical else "  ", f"bold {colour}"),
            (guide.row, "dim"),
            (name, "bold red" if failed else "bold" if critical else ""),
            ((gap + fit(self._clean(span["service"]), layout.service, g)) * bool(layout.service), colour),
            (gap + took.rjust(_TIME), "yellow" if unknown else "bold" if critical else ""),
            ((gap + own.rjust(_TIME)) * bool(layout.own) + gap, "dim"),
            *self._bar(span, colour),
        )

    def _log(self, record: Json, guide: Guides) -> Text:
        """A record, and a dot in the bar at its time."""
        layout, g = self._layout, self._glyphs
        text, style = render_logs.line(record, self._encoding)
        room = layout.before_bar - cell_len(guide.row) - 2
        place = self._halves(max(0, record["offset_ns"]), 0).start // 2
        return Text.assemble(
            "  ",
            (guide.row, "dim"),
            (f"{g.event} ", style or "dim"),
            (fit(text, room, g), style or "dim"),
            layout.gap + " " * place,
            (g.event, style or "dim"),
        )

    def _bar(self, span: Json, colour: str) -> Iterator[tuple[str, str]]:
        """The span's interval in the trace: heavy where the span itself is on the critical path."""
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
        if unfinished := render_span.unfinished(span):
            yield from self._wrapped(unfinished.split(" "), guide, "yellow")
        if failure:
            yield from self._wrapped(f"{self._glyphs.error} {self._clean(failure)}".split(" "), guide, "red")
        found = render_span.attributes(span, self._glyphs, self._encoding, blamed=bool(failure))
        words = [self._clean(status)] * bool(status) + found
        if words:
            yield from self._wrapped(words, guide, "dim")
        linked = render_span.links(span, self._glyphs, self._encoding)
        if linked:
            yield from self._wrapped(linked.split(" "), guide, "dim")

    def _wrapped(self, words: Sequence[str], guide: Guides, style: str) -> Iterator[Text]:
        """Words in at most `_DETAIL_LINES` lines, then an ellipsis."""
        before = "  " + guide.beneath
        lines = wrap(words, self._width - cell_len(before), self._glyphs)
        if len(lines) > _DETAIL_LINES:
            room = self._width - cell_len(before)
            lines = [*lines[: _DETAIL_LINES - 1], fit(" ".join(lines[_DETAIL_LINES - 1 :]), room, self._glyphs)]
        for line in lines:
            yield Text.assemble((before, "dim"), (line.rstrip(), style))

    def footer(self) -> Iterator[Text]:
        """Where the time went: the operations on the critical path, longest first."""
        g, total = self._glyphs, sum(span["critical_ns"] for span in self._all)
        if not total:
            return
        by_name: dict[tuple[str, str], int] = {}
        for span in self._all:
            if not span["critical_ns"]:
                continue
            key = (span["service"], span["name"])
            by_name[key] = by_name.get(key, 0) + span["critical_ns"]
        text = Text.assemble((f"{g.critical} ", "bold"), ("waited for", "dim"))
        for position, ((service, name), nanoseconds) in enumerate(
            sorted(by_name.items(), key=lambda item: -item[1])[:4]
        ):
            shown, share = self._clean(name), f" {duration(nanoseconds, g.micro)} ({percent(nanoseconds / total)})"
            room = self._width - text.cell_len - cell_len(share) - 1
            if position and cell_len(shown) + 1 > room:
                break
            shown = shown if cell_len(shown) <= room else fit(shown, room, g)
            text.append(", " if position else " ", "dim").append(shown, self._colours[service]).append(share, "dim")
        yield Text()
        yield text

    def _colour(self, span: Json) -> str:
        return self._colours[span["service"]]

    def _clean(self, text: Any) -> str:
        return clean(text, self._encoding)
