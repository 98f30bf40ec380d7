"""Suppresses exceptions in our own code that runs inside a user's call.

They are counted, and the first one is logged. User code never runs inside `with guard:`, so no exception of the user's
can be suppressed. Our tests set `guard.strict`, which lets exceptions through.
"""

import contextlib
import logging
import sys
from types import TracebackType

_log = logging.getLogger("search_telemetry")


class Guard:
    """A context manager without state per use, so it is reentrant and thread-safe."""

    __slots__ = ("faults", "strict")

    def __init__(self) -> None:
        self.faults = 0
        self.strict = False

    def __enter__(self) -> None:
        """Do nothing: this is on the hot path."""

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> bool:
        return kind is not None and issubclass(kind, Exception) and self._suppress(exc)

    def caught(self, exc: Exception) -> None:
        """Suppress `exc`, or raise it where `strict` is set: for code that is too hot for a `with` block."""
        if not self._suppress(exc):
            raise exc

    def _suppress(self, exc: BaseException | None) -> bool:
        self.faults += 1
        if self.strict:
            return False
        if sys.is_finalizing():  # a `__del__` records, and nothing can be imported any more
            return True
        if self.faults == 1:
            with contextlib.suppress(Exception):  # a log handler of the user's may raise
                _log.warning("internal error in telemetry; the call continued without it (logged once)", exc_info=exc)
        return True


guard = Guard()
