"""Gives handlers every record that reaches the root logger, without being among its handlers.

In: handlers that send records elsewhere. Out: the same, attached; what takes them away again. State: the handlers, for
the process.

A program's own configuration takes whatever handlers the root logger has away: `dictConfig`, `fileConfig`,
`basicConfig(force=True)`, `root.handlers = []`, a Celery worker at its start. And as soon as the root logger has any
handler, `basicConfig` does nothing, and `logging` no longer writes warnings to standard error by itself. What only
sends records elsewhere is no reason for either. So these handlers stand beside the root logger's, in the one function
that hands a record to handlers. What a program keeps from the root logger (`propagate = False`) stays kept from them.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from telemetry.recording.guard import guard

_OWN_HANDLERS: Final = frozenset({"celery.task"})
"""Loggers that a framework gives the root logger's handlers once more, in its own format, and takes off the root logger
for that reason alone: a Celery worker's, below which are all that `get_task_logger` returns."""


class _Beside:
    """What stands beside the root logger's handlers. `installed` once records come by here."""

    handlers: tuple[logging.Handler, ...] = ()
    installed = False


def attach(handlers: Sequence[logging.Handler]) -> Callable[[], None]:
    """Hand records to `handlers` as the root logger would; return what takes them away again."""
    _Beside.handlers = (*_Beside.handlers, *handlers)
    if handlers and not _Beside.installed:
        _Beside.installed = True
        _install()

    def detach() -> None:
        _Beside.handlers = tuple(one for one in _Beside.handlers if one not in handlers)

    return detach


def _install() -> None:
    call_handlers = logging.Logger.callHandlers

    def with_those_beside(self: logging.Logger, record: logging.LogRecord) -> None:
        call_handlers(self, record)
        if _Beside.handlers and _reaches_root(self):
            with guard:
                for handler in _Beside.handlers:
                    if record.levelno >= handler.level:
                        handler.handle(record)

    logging.Logger.callHandlers = with_those_beside  # type: ignore[method-assign]  # stays: others may wrap it


def _reaches_root(logger: logging.Logger) -> bool:
    while logger.parent is not None and (logger.propagate or logger.name in _OWN_HANDLERS):
        logger = logger.parent
    return logger is logging.root
