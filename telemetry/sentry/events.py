"""Takes out of an error event what must not leave.

In: an event, as Sentry's SDK is about to send it. Out: the same, scrubbed. State: none.
"""

from typing import TYPE_CHECKING, Any

from telemetry.privacy import scrub
from telemetry.privacy.urls import LOGGED

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_LEFT = frozenset({"event_id", "timestamp", "platform", "level", "sdk", "contexts", "modules", "release", "dist"})
"""Parts of the SDK's own making, with ids that must stay as they are."""


def cleaned(event: "Event", hint: "Hint") -> "Event | None":  # noqa: ARG001  the SDK's signature
    """Scrub every text of the event. The arguments of a log message stand in the message; alone they are left out."""
    parts: dict[str, Any] = dict(event)
    words = parts.get("logentry")
    if isinstance(words, dict):
        shown = scrub(words.get("formatted") or words.get("message"), LOGGED)
        parts["logentry"] = {"message": shown, "formatted": shown}
    for name in parts.keys() - _LEFT:
        parts[name] = scrub(parts[name], name)
    errors = parts.get("exception")
    for error in errors.get("values") or () if isinstance(errors, dict) else ():
        if isinstance(error, dict):
            error["value"] = scrub(error.get("value"), "exception.message")
    return parts  # type: ignore[return-value]
