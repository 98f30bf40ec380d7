"""What sync and aio clients share: whether a call is traced, and how it begins.

In: gRPC's call details and the request. Out: a call begun with its new details, or None where the call goes on without
a span of ours. State: what is known of each method of the channel, for a bounded number of methods.
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation
from opentelemetry.util.types import AttributeValue

from telemetry.recording import providers
from telemetry.recording.current import attach, detach, get_current
from telemetry.recording.guard import guard
from telemetry.rpc.calls import call as rpc
from telemetry.rpc.calls.contributed import contributed_span
from telemetry.rpc.calls.metadata import inject_into, injected
from telemetry.rpc.calls.names import Filter, Method, is_selected, method_of, target_attributes
from telemetry.rpc.calls.outcome import CLIENT, Outcome

_in_use: Final = providers.current


class ChannelMethod(NamedTuple):
    """One method as this channel calls it, and the attributes of its CLIENT spans."""

    method: Method
    attributes: dict[str, AttributeValue]


class CallDetails(NamedTuple):
    """A call as filters see it, with the fields of gRPC's own details."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class Outgoing:
    """Begins the calls of one channel. `target` is the channel's, which interceptors do not get from gRPC."""

    def __init__(self, target: str | None, filter_: Filter | None) -> None:
        self._filter = filter_
        address = target_attributes(target)

        @lru_cache(maxsize=512)
        def called(full: str | bytes) -> ChannelMethod:
            method = method_of(full)
            return ChannelMethod(method, {**method.attributes, **address})

        self.method = called
        """Returns what is known of a method of this channel."""

    def begin(self, details: Any, request: object) -> tuple[rpc.Call | None, Any]:
        """Return the call begun and the details to go on with. Never raises.

        Without a call, the details carry the current context all the same, also where nothing is recorded, unless
        instrumentation is suppressed, or has been here already.
        """
        try:
            call, context = self._begun(self.method(details.method), request, lambda: details)
            return call, details if context is None else inject_into(details, context)
        except Exception as fault:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(fault)
        return None, details

    def begin_on(self, known: ChannelMethod, request: object, *details: Any) -> tuple[rpc.Call | None, Any]:
        """Return the call begun and the metadata to send, as `begin` does; `details` are those after the method."""
        metadata = details[1]
        call = None
        try:
            call, context = self._begun(known, request, lambda: CallDetails(known.method.name, *details))
            pairs = None if context is None else injected(metadata, context)
            return call, metadata if pairs is None else pairs
        except Exception as fault:  # noqa: BLE001  as above; a propagator of the user's may raise anything, too
            guard.caught(fault)
        return call, metadata

    def _begun(
        self, known: ChannelMethod, request: object, details: Callable[[], Any]
    ) -> tuple[rpc.Call | None, Context | None]:
        """Return the call begun, and the context to send (None: the metadata stay as they are)."""
        context = get_current()
        if context and not is_instrumentation_enabled():
            return None, None
        if not (_in_use.on or providers.recording()) or sys.is_finalizing():
            return None, context
        method, attributes = known
        if context and rpc.is_same_call(context.get(rpc.CALL_KEY), CLIENT, method, request):
            return None, None
        if method.is_infrastructure if self._filter is None else not is_selected(self._filter, details()):
            return None, context
        adopted = contributed_span(method, trace.SpanKind.CLIENT, context) if context else None
        call = rpc.Call(CLIENT, method, context, attributes, adopted, request)
        return call, call.context


def made_within(
    below: str,
    outcome_of: Callable[[Any], Outcome],
    call: rpc.Call,
    make: Callable[..., Any],
    *given: Any,
    **named: Any,
) -> Any:
    """Return what `make` returns for what is given, in the context of `call`; if it raises, the call has ended.

    Arguments: `below`, the module of contributed interceptors, which would make a second span where they are installed;
    `outcome_of`, a function that returns the outcome for what was raised.
    """
    token = attach(call.context)  # a stream of requests is drawn in a thread or task that gRPC gives this context
    try:
        if below in sys.modules:
            with suppress_instrumentation():
                return make(*given, **named)
        return make(*given, **named)
    except BaseException as error:
        call.end(outcome_of(error))
        raise
    finally:
        detach(token)
