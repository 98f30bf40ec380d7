"""Records the status that a plain handler on a `grpc.aio` server sets.

In: the context that `grpc.aio` gives to handlers in its thread pool, which has `set_code` but not `code`.
Out: the same context, with `code` and `details`. State: those two, for one call.
"""

import functools
from collections.abc import Callable
from typing import Any

import grpc


class StatusRecordingContext:
    """Delegates everything to `servicer`, and records the status that is set."""

    def __init__(self, servicer: Any) -> None:
        self._servicer = servicer
        self._code: grpc.StatusCode | None = None
        self._details = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._servicer, name)

    def code(self) -> grpc.StatusCode | None:
        """Return the code set, None where none was."""
        return self._code

    def details(self) -> str:
        """Return the details set."""
        return self._details

    def set_code(self, code: grpc.StatusCode) -> None:
        """Set the code of the response."""
        self._code = code
        self._servicer.set_code(code)

    def set_details(self, details: str) -> None:
        """Set the details of the response."""
        self._details = details
        self._servicer.set_details(details)

    def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> None:
        """End the call with this status; does not return."""
        self._code, self._details = code, details
        self._servicer.abort(code, details, trailing_metadata)


def recording_status(behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return `behavior`, called with a context that has `code` and `details`."""

    @functools.wraps(behavior)
    def recorded(request: Any, servicer: Any) -> Any:
        return behavior(request, servicer if hasattr(servicer, "code") else StatusRecordingContext(servicer))

    return recorded
