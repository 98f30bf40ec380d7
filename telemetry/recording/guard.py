"""Keeps our own faults away from the host.

In: blocks of our code that run inside a user's call. Out: nothing; a fault is counted and swallowed, and warned of
once. State: the count, owned by the one `guard` of the process. Our tests set `guard.strict`, which re-raises.

No user code ever runs inside `with guard:`, so that no exception of the user's can be swallowed.
"""

import contextlib
import logging
from types import TracebackType

_log = logging.getLogger("search_telemetry")


class Guard:
    """A context manager without state for each use: re-entrant and safe across threads."""

    __slots__ = ("faults", "strict")

    def __init__(self) -> None:
        self.faults = 0
        self.strict = False

    def __enter__(self) -> None:
        """Cost next to nothing: this stands on the hot path."""

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> bool:
        return kind is not None and issubclass(kind, Exception) and self._swallow(exc)

    def _swallow(self, exc: BaseException | None) -> bool:
        self.faults += 1
        if self.strict:
            return False
        if self.faults == 1:
            with contextlib.suppress(Exception):  # a handler of the user's, or an exception that raises at a look
                _log.warning("telemetry failed inside itself; the call went on without it (logged once)", exc_info=exc)
        return True


guard = Guard()
