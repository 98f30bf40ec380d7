"""Writes and reads `traceparent` and `baggage` where OpenTelemetry's propagators for them are the ones configured.

In: a context, or metadata that arrived. Out: headers, or the values of a context, equal to what the propagators would
make; None for whatever is not plain (a trace state, a header that is there twice, another propagator), which is left to
them. State: the latest texts of baggage, a bounded number.

A baggage header is always parsed by the propagators: once for each text.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import Span as AnySpan
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry.config import propagators
from telemetry.recording.request.baggage import BAGGAGE
from telemetry.recording.traces.remote_span import RemoteSpan

Pairs = tuple[tuple[str, str], ...]

_FLAGS: Final = tuple(f"{flags:02x}" for flags in range(256))
_PARENT: Final = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-0([0-3])").fullmatch  # other flags are not known
_blank: Final[Callable[[type[RemoteSpan]], RemoteSpan]] = object.__new__
_OUR_SPANS: Final = "telemetry.recording.traces.span"  # whose import takes the SDK's
_MOST_CACHED: Final = 1024  # characters of a text of baggage


def inject(textmap: Any, context: Context) -> Pairs | None:  # noqa: PLR0911  one function, for speed
    """Return the headers that the propagators inject for `context`; None: they must do it."""
    known = _last
    if not (known if known.textmap is textmap else _look_at(textmap)).is_w3c:
        return None
    span = context.get(_SPAN_KEY)
    pairs: Pairs
    if type(span).__module__ == _OUR_SPANS:
        ours: Any = span
        if ours.state is not None:
            return None
        pairs = (("traceparent", _traceparent(ours.trace_id, ours.span_id, ours.flags)),)
    elif span is None:
        pairs = ()
    elif isinstance(span, AnySpan):
        found = span.get_span_context()
        if not found.is_valid or found.trace_state:
            return None
        pairs = (("traceparent", _traceparent(found.trace_id, found.span_id, found.trace_flags)),)
    else:
        return None
    entries = context.get(BAGGAGE)
    if not entries:
        return pairs
    baggage = _written(textmap, entries)
    if baggage is None:
        return None
    return (*pairs, ("baggage", baggage)) if baggage else pairs


def _traceparent(trace_id: int, span_id: int, flags: int) -> str:
    """Return the header: by way of bytes, in less than half the time of a format for numbers."""
    return f"00-{trace_id.to_bytes(16, 'big').hex()}-{span_id.to_bytes(8, 'big').hex()}-{_FLAGS[flags]}"


def extract(textmap: Any, metadata: Sequence[tuple[str, str | bytes]]) -> dict[str, object] | None:
    """Return the values that the propagators give to an empty context; None: they must do it."""
    known = _last
    if not (known if known.textmap is textmap else _look_at(textmap)).is_w3c:
        return None
    given: dict[str, Any] = dict(metadata)
    if len(given) != len(metadata) or "tracestate" in given:  # else no header is there twice
        return None
    found: dict[str, object] = {}
    parent = given.get("traceparent")
    if parent is not None:
        ids = _PARENT(parent) if type(parent) is str else None
        if ids is None:
            return None
        trace_id, span_id, flags = ids.groups()
        span = _blank(RemoteSpan)
        span.trace_id, span.span_id, span.flags = int(trace_id, 16), int(span_id, 16), int(flags)
        if not (span.trace_id and span.span_id):
            return None
        found[_SPAN_KEY] = span
    baggage = given.get("baggage")
    if baggage is not None:
        if type(baggage) is not str:
            return None
        entries = _read(baggage) if len(baggage) <= _MOST_CACHED else _read.__wrapped__(baggage)
        if entries:
            found[BAGGAGE] = entries
    return found


class _Known(NamedTuple):
    """The propagator that was last looked at, and whether it writes `traceparent` and `baggage`, nothing else."""

    textmap: object
    is_w3c: bool


_last = _Known(None, is_w3c=False)


def _look_at(textmap: Any) -> _Known:
    global _last  # noqa: PLW0603  one propagator, looked at once
    kinds = {type(one) for one in getattr(textmap, "_propagators", ())}
    is_plain = type(textmap) is CompositePropagator or type(textmap).__module__ == propagators.__name__
    _last = known = _Known(
        textmap, is_plain and BAGGAGE != "" and kinds == {TraceContextTextMapPropagator, W3CBaggagePropagator}
    )
    return known


def _written(textmap: Any, entries: Any) -> str | None:
    """Return the header of these entries; None where one of them is not two plain texts."""
    if type(entries) is not dict:
        return None
    length = 0
    for name, value in entries.items():
        if type(name) is not str or type(value) is not str or not (name.isascii() and value.isascii()):
            return None
        length += len(name) + len(value)
    write = _header if length <= _MOST_CACHED else _header.__wrapped__
    return write(textmap, tuple(entries.items()))


@lru_cache(maxsize=256)
def _header(textmap: Any, entries: Pairs) -> str:
    """Return what `textmap` writes for this baggage: scrubbed, where it is ours."""
    carrier: dict[str, str] = {}
    textmap.inject(carrier, Context({BAGGAGE: dict(entries)}))
    return carrier.get("baggage", "")


@lru_cache(maxsize=256)
def _read(baggage: str) -> dict[str, object] | None:
    """Return the entries of a header, never changed in place: OpenTelemetry copies them to change them."""
    context = W3CBaggagePropagator().extract({"baggage": [baggage]}, Context())
    entries = context.get(BAGGAGE)
    return entries if isinstance(entries, dict) else None
