"""`inject` writes the context into the headers of a message, `extract` reads it on the other side."""

import logging
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar, overload

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter

from telemetry.config import propagators
from telemetry.errors import TelemetryError
from telemetry.recording.current import attach, detach
from telemetry.recording.guard import guard

Carrier: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
_log = logging.getLogger("search_telemetry")
M = TypeVar("M", bound=MutableMapping[str, Any])


class _LowerCaseGetter(Getter[Mapping[str, str]]):
    """Looks up headers by their names in lower case: propagators write some with capitals."""

    def get(self, carrier: Mapping[str, str], key: str) -> list[str] | None:
        value = carrier.get(key.lower())
        return None if value is None else [value]

    def keys(self, carrier: Mapping[str, str]) -> list[str]:
        return list(carrier)


_getter: Final = _LowerCaseGetter()


@overload
def inject(carrier: None = None) -> dict[str, str]: ...
@overload
def inject(carrier: M) -> M: ...
def inject(carrier: Any = None) -> Any:
    """Write the current context and its baggage into `carrier`, or a new dictionary, and return that.

    `queue.put({"body": body, "headers": telemetry.context.inject()})`. The configured propagator is used
    (`OTEL_PROPAGATORS`), as for gRPC calls. Outside of a trace, nothing is written.
    """
    headers = {} if carrier is None else carrier
    if isinstance(headers, list) or not hasattr(headers, "__setitem__"):
        raise TelemetryError(
            f"inject() writes into a dictionary, not into a {type(headers).__name__}",
            "write headers = inject(), and convert them to the type that your queue takes",
        )
    with guard:
        propagators.api().inject(headers)
    return headers


@contextmanager
def extract(carrier: Carrier | None) -> Iterator[Context]:
    """Process a message in this block: its spans are children of the span that was current at `inject`.

    Arguments: `carrier`, a mapping or pairs of headers; names in any case, values strings or bytes. The context around
    the block does not apply inside it: a message without valid headers starts a new trace. Yields the extracted
    context, for example for links.
    """
    context = received(_headers(carrier), Context())
    token = attach(context)
    try:
        yield context
    finally:
        detach(token, context)


def received(headers: Mapping[str, str], base: Context) -> Context:
    """Return `base` with the context that the configured propagator extracts from `headers`. Never raises."""
    with guard:
        context: Context = propagators.api().extract(
            {name.lower(): value for name, value in headers.items()}, base, _getter
        )
        return context
    return base


def _headers(carrier: Carrier | None) -> dict[str, str]:
    if carrier is None:
        return {}
    try:
        pairs = dict(carrier.items() if isinstance(carrier, Mapping) else carrier)
    except (TypeError, ValueError):  # a malformed message must not stop the consumer
        _warn_once(type(carrier).__name__)
        return {}
    return {_text(name): _text(value) for name, value in pairs.items() if isinstance(value, str | bytes)}


@lru_cache(1)
def _warn_once(kind: str) -> None:
    _log.warning(
        "extract() takes a mapping or pairs, not a %s: the message starts a new trace; "
        "write extract(message.headers) (logged once)",
        kind,
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
