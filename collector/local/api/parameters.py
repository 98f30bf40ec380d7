"""The query string of one request, read strictly.

In: the pairs of the query string. Out: checked values; a `QueryError` that names the parameters there are, where one is
unknown, doubled or wrong: a filter with a spelling mistake must not quietly find everything. State: none.
"""

from collections.abc import Iterable, Mapping

from collector.local.query import LogFilter, QueryError, TraceFilter, parse_duration

MAX_LIMIT = 10_000
MAX_WAIT_S = 60
REPEATABLE = "attribute"


class Parameters:
    """What a request asks for."""

    def __init__(self, pairs: Iterable[tuple[str, str]], known: Iterable[str], now_unix_ns: int | None = None) -> None:
        self.now_unix_ns = now_unix_ns
        """By the collector's clock; None in a store that no collector runs on."""
        known = tuple(known)
        self._attributes: list[str] = []
        self._values: dict[str, str] = {}
        for name, value in pairs:
            if name not in known:
                raise QueryError("bad_request", f"There is no parameter {name!r} here.", _known(known))
            if name == REPEATABLE:
                self._attributes.append(value)
            elif name in self._values:
                raise QueryError(
                    "bad_request", f"{name} is given twice.", "Give it once; only attribute may be repeated."
                )
            else:
                self._values[name] = value

    def text(self, name: str) -> str | None:
        """The value as it came; None where it is missing or empty."""
        return self._values.get(name) or None

    def limit(self, default: int) -> int:
        """How many rows a page shall hold."""
        text = self._values.get("limit", str(default))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIMIT):
            hint = f"Write a whole number from 1 to {MAX_LIMIT}; the cursor `next` gives the rows after them."
            raise QueryError("bad_request", f"limit={text!r} is no number of rows.", hint)
        return int(text)

    def flag(self, name: str) -> bool:
        """Whether it is `true`; missing and `false` are no."""
        text = self._values.get(name, "false")
        if text not in {"true", "false"}:
            raise QueryError("bad_request", f"{name}={text!r} is neither true nor false.", f"Write {name}=true.")
        return text == "true"

    def duration_ns(self, name: str) -> int:
        """A duration in nanoseconds; 0 where it is missing."""
        return parse_duration(self._values[name], name) if self._values.get(name) else 0

    def wait_s(self) -> float | None:
        """How many seconds to wait for a trace; None: not at all."""
        if self.text("wait") is None:
            return None
        seconds = self.duration_ns("wait") / 1e9
        if seconds > MAX_WAIT_S:
            hint = f"Ask for up to {MAX_WAIT_S}s, and again when that is over."
            raise QueryError("bad_request", f"wait={self.text('wait')} is too long.", hint)
        return seconds

    def trace_filter(self) -> TraceFilter:
        """The filter that the parameters make."""
        return TraceFilter(
            service=self.text("service"),
            operation=self.text("operation"),
            status=self.text("status"),
            min_duration_ns=self.duration_ns("min_duration"),
            attributes=self._attribute_filter(),
            batches=self.flag("batches"),
        )

    def log_filter(self, trace_id: str | None) -> LogFilter:
        """The filter that the parameters make, for records of this trace."""
        level = self.text("level")
        return LogFilter(trace_id, self.text("service"), level and level.lower())

    def after(self) -> str | None:
        """The cursor to what arrives later, or `now`; None where a list is asked for.

        Raises:
            QueryError: it is given together with `before`, or `wait` without it.
        """
        after = self.text("after")
        if after and self.text("before"):
            raise QueryError("bad_request", "before and after are given both.", "Leave one of them out.")
        if not after and self.text("wait"):
            raise QueryError("bad_request", "wait is given without after.", "Ask with after=now first.")
        return after

    def _attribute_filter(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for text in self._attributes:
            key, equals, value = text.partition("=")
            if not (key and equals):
                hint = "Write attribute=key=value, for example attribute=db.collection.name=pamazon."
                raise QueryError("bad_request", f"attribute={text!r} is no filter.", hint)
            if found.setdefault(key, value) != value:
                hint = "Ask for one value of it: no span has two."
                raise QueryError("bad_request", f"attribute {key!r} is asked to have two values.", hint)
        return found


def _known(known: tuple[str, ...]) -> str:
    return f"Use {', '.join(known)}." if known else "Leave it out: there are none."
