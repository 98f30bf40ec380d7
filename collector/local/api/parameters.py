"""Parses and checks the query string of a request.

An unknown, repeated or invalid parameter is a `QueryError`: a filter with a spelling mistake must not match everything.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from duckdb import DuckDBPyConnection

from collector.local.query import LogFilter, QueryError, TraceFilter, parse_duration, parse_moment
from collector.local.query.language.parser import LOGS, TRACES, Language, parse, unknown
from collector.local.query.language.terms import Term
from collector.local.query.lookup.filters import LATEST
from collector.local.query.once import sum_up_minutes, sum_up_traces
from collector.local.query.overview.asked import Asked
from collector.local.query.overview.who import range_of_store
from collector.local.query.vocabulary import StoredWords
from collector.local.query.waterfall import ShapeCache
from telemetry.errors import did_you_mean

MAX_LIMIT = 10_000
MAX_WAIT_S = 60
REPEATABLE = "attribute"
DEFAULT_RANGE_NS = 3600 * 10**9
Pairs = Iterable[tuple[str, str]]


class Parameters:
    """The parameters of a request."""

    def __init__(
        self,
        pairs: Pairs,
        known: Iterable[str],
        now_unix_ns: int | None = None,
        shapes: ShapeCache | None = None,
        connection: DuckDBPyConnection | None = None,
    ) -> None:
        self.now_unix_ns = now_unix_ns
        """By the collector's clock; None in a store without a collector."""
        self.shapes = shapes or ShapeCache()
        """Those of the server, which keeps them between requests."""
        self._connection = connection
        """To the store that is asked, whose attributes a filter may name."""
        known = tuple(known)
        self._attributes: list[str] = []
        self._values: dict[str, str] = {}
        for name, value in pairs:
            if name not in known:
                raise QueryError("bad_request", f"There is no parameter {name!r}.", _known(known))
            if name == REPEATABLE:
                self._attributes.append(value)
            elif name in self._values:
                raise QueryError("bad_request", f"{name} is given twice.", "Only attribute may be repeated.")
            else:
                self._values[name] = value

    def text(self, name: str) -> str | None:
        """The value; None if it is missing or empty."""
        return self._values.get(name) or None

    def limit(self, default: int) -> int:
        """The number of rows of a page."""
        text = self._values.get("limit", str(default))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIMIT):
            message = f"limit must be 1 to {MAX_LIMIT}, got {text}."
            raise QueryError("bad_request", message, "The cursor `next` returns the rows after a page.")
        return int(text)

    def number(self, name: str, default: int, most: int = 2**63 - 1) -> int:
        """A whole number from 0 to `most`."""
        text = self._values.get(name) or str(default)
        if not (text.isascii() and text.isdigit() and int(text[:20]) <= most):
            raise QueryError("bad_request", f"{name} must be 0 to {most}, got {text[:40]}.", "Correct it.")
        return int(text)

    def one_of(self, name: str, values: Sequence[str]) -> str:
        """One of these values; the first if it is missing."""
        text = self.text(name) or values[0]
        if text not in values:
            hint = did_you_mean(text, list(values)) or "Correct it, or leave it out."
            raise QueryError("bad_request", f"{name} must be one of {', '.join(values)}, got {text!r}.", hint)
        return text

    def flag(self, name: str) -> bool:
        """Whether it is `true`; false if it is missing."""
        text = self._values.get(name, "false")
        if text not in {"true", "false"}:
            raise QueryError("bad_request", f"{name} must be true or false, got {text!r}.", f"Write {name}=true.")
        return text == "true"

    def duration_ns(self, name: str) -> int:
        """A duration in nanoseconds; 0 if it is missing."""
        return parse_duration(self._values[name], name) if self._values.get(name) else 0

    def moment_ns(self, name: str, default: int) -> int:
        """A moment in Unix nanoseconds: a time, or how long ago it was."""
        now = self.now_unix_ns or time.time_ns()
        return parse_moment(self._values[name], name, now) if self._values.get(name) else default

    def until_ns(self) -> int:
        """The end of the time that is asked for."""
        return self.moment_ns("until", 2**63 - 1)

    def wait_s(self) -> float | None:
        """How many seconds to wait; None: do not wait."""
        if self.text("wait") is None:
            return None
        seconds = self.duration_ns("wait") / 1e9
        if seconds > MAX_WAIT_S:
            message = f"wait must be at most {MAX_WAIT_S}s, got {self.text('wait')}."
            raise QueryError("bad_request", message, "Repeat the request to wait longer.")
        return seconds

    def trace_filter(self) -> TraceFilter:
        """The filter of traces."""
        return TraceFilter(
            service=self.text("service"),
            operation=self.text("operation"),
            status=self.text("status"),
            min_duration_ns=self.duration_ns("min_duration"),
            attributes=self._attribute_filter(),
            since_ns=self.moment_ns("since", 0),
            until_ns=self.until_ns(),
            batches=self.flag("batches"),
            platform=self.text("platform"),
            region=self.text("region"),
            version=self.text("version"),
            where=self._terms(TRACES),
        )

    def asked(self, connection: DuckDBPyConnection) -> Asked:
        """What an aggregated answer is about: by default the last hour.

        In a store without a collector, that is the hour before its last trace.
        """
        return Asked.of(connection, *self.ranged_filter(connection))

    def asked_often(self, connection: DuckDBPyConnection) -> Asked:
        """The same, for several queries of it: what is not folded is summed up first.

        Args:
            connection: to the store, in the transaction of the question.
        """
        asked = self.asked(connection)
        if asked.by_minute:
            sum_up_minutes(connection)
        else:
            sum_up_traces(connection, with_minutes=True)
        return asked

    def ranged_filter(self, connection: DuckDBPyConnection) -> tuple[TraceFilter, int]:
        """The filter of such an answer, with both ends of its time; and what time it is."""
        now = self.now_unix_ns or range_of_store(connection)[1] + 1 or time.time_ns()
        wanted = self.trace_filter()
        until = now if wanted.until_ns == LATEST else wanted.until_ns
        since = wanted.since_ns if self.text("since") else max(until - DEFAULT_RANGE_NS, 0)
        if since >= until:
            raise QueryError("bad_request", "The time ends before it begins.", "Give a since that is before until.")
        return replace(wanted, since_ns=since, until_ns=until), now

    def log_filter(self, trace_id: str | None) -> LogFilter:
        """The filter of log records, for this trace."""
        level = self.text("level")
        return LogFilter(
            trace_id,
            self.text("service"),
            level and level.lower(),
            self.moment_ns("since", 0),
            self.until_ns(),
            self._terms(LOGS),
        )

    def _terms(self, language: Language) -> tuple[Term, ...]:
        words = StoredWords(self._connection, of_logs=language is LOGS) if self._connection else None
        return parse(self.text("filter") or "", language, words.is_attribute if words else unknown)

    def after(self) -> str | None:
        """The cursor of what arrives later, or `now`; None for a list.

        Raises:
            QueryError: it is given together with `before`, or `wait` without it.
        """
        after = self.text("after")
        if after and self.text("before"):
            raise QueryError("bad_request", "before and after are both given.", "Leave one of them out.")
        if not after and self.text("wait"):
            raise QueryError("bad_request", "wait requires after.", "Start with after=now.")
        return after

    def _attribute_filter(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for text in self._attributes:
            key, equals, value = text.partition("=")
            if not (key and equals):
                hint = "Write attribute=key=value, for example attribute=db.collection.name=pamazon."
                raise QueryError("bad_request", f"attribute={text!r} is not a filter.", hint)
            if found.setdefault(key, value) != value:
                hint = "Use one value: a span has only one."
                raise QueryError("bad_request", f"attribute {key!r} is given with two values.", hint)
        return found


def _known(known: tuple[str, ...]) -> str:
    return f"Use {', '.join(known)}." if known else "Leave it out: this path has no parameters."
