"""Carries the trace context and the baggage in gRPC metadata.

In: a caller's metadata or call details, a context. Out: new ones with the headers of the configured propagator beside
what the caller gave; on the server, the context that arrived. State: none. The caller's objects are never changed.

What `w3c` can write and read by itself does not go through the propagator, which takes most of a call's time.
"""

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import grpc.aio
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter

from telemetry.config import propagators
from telemetry.recording.current import get_current
from telemetry.recording.guard import guard
from telemetry.rpc.calls import w3c

propagate: Any = propagators.api()
Pair = tuple[str, str | bytes]
Headers = dict[str, list[str]]

_KEY: Final = re.compile(r"[0-9a-z_.-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")


class _HeaderGetter(Getter[Headers]):
    """Reads headers as propagators ask for them: some spell them with capitals, which gRPC never has."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        return carrier.get(key.lower())

    def keys(self, carrier: Headers) -> list[str]:
        return list(carrier)


_getter: Final = _HeaderGetter()


def inject_into(details: Any, context: Context | None = None) -> Any:
    """Return gRPC's call details with `context` (default: the current one) in the metadata; never raises.

    Where that fails, the details come back as they are: the call goes on, and the trace breaks here.
    """
    try:
        pairs = injected(details.metadata, get_current() if context is None else context)
        if pairs is None:
            return details
        kind: Any = type(details)
        is_aio, is_known = _shape(kind)
        metadata: Any = grpc.aio.Metadata(*pairs) if is_aio else pairs
        if is_known:  # half of what `_replace` takes
            fields = list(details)
            fields[2] = metadata
            return tuple.__new__(kind, fields)
        return _with_metadata(details, metadata)
    except Exception as fault:  # noqa: BLE001  a propagator of the user's: anything can be raised here
        guard.caught(fault)
    return details


def injected(given: Iterable[Pair] | None, context: Context) -> tuple[Pair, ...] | None:
    """Return the metadata given with `context` in it; None where there is nothing to add. May raise."""
    textmap = propagate.get_global_textmap()
    headers = w3c.inject(textmap, context)
    if headers is None:
        headers = _headers(textmap, context)
    if not headers:
        return None
    return with_headers(given, dict(headers)) if given else headers


def with_headers(given: Iterable[Pair], headers: dict[str, str]) -> tuple[Pair, ...]:
    """Return the pairs given, then the headers.

    Duplicates and `-bin` keys stay. A pair with the name of a header is replaced: a gateway that forwards all that it
    received would send its caller's span as the parent, or the state of another trace beside its own.
    """
    ours = {*headers, "tracestate"} if "traceparent" in headers else headers.keys()
    return (*(pair for pair in given if pair[0] not in ours), *headers.items())


def extract_from(
    metadata: Sequence[tuple[str, str | bytes]] | None, base: Context | None = None
) -> Mapping[str, object]:
    """Return `base` (default: the current context) with what the peer sent: its span as the parent, its baggage.

    A span of this process is not kept as the parent: a server started inside a span would else hang every request
    below that one.
    """
    base = get_current() if base is None else base
    textmap = propagate.get_global_textmap()
    if not base:
        extracted = w3c.extract(textmap, metadata or ())
        if extracted is not None:
            return extracted
    if trace.get_current_span(base) is not trace.INVALID_SPAN:
        base = trace.set_span_in_context(trace.INVALID_SPAN, base)
    headers: Headers = {}
    for key, value in metadata or ():
        if isinstance(value, str):
            headers.setdefault(key, []).append(value)
    with guard:
        context: Context = textmap.extract(headers, base, getter=_getter)
        return context
    return base


def _headers(textmap: Any, context: Context) -> tuple[tuple[str, str], ...]:
    carrier: dict[str, str] = {}
    textmap.inject(carrier, context)
    found = {
        key.lower(): value
        for key, value in carrier.items()
        # gRPC refuses the whole call for one illegal header
        if _KEY.fullmatch(key.lower()) and not key.lower().endswith("-bin") and _VALUE.fullmatch(value)
    }
    return tuple(found.items())


@lru_cache(maxsize=64)
def _shape(kind: Any) -> tuple[bool, bool]:
    """Return whether call details of this kind are those of `grpc.aio`, and whether they are tuples as gRPC's own."""
    fields = getattr(kind, "_fields", ())
    return issubclass(kind, grpc.aio.ClientCallDetails), issubclass(kind, tuple) and fields[2:3] == ("metadata",)


def _with_metadata(details: Any, metadata: Any) -> Any:
    if hasattr(details, "_replace"):
        return details._replace(metadata=metadata)
    changed = copy.copy(details)  # those of another interceptor may be of any class
    changed.metadata = metadata
    return changed
