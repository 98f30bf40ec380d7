"""Scrubs the baggage that leaves with a call or a message.

In: the context of whoever calls. Out: the same, or where its baggage holds a secret another context with markers in its
place, for the propagators alone; without entries that no header can carry, which would cost the ids of the trace too.
State: none; the caller's context keeps what it has.
"""

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry.privacy.scrubber import current
from telemetry.repairs import repairs


def leaving(context: Context | None = None) -> Context:
    """Return `context` (default: the current one) as it may leave the process."""
    made = otel_context.get_current() if context is None else context
    entries = baggage.get_all(made)
    if not entries:
        return made
    scrubber = current()
    for name, value in entries.items():
        try:
            name.encode()
            text = value if isinstance(value, str) else str(value)  # as the propagators do
            scrubbed = scrubber.value(name, text).encode("utf-8", "replace").decode()
        except Exception:  # noqa: BLE001  a name that is not Unicode, a value of a class of the user's
            repairs.add("baggage that cannot be written")
            made = baggage.remove_baggage(name, made)
            continue
        if scrubbed != text:
            made = baggage.set_baggage(name, scrubbed, made)
    return made
