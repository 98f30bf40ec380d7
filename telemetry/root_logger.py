"""Adds handlers to the root logger that nobody notices who reads the process's output.

In: handlers that send records elsewhere. Out: the same, attached; what takes them away again. State: which of the root
logger's handlers are such, for the process.

As soon as the root logger has any handler, `logging` no longer writes warnings to standard error by itself
(`logging.lastResort`). A handler that only sends records elsewhere is no reason for that silence: while there is no
other, warnings are written as before. `logging.basicConfig` still does nothing once a handler is there: call it first.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from telemetry.guard import guard

_unnoticed: Final[list[logging.Handler]] = []


def attach(handlers: Sequence[logging.Handler]) -> Callable[[], None]:
    """Add `handlers` to the root logger; return what takes them away again."""
    root = logging.getLogger()
    _unnoticed.extend(handlers)
    for handler in (*handlers, _last_resort) if handlers else ():
        root.addHandler(handler)  # adds none twice

    def detach() -> None:
        for handler in handlers:
            root.removeHandler(handler)
            if handler in _unnoticed:
                _unnoticed.remove(handler)
        if not _unnoticed:
            root.removeHandler(_last_resort)

    return detach


class _LastResort(logging.Handler):
    """Stands in for `logging.lastResort` while only unnoticed handlers are there."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a warning that nobody else writes. Never raises."""
        with guard:
            last = logging.lastResort
            if last is not None and record.levelno >= last.level and not _heard(logging.getLogger(record.name)):
                last.handle(record)


_last_resort: Final = _LastResort()


def _heard(logger: logging.Logger | None) -> bool:
    """Say whether a handler of somebody else's gets the records of `logger`, on the way to the root."""
    while logger is not None:
        if any(handler is not _last_resort and handler not in _unnoticed for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False
