"""Puts the context into what travels with a message, and takes it out on the other side.

In: a mapping, such as the headers of a queue's message. Out: the same with the headers of the configured propagator;
on the other side, the context that arrived. State: whether headers that cannot be read were told of.
"""

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


class _Spelled(Getter[Mapping[str, str]]):
    """Headers by their names in small letters: propagators spell some with capitals."""

    def get(self, carrier: Mapping[str, str], key: str) -> list[str] | None:
        value = carrier.get(key.lower())
        return None if value is None else [value]

    def keys(self, carrier: Mapping[str, str]) -> list[str]:
        return list(carrier)


_getter: Final = _Spelled()


@overload
def inject(carrier: None = None) -> dict[str, str]: ...
@overload
def inject(carrier: M) -> M: ...
def inject(carrier: Any = None) -> Any:
    """Write the current context, its baggage too, into `carrier` and return it; without one, into a new dictionary.

    `queue.put({"body": body, "headers": telemetry.context.inject()})`. The propagator is the configured one
    (`OTEL_PROPAGATORS`), the same that gRPC calls go by. Where nothing is current, nothing is written.
    """
    made = {} if carrier is None else carrier
    if isinstance(made, list) or not hasattr(made, "__setitem__"):
        raise TelemetryError(
            f"inject() writes into a dictionary, not into a {type(made).__name__}",
            "write headers = inject(), and turn those into what your queue takes",
        )
    with guard:
        propagators.api().inject(made)
    return made


@contextmanager
def extract(carrier: Carrier | None) -> Iterator[Context]:
    """Work on a message inside this block: below the span that `inject` saw, with its baggage.

    Arguments: `carrier`, a mapping or pairs; names in any spelling, values text or bytes. A message without headers
    begins a trace of its own, as does one whose headers cannot be read: nothing of the context around the block is seen
    inside it. Yields the context that arrived, for links.
    """
    context = received(_headers(carrier), Context())
    token = attach(context)
    try:
        yield context
    finally:
        detach(token, context)


def received(headers: Mapping[str, str], base: Context) -> Context:
    """Return `base` with what the configured propagator finds in `headers`; what it cannot read is left out."""
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
    except (TypeError, ValueError):  # what came with a message is nobody's mistake here, and must stop no consumer
        _tell_once(type(carrier).__name__)
        return {}
    return {_text(name): _text(value) for name, value in pairs.items() if isinstance(value, str | bytes)}


@lru_cache(1)
def _tell_once(kind: str) -> None:
    _log.warning(
        "extract() reads a mapping or pairs, not a %s: the message begins a trace of its own; "
        "write extract(message.headers) (logged once)",
        kind,
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
